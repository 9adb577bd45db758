"""Telephone numbers: an optional "+" and digits."""

import re

MAX_LENGTH = 16
USABLE = r"^(\+?[0-9]{5,15})?$"
UNUSABLE = "Enter a telephone number with 5 to 15 digits, such as +49 30 1234567."
# What people write between digits.
SEPARATORS = re.compile(r"[\s()./-]")
# Fewer digits would end too many numbers.
MIN_SEARCHED = 5


def normalized(text: str) -> str:
    """Return the number without what separates its digits, "" for an empty text.

    :raises ValueError: this is not a telephone number.
    """
    number = SEPARATORS.sub("", text.replace("(0)", ""))
    if not re.fullmatch(USABLE, number, re.ASCII):
        raise ValueError(UNUSABLE)
    return number


def last_digits(text: str) -> str:
    """Return the digits by which to find a number that may be stored with its country code, "" if there are too few."""
    number = SEPARATORS.sub("", text).removeprefix("+").lstrip("0")
    return number if number.isascii() and number.isdecimal() and len(number) >= MIN_SEARCHED else ""
