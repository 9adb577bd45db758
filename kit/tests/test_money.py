"""Currencies and amounts of money."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from kit import money


class TestReadable:
    @pytest.mark.parametrize(
        ("amount", "currency", "text"),
        [
            ("1250", "EUR", "1,250.00 EUR"),
            ("-9.5", "USD", "-9.50 USD"),
            ("1250", "JPY", "1,250 JPY"),
            # Stored before the currency changed: nothing is rounded away.
            ("9.5", "JPY", "9.50 JPY"),
            # Not in the list any more.
            ("5", "DEM", "5.00 DEM"),
        ],
    )
    def test_names_the_currency(self, amount: str, currency: str, text: str) -> None:
        assert money.readable(Decimal(amount), currency) == text


class TestValidateCurrency:
    @pytest.mark.parametrize("code", ["EUR", "CHF", "JPY", "KWD"])
    def test_accepts_currencies_in_circulation(self, code: str) -> None:
        money.validate_currency(code)

    @pytest.mark.parametrize("code", ["eur", "DEM", "XXX", "XAU", "XTS", "EURO", "€", ""])
    def test_refuses_other_codes(self, code: str) -> None:
        with pytest.raises(ValidationError):
            money.validate_currency(code)
