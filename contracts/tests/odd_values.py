"""Values of every JSON type, some too large or hostile, that clients may send by mistake or on purpose."""

from typing import Any

ODD_VALUES: list[Any] = [
    *(None, True, False, 0, -1, -(10**30), 1, 1.5, -0.0, 1e300, 2**31, 2**63 - 1, 2**63, 2**64 - 1),
    *("", " ", "abc", "1", "01", "1.50", "-1", "１", "1e400", "9" * 5000, "x" * 70_000),
    *("a\x00b", "a\r\nb", "\u202e", "🎟", "' OR 1=1 --", "%", "{}"),
    *([], [1], [[]], {}, {"id": 1}, [{"a": [None]}]),
]
