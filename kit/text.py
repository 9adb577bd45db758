"""Text as it is stored, and numbers as they appear in messages, pages and mail."""

import unicodedata

import orjson


def composed(text: str) -> str:
    """Return the text in Unicode's composed form, NFC, in which all text is stored and compared.

    Keyboards and file systems differ in whether they send "ë" as one character or as "e" and a combining mark.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, as in "1 ticket" or "1,200 tickets". Only for nouns with a regular plural."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def json_size(texts: str | list[list[str]]) -> int:
    """Return how many bytes a text, or lists of them, take in JSON: six for a control character, for instance."""
    return len(orjson.dumps(texts))
