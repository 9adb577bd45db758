"""The client's address behind trusted and untrusted proxies."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.test import RequestFactory

from kit.web import address as module
from kit.web.address import client_address, client_site


@pytest.fixture(autouse=True)
def _may_warn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_warned_at", None)


@pytest.fixture
def warnings() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as logs:
        yield logs


def address(forwarded: str | None = None, direct: str = "192.0.2.1") -> str | None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client_address(RequestFactory(headers=headers, REMOTE_ADDR=direct).get("/"))


class TestClientAddress:
    @pytest.mark.parametrize("forwarded", [None, "", "203.0.113.7", "203.0.113.7, 198.51.100.2"])
    def test_ignores_x_forwarded_for_without_a_proxy(self, forwarded: str | None) -> None:
        assert address(forwarded) == "192.0.2.1"

    @pytest.mark.parametrize(
        ("count", "forwarded", "expected"),
        [
            (1, "203.0.113.7", "203.0.113.7"),
            (1, "10.0.0.1, 203.0.113.7", "203.0.113.7"),
            (2, "203.0.113.7, 198.51.100.2", "203.0.113.7"),
            (2, "10.0.0.1,203.0.113.7 ,198.51.100.2", "203.0.113.7"),
            (1, None, "192.0.2.1"),
            (2, "203.0.113.7", "192.0.2.1"),
            (1, "unknown", "192.0.2.1"),
            (1, "203.0.113.7, '; DROP TABLE", "192.0.2.1"),
            (1, "203.0.113.7, ", "192.0.2.1"),
        ],
    )
    def test_is_what_the_outermost_trusted_proxy_saw(
        self, settings: Any, count: int, forwarded: str | None, expected: str
    ) -> None:
        settings.PROXY_COUNT = count

        assert address(forwarded) == expected

    @pytest.mark.parametrize(
        ("entry", "expected"),
        [
            ("203.0.113.7:5678", "203.0.113.7"),
            ('"203.0.113.7:5678"', "203.0.113.7"),
            ("'203.0.113.7'", "203.0.113.7"),
            ("\t203.0.113.7 ", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::"),
            ("[2001:db8::1]", "2001:db8::"),
            ("[2001:db8::1]:443", "2001:db8::"),
            ('"[2001:db8:0:1::1]:443"', "2001:db8:0:1::"),
            ("fe80::1%eth0", "fe80::"),
            ("[fe80::1%25eth0]:443", "fe80::"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7%3]:80", "203.0.113.7"),
        ],
    )
    def test_reads_what_proxies_write_around_an_address(
        self, settings: Any, warnings: list[Any], entry: str, expected: str
    ) -> None:
        settings.PROXY_COUNT = 1

        assert address(f"198.51.100.2, {entry}") == expected
        assert warnings == []

    def test_logs_a_header_that_it_cannot_read_once_a_minute(
        self, settings: Any, warnings: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.PROXY_COUNT = 1

        address("203.0.113.7, unknown" + " " * 500)
        address("unknown")
        monkeypatch.setattr(module, "_warned_at", time.monotonic() - module.WARNING_SECONDS)
        address(None)

        assert [(log["event"], log["log_level"]) for log in warnings] == [("x_forwarded_for_unreadable", "warning")] * 2
        assert [(log["header"], log["address"]) for log in warnings] == [
            ("203.0.113.7, unknown" + " " * 180, "192.0.2.1"),
            ("", "192.0.2.1"),
        ]

    @pytest.mark.parametrize(
        ("direct", "expected"),
        [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::9", "2001:db8:1:2::"),
            ("::ffff:192.0.2.9", "192.0.2.9"),
            ("::1", "::"),
            ("", None),
            ("/run/socket", None),
        ],
    )
    def test_is_the_64_bit_network_for_ipv6(self, direct: str, expected: str | None) -> None:
        assert address(direct=direct) == expected


class TestClientSite:
    @pytest.mark.parametrize(
        ("direct", "expected"),
        [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("2001:db8:1:ffff::9", "2001:db8:1::/48"),
            ("2001:db8:2::9", "2001:db8:2::/48"),
            ("::1", "::/48"),
            ("::ffff:192.0.2.9", None),
            ("192.0.2.1", None),
            ("", None),
        ],
    )
    def test_is_the_48_bit_network_for_ipv6(self, direct: str, expected: str | None) -> None:
        assert client_site(RequestFactory(REMOTE_ADDR=direct).get("/")) == expected
