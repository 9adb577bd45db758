"""The times on pages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone

from kit import zones
from kit.templatetags import times

NOON = datetime(2031, 1, 31, 12, tzinfo=UTC)


class TestRelative:
    @pytest.mark.parametrize(
        ("passed", "text"),
        [
            (timedelta(0), "just now"),
            (timedelta(seconds=59), "just now"),
            (timedelta(seconds=60), "1 minute ago"),
            (timedelta(hours=3, minutes=59), "3 hours ago"),
            (timedelta(days=1, hours=23), "1 day ago"),
            (timedelta(days=400), "1 year ago"),
            (timedelta(days=-2), "in 2 days"),
            (timedelta(minutes=-90), "in 1 hour"),
            (timedelta(seconds=-59), "in less than a minute"),
        ],
    )
    def test_counts_the_largest_unit(self, passed: timedelta, text: str) -> None:
        assert zones.relative(NOON, NOON + passed) == text

    def test_has_the_exact_time_as_tooltip(self) -> None:
        assert times.relative(NOON, NOON + timedelta(hours=3)) == (
            '<time datetime="2031-01-31T12:00:00+00:00" title="2031-01-31 12:00 UTC">3 hours ago</time>'
        )


class TestExact:
    def test_is_in_the_viewer_s_zone(self) -> None:
        template = Template("{% load times %}{{ moment|exact }}")

        with timezone.override("Asia/Dubai"):
            shown = template.render(Context({"moment": NOON}))

        assert shown == '<time datetime="2031-01-31T12:00:00+00:00">2031-01-31 16:00 UTC+04:00</time>'

    @pytest.mark.parametrize("show", [times.exact, times.relative])
    def test_is_empty_without_a_time(self, show: object) -> None:
        assert callable(show)
        assert show(None) == ""
