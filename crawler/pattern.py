"""The pattern language of robots.txt (RFC 9309, 2.2.3), which source files use as well.

A pattern is compared from the start of a text. `*` stands for any run of characters, `$` as the last
character for the end of the text; everything else stands for itself.
"""

from __future__ import annotations


def matches(pattern: str, text: str) -> bool:
    """True when the text begins with, or as a whole is, what the pattern describes.

    Each part is looked for once, leftmost first: no pattern makes this slow, as it would a regular
    expression.
    """
    anchored = pattern.endswith("$")
    first, *parts = (pattern[:-1] if anchored else pattern).split("*")
    if not text.startswith(first):
        return False
    if not parts:
        return not anchored or len(text) == len(first)
    place, last = len(first), parts.pop() if anchored else ""
    for part in parts:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return not anchored or (len(text) - len(last) >= place and text.endswith(last))
