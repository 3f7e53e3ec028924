"""How numbers and other people's texts are put before people, on a terminal and on a page alike."""

from __future__ import annotations

import re

# What a newsroom writes may not steer what it is shown on: control characters and changes of direction.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text without what would steer a terminal or turn the text around it."""
    return _STEERING.sub("\ufffd", text)


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 article`, `1,204 articles`."""
    plural = noun[:-1] + "ies" if noun[-1] == "y" and noun[-2] not in "aeo" else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def human_bytes(size: float) -> str:
    """A size for people: `1.4 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
