"""What the filters of search and export take: which versions, days of publication, states."""

from __future__ import annotations

import re
from enum import StrEnum

from storage.errors import BadSetting

_DAY = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


class Which(StrEnum):
    """Which versions of each article."""

    LATEST = "latest"
    ALL = "all"


def known_state(word: str | None) -> str | None:
    """One of the states that a last visit finds, or None for any. Raises BadSetting with those there are."""
    from reading.exports.selection import STATES

    if word is not None and word not in STATES:
        raise BadSetting("option", "--state", f"{word!r} is no state; there are {', '.join(STATES)}")
    return word


def published_day(text: str | None, option: str) -> str | None:
    """A day, or a month, or a year, as text: so they are compared."""
    if text is not None and not _DAY.fullmatch(text):
        raise BadSetting("option", option, f"{text!r} is no day like 2026-11-23, month like 2026-11 or year")
    return text
