"""How numbers read in messages, pages and mail."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, as in "1 ticket" or "1,200 tickets". Only for nouns with a regular plural."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
