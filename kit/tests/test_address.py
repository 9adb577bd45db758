"""The client's address behind trusted and untrusted proxies."""

from typing import Any

import pytest
from django.test import RequestFactory

from kit.web.address import client_address, client_site


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
        ],
    )
    def test_is_what_the_outermost_trusted_proxy_saw(
        self, settings: Any, count: int, forwarded: str | None, expected: str
    ) -> None:
        settings.PROXY_COUNT = count

        assert address(forwarded) == expected

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
