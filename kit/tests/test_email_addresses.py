"""E-mail addresses: which are accepted, and how they are stored."""

from contextlib import suppress
from email import policy
from email.parser import BytesParser

import pytest
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.models import User
from events.models import Booking
from kit.email_addresses import FormField, UnusableAddress, normalized
from kit.web.fields import EmailField
from notifications.models import Delivery
from projects.tests.psql import psql

ACCEPTED = {
    "olga@example.com": "olga@example.com",
    "Olga.O'Hara+tag@Example.COM": "Olga.O'Hara+tag@example.com",
    "x@straße.example": "x@xn--strae-oqa.example",
    "x@STRASSE.example": "x@strasse.example",
    "x@xn--STRAE-oqa.example": "x@xn--strae-oqa.example",
    "x@zoe\u0308.example": "x@xn--zo-ija.example",
    # The Kelvin sign is another encoding of the letter.
    "\u212a@example.com": "K@example.com",
    "x@日本語。jp": "x@xn--wgv71a119e.jp",
    "x@ｅxample.com": "x@example.com",
    "x@r3---sn.example": "x@r3---sn.example",
    "l" * 64 + "@example.com": "l" * 64 + "@example.com",
}
REFUSED = [
    "",
    "olga",
    "@example.com",
    "olga@",
    "olga@example@example.com",
    # Local parts that are not ASCII, some of which are "i" or "s" without regard to case.
    "İ@example.com",
    "ſ@example.com",
    "jörg@example.com",
    # Quoted, some with control characters that a quoted string may contain.
    '"a b"@example.com',
    '"a\x0cb"@x.de',
    '"a\x0bb"@x.de',
    "a\nb@example.com",
    "a@example.com\n",
    "a@exam\u2028ple.com",
    "a b@example.com",
    ".a@example.com",
    "a.@example.com",
    "a..b@example.com",
    "a,b@example.com",
    "a<b@example.com",
    "a@example.com, b@example.com",
    # Addresses of computers, and domains that no mail server outside the network knows.
    "x@[127.0.0.1]",
    "x@127.0.0.1",
    "x@localhost",
    "x@example.com.",
    "x@example..com",
    "x@-example.com",
    "x@example-.com",
    "x@exam_ple.com",
    "x@example.c",
    # Cannot be encoded, or are not what any domain is encoded to.
    "x@" + "ü" * 60 + ".example",
    "x@❤.example",
    "x@xn--a.example",
    "x@\u200d.example",
    # Too long.
    "l" * 65 + "@example.com",
    "x@" + "d" * 64 + ".com",
    "x@" + "d." * 130 + "com",
]
# Mostly addresses that are accepted.
LOCAL_PARTS = st.one_of(
    st.text("abzABZ019!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=64),
    st.text(st.characters(max_codepoint=0x2FF), min_size=1, max_size=12),
)
LABELS = st.one_of(
    st.text("abzABZ019-", min_size=1, max_size=63),
    st.text(st.characters(categories=["L", "N", "M"], max_codepoint=0x2FF), min_size=1, max_size=12),
    st.text(st.characters(max_codepoint=0x2FFF), min_size=1, max_size=12),
)
ADDRESSES = st.builds(
    lambda local_part, labels: f"{local_part}@{'.'.join(labels)}.example",
    LOCAL_PARTS,
    st.lists(LABELS, min_size=1, max_size=3),
)


class TestNormalized:
    @pytest.mark.parametrize(("address", "stored"), ACCEPTED.items())
    def test_is_the_form_that_mail_is_sent_to(self, address: str, stored: str) -> None:
        assert normalized(address) == stored

    @pytest.mark.parametrize("address", REFUSED)
    def test_refuses_what_mail_cannot_be_sent_to(self, address: str) -> None:
        with pytest.raises(UnusableAddress):
            normalized(address)

    @given(ADDRESSES)
    @example("x@straße.example")
    @example("a" * 64 + "@" + "b" * 63 + ".example")
    def test_is_its_own_normal_form_and_one_header(self, address: str) -> None:
        try:
            stored = normalized(address)
        except UnusableAddress:
            return

        assert normalized(stored) == stored
        sent = EmailMessage("Subject", "Body", "ticketing@example.com", [f'"Olga" <{stored}>']).message()
        received = BytesParser(policy=policy.default).parsebytes(sent.as_bytes())
        assert received.keys() == sent.keys()
        assert [mailbox.addr_spec for mailbox in received["To"].addresses] == [stored]
        assert not received["To"].defects

    @given(st.text())
    def test_accepts_or_refuses_any_text(self, text: str) -> None:
        for address in (text, f"x@{text}", f"x@{text}.com"):
            with suppress(UnusableAddress):
                assert normalized(address).isascii()


class TestFields:
    @pytest.mark.parametrize(("address", "stored"), ACCEPTED.items())
    def test_store_the_same_form(self, address: str, stored: str) -> None:
        columns = [User._meta.get_field("email"), Booking._meta.get_field("guest_email")]

        assert EmailField().run_validation(address) == stored
        assert FormField().clean(address) == stored
        assert [column.clean(address, None) for column in columns] == [stored, stored]

    # A trailing line break is trimmed.
    @pytest.mark.parametrize("address", [address for address in REFUSED if address == address.strip()])
    def test_refuse_the_same_text(self, address: str) -> None:
        with pytest.raises(Exception, match=r"valid email|required|blank"):
            EmailField().run_validation(address)
        with pytest.raises(ValidationError):
            FormField().clean(address)
        with pytest.raises(ValidationError):
            User._meta.get_field("email").clean(address, None)

    def test_may_be_empty_where_they_are_optional(self) -> None:
        assert FormField(required=False).clean(" ") == ""
        assert Booking._meta.get_field("guest_email").clean("", None) == ""


@pytest.mark.django_db
class TestDatabase:
    @pytest.mark.parametrize(
        "address", ["", "olga", "İ@example.com", '"a\x0cb"@x.de', "x@straße.example", "x@localhost"]
    )
    @pytest.mark.parametrize(
        ("model", "column", "constraint"),
        [
            (User, "email", "user_email"),
            (Booking, "guest_email", "booking_guest_email"),
            (Delivery, "address", "delivery_address"),
        ],
    )
    def test_refuses_them_as_well(self, model: type, column: str, constraint: str, address: str) -> None:
        ((definition,),) = psql(
            f"SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conname = '{constraint}'"
        )
        text = address.replace("'", "''")

        ((is_allowed,),) = psql(f"SELECT {definition} FROM (SELECT '{text}'::varchar AS {column}) AS row")

        # A booking by a user has no address.
        assert is_allowed == (address == "" and model is Booking)

    @pytest.mark.parametrize("stored", ACCEPTED.values())
    def test_accepts_what_fields_accept(self, stored: str) -> None:
        User.objects.create(name="Olga", email=stored)
