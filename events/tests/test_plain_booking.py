"""The shortcut for ordinary bookings accepts nothing that the serializer would refuse or read differently."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.serializers import NewBookingSerializer, plain_booking

GUEST = {"firstName": "Greta", "lastName": "Guest", "email": "Greta@Example.com"}
NAMES = st.sampled_from(
    ["Greta", " Greta", "Zoë", "Zoe\u0308", "", "x" * 150, "x" * 151, "a\tb", "a\u2028b", "\ud800", 7, None]
)
EMAILS = st.sampled_from(["greta@example.com", "Greta@EXAMPLE.com ", "greta@exämple.com", "greta@example", "", 7, None])
GUESTS = st.fixed_dictionaries({}, optional={"firstName": NAMES | st.text(), "lastName": NAMES, "email": EMAILS})
NUMBERS: st.SearchStrategy[Any] = st.sampled_from(
    [0, 1, 10, 10**6, 10**6 + 1, -1, 1.0, 1.5, "3", "x", True, None, [], 2**70]
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "quantity": NUMBERS,
        "joinWaitlist": st.sampled_from([True, False, None, 1, "true"]),
        "guest": GUESTS | st.sampled_from([GUEST, None, [], "Greta"]),
        "other": st.just(1),
    },
)


class TestPlainBooking:
    @given(body=BODIES, is_guest=st.booleans())
    def test_agrees_with_the_serializer(self, body: dict[str, Any], is_guest: bool) -> None:
        plain = plain_booking(body, is_guest=is_guest)

        serializer = NewBookingSerializer(data=body, context={"is_guest": is_guest})
        assert plain is None or (serializer.is_valid() and serializer.validated_data == plain)

    @pytest.mark.parametrize("quantity", [{}, {"quantity": 3}])
    def test_covers_ordinary_bookings(self, quantity: dict[str, int]) -> None:
        assert plain_booking({**quantity, "guest": GUEST}, is_guest=True)
        assert plain_booking(quantity, is_guest=False)

    def test_leaves_a_guest_of_a_signed_in_caller_to_the_serializer(self) -> None:
        assert plain_booking({"guest": {}}, is_guest=False) is None
