"""Which URLs and addresses webhooks can have."""

from typing import Any

import pytest

from kit.errors import Invalid
from webhooks import addresses

PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    # Metadata of clouds.
    "169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    # Carrier-grade NAT, benchmarks, protocol assignments, documentation, multicast, reserved, broadcast.
    "100.64.0.1",
    "198.18.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "203.0.113.7",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "ff02::1",
    "2001:db8::1",
    "3fff::1",
    # IPv4 in IPv6: mapped, translated, compatible, NAT64, 6to4 and Teredo.
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "::ffff:0:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::8.8.8.8",
    "2002:7f00:0001::",
    "2002:a9fe:a9fe::1",
    "2001:0:0a00:1::1",
    "not an address",
]


@pytest.fixture(autouse=True)
def only_public(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False


def fault(url: str) -> str:
    try:
        addresses.check_url(url)
    except Invalid as error:
        return error.fields["url"][0]
    return ""


class TestAddress:
    @pytest.mark.parametrize("address", PUBLIC)
    def test_is_public(self, address: str) -> None:
        assert addresses.is_public(address)
        assert addresses.is_allowed(address)

    @pytest.mark.parametrize("address", PRIVATE)
    def test_is_private(self, address: str) -> None:
        assert not addresses.is_public(address)
        assert not addresses.is_allowed(address)

    def test_can_be_private_if_the_setting_says_so(self, settings: Any) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE = True

        assert addresses.is_allowed("10.0.0.1")


class TestUrl:
    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com",
            "https://example.com:8443/hooks?tenant=7",
            "HTTPS://EXAMPLE.COM/",
            "https://bücher.example/hooks",
            "https://8.8.8.8/hooks",
            "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/hooks",
        ],
    )
    def test_is_accepted(self, url: str) -> None:
        assert fault(url) == ""

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "example.com",
            "//example.com/hooks",
            "ftp://example.com/hooks",
            "file:///etc/passwd",
            "https://",
            "https:///hooks",
            "https://example.com:99999/",
            "https://example.com:0/",
            "https://exa mple.com/",
            "https://example.com\\@127.0.0.1/",
            "https://[::1",
            # Old notations of 127.0.0.1.
            "https://2130706433/",
            "https://0x7f000001/",
            "https://127.1/",
            "https://0177.0.0.1/",
        ],
    )
    def test_is_no_receiver(self, url: str) -> None:
        assert fault(url) == addresses.NOT_A_URL

    @pytest.mark.parametrize(
        "url",
        [
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fe80::1%25eth0]/",
            "https://169.254.169.254/latest/meta-data",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://db.localhost/",
            "https://printer.local/",
            "https://metadata.google.internal/",
        ],
    )
    def test_is_private(self, url: str) -> None:
        assert fault(url) == addresses.PRIVATE

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("http://example.com/", addresses.NOT_HTTPS),
            ("https://user:password@example.com/", addresses.HAS_USER),
            ("https://token@example.com/", addresses.HAS_USER),
            ("https://example.com/#part", addresses.HAS_FRAGMENT),
        ],
    )
    def test_is_refused_with_a_reason(self, url: str, message: str) -> None:
        assert fault(url) == message

    @pytest.mark.parametrize("url", ["http://10.0.0.1:8080/hooks", "http://my_app:8000/", "https://localhost/"])
    def test_can_be_private_if_the_setting_says_so(self, settings: Any, url: str) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE = True

        assert fault(url) == ""
