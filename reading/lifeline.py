"""An article's life drawn on one line: its versions and what visits found between them, in the order of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from storage.versions import Observation

SIGNS = {
    "unchanged": "·",
    "moved": "→",
    "removed": "✕",
    "blocked": "▒",
    "paywalled": "$",
    "unreachable": "?",
    "unreadable": "~",
}
MOST_REPEATED = 8


def lifeline(versions: Sequence[datetime], observations: Sequence[Observation]) -> tuple[str, str]:
    """The line, such as `2026-11-01 ❶····❷··✕✕✕ 2026-11-24`, and what its signs mean.

    A sign that is repeated often stands once with how often. Raises nothing; without versions the line begins with
    the first observation.
    """
    marks = [(at, _number(place)) for place, at in enumerate(versions, 1)]
    marks += [(one.at, SIGNS.get(one.outcome, "~")) for one in observations if one.outcome != "edited"]
    marks.sort(key=lambda mark: mark[0])
    if not marks:
        return "", ""
    signs = "".join(_run(sign, len(list(group))) for sign, group in groupby(sign for _, sign in marks)).rstrip()
    used = {sign for _, sign in marks}
    meant = [f"{sign} {word}" for word, sign in SIGNS.items() if sign in used]
    line = f"{marks[0][0]:%Y-%m-%d} {signs} {marks[-1][0]:%Y-%m-%d}"
    return line, "  ".join([f"{_number(1)} version", *meant])


def _number(place: int) -> str:
    return chr(ord("❶") + place - 1) if place <= 10 else f"({place})"


def _run(sign: str, count: int) -> str:
    return sign * count if count <= MOST_REPEATED else f"{sign}×{count} "
