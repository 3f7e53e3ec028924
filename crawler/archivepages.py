"""A newsroom's older pages: further pages of its lists, and calendar pages, back to the first one.

A calendar page that names articles leads to the three before it, so that a chain goes on over a gap of two and ends
by itself where nothing was published.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from urllib.parse import urlsplit

from crawler.shape import is_calendar_page, is_further_page
from crawler.weburl import parse_web_url
from storage.errors import Refused

GAP = 3
MOST_CALENDARS = 4
FIRST_YEAR = 1990

_END = re.compile(
    r"^(?P<before>.*?/)(?P<year>(?:19|20)\d\d)(?:(?P<mark>[/-])(?P<month>\d\d?)"
    r"(?:(?P=mark)(?P<day>\d\d?))?)?(?P<after>/?)$"
)
_DATED = re.compile(r"^(?P<before>.*?/)(?:19|20)\d\d(?P<mark>[/-])\d\d(?P<day>(?P=mark)\d\d)?[/-]\S")


def continues(url: str) -> bool:
    """Whether a page goes on with a list that it is a later page of: a further page of it, or a calendar page."""
    try:
        parsed = parse_web_url(url)
    except Refused:
        return False
    return is_further_page(parsed) or is_calendar_page(parsed)


def earlier_pages(url: str) -> list[str]:
    """The calendar pages of the three years, months or days before that of this URL; none for any other URL."""
    parts = _END.match(urlsplit(url).path)
    if parts is None or urlsplit(url).query:
        return []
    year, month, day = (int(parts[name]) if parts[name] else None for name in ("year", "month", "day"))
    try:
        moment = date(year or 0, month or 1, day or 1)
    except ValueError:
        return []
    found = []
    for _ in range(GAP):
        moment = _before(moment, month is not None, day is not None)
        if moment.year < FIRST_YEAR:
            break
        found.append(urlsplit(url)._replace(path=_spelled(parts, moment), fragment="").geturl())
    return found


def _before(moment: date, has_month: bool, has_day: bool) -> date:
    if has_day:
        return moment - timedelta(days=1)
    if has_month:
        return (moment.replace(day=1) - timedelta(days=1)).replace(day=1)
    return moment.replace(year=moment.year - 1)


def _spelled(parts: re.Match[str], moment: date) -> str:
    """The path for another moment, with the same marks; a month or day of one digit says that none is filled up."""
    told = [f"{moment.year}"]
    is_bare = any(parts[name] and len(parts[name]) == 1 for name in ("month", "day"))
    for name, number in (("month", moment.month), ("day", moment.day)):
        if parts[name]:
            told.append(f"{number}" if is_bare else f"{number:02d}")
    return f"{parts['before']}{(parts['mark'] or '').join(told)}{parts['after']}"


def calendar_pages(articles: Iterable[str], today: date) -> list[str]:
    """Where a newsroom may have calendar pages of today, by the addresses of its articles: likely ones first."""
    counts: Counter[tuple[str, str, bool]] = Counter()
    for url in articles:
        parts = _DATED.match(urlsplit(url).path)
        if parts is not None:
            origin = urlsplit(url)._replace(path="", query="", fragment="").geturl()
            counts[origin + parts["before"], parts["mark"], parts["day"] is not None] += 1
    found = []
    for (before, mark, has_day), _ in counts.most_common(MOST_CALENDARS):
        month = f"{before}{today.year}{mark}{today.month:02d}"
        found += [f"{month}/", *([f"{month}{mark}{today.day:02d}/"] if has_day else [])]
    return found
