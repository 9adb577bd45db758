"""Currencies, and amounts of money as people read them."""

from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from iso4217 import Currency

UNKNOWN_CURRENCY = "Enter an ISO 4217 currency code, such as EUR."

# The decimal places of each currency. Codes without any, such as those for gold and testing, are not for prices.
DECIMAL_PLACES: dict[str, int] = {
    currency.code: currency.exponent for currency in Currency if currency.exponent is not None
}


def currencies() -> list[tuple[str, str]]:
    """Return the currencies to choose from."""
    return [(code, f"{code} – {Currency(code).currency_name}") for code in sorted(DECIMAL_PLACES)]


def validate_currency(code: str) -> None:
    if code not in DECIMAL_PLACES:
        raise ValidationError(UNKNOWN_CURRENCY, code="currency")


def readable(amount: Decimal, currency: str) -> str:
    """Return an amount with its currency: "1,250.00 EUR", or "1,250 JPY" for a currency without a subunit."""
    is_whole = DECIMAL_PLACES.get(currency) == 0 and amount == int(amount)
    return f"{amount:,.{0 if is_whole else 2}f} {currency}"


def readable_in_site_currency(amount: Decimal) -> str:
    """Return an amount in the site's currency, which prices of tickets are in."""
    return readable(amount, settings.CURRENCY)
