"""Times as archives write them, always UTC: 14 or 17 digits in indexes and names, W3CDTF in records."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_DIGITS = re.compile(r"[0-9]{14}(?:[0-9]{3})?")
# W3CDTF with seconds and up to nine fraction digits (ISO 28500:2017, 5.4)
_WARC_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z")


def timestamp14(moment: datetime) -> str:
    """`yyyymmddhhmmss` of an aware datetime, in UTC; fractions are cut off, not rounded."""
    utc = _utc(moment)
    return f"{utc.year:04}{utc.month:02}{utc.day:02}{utc.hour:02}{utc.minute:02}{utc.second:02}"


def timestamp17(moment: datetime) -> str:
    """`yyyymmddhhmmssfff`: `timestamp14` with milliseconds."""
    return f"{timestamp14(moment)}{moment.microsecond // 1000:03}"


def from_timestamp(digits: str) -> datetime:
    """The UTC datetime of 14 or 17 digits. Raises ValueError for anything else."""
    if not _DIGITS.fullmatch(digits):
        raise ValueError(f"{digits!r} is not a timestamp of 14 or 17 digits")
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    hour, minute, second = int(digits[8:10]), int(digits[10:12]), int(digits[12:14])
    return datetime(year, month, day, hour, minute, second, int(digits[14:] or 0) * 1000, UTC)


def warc_date(moment: datetime) -> str:
    """A WARC-Date with six fraction digits, such as `2026-11-23T18:05:09.000250Z` (ISO 28500:2017, 5.4)."""
    utc = _utc(moment)
    return f"{utc.year:04}-{utc.month:02}-{utc.day:02}T{utc.time().isoformat('microseconds')}Z"


def from_warc_date(text: str) -> datetime:
    """The UTC datetime of a WARC-Date with zero to nine fraction digits; digits beyond the sixth are cut off.

    Raises ValueError for anything else.
    """
    found = _WARC_DATE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a WARC-Date")
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    return datetime(year, month, day, hour, minute, second, int((found[7] or "0")[:6].ljust(6, "0")), UTC)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no offset from UTC")
    return moment.astimezone(UTC)
