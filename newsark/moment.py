"""Moments as people write them in options: a date, a date with a time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from storage.errors import BadSetting

_AGO = re.compile(r"(\d{1,6})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def moment(text: str, option: str, now: datetime) -> datetime:
    """The moment that an option names, UTC where no offset is given. Raises BadSetting with examples."""
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return now - int(ago[1]) * _UNITS[ago[2]]
        date = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        problem = f"{text!r} is no date like 2026-11-23 or 2026-11-23T08:00+01:00, and no time ago like 24h, 7d or 4w"
        raise BadSetting("option", option, problem) from None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
