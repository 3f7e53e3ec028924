"""The ledger against the script: what was found when, what was missed, and what nobody scripted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from urllib.parse import urlsplit

from reading.life import CONFIRMATIONS, Entry
from tests.year.script import DAY, GONE, HOUR, OUTAGE, START, WALL, Article, Happening

LATEST = 45 * DAY
"""What happens so shortly before the end may not be sure yet."""


@dataclass(slots=True)
class Compared:
    """By kind and manner how long it took until each was seen, and until it was sure."""

    seen: dict[str, list[timedelta]] = field(default_factory=lambda: defaultdict(list))
    sure: dict[str, list[timedelta]] = field(default_factory=lambda: defaultdict(list))
    missed: list[tuple[str, Happening]] = field(default_factory=list)
    false: list[Entry] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    """What the ledger tells of whole sources, in words that can be compared."""


def compared(articles: Sequence[Article], entries: Sequence[Entry], end: datetime) -> Compared:
    """The comparison of what happened to these articles with the ledger."""
    result = Compared()
    left: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.kind.startswith("source-"):
            result.sources.append(_source_line(entry))
        else:
            left[urlsplit(entry.url).path, entry.kind].append(entry)
    for article in articles:
        for one in article.happenings:
            # what happens to a moved article is told of its new place
            entry = next((entry for entry in left[article.path, one.kind] if _is_it(entry, one)), None)
            if entry is not None:
                left[article.path, one.kind].remove(entry)
                _note(result, one, entry)
            elif one.at < end - LATEST:
                result.missed.append((article.path, one))
    result.false = [entry for some in left.values() for entry in some if entry.kind != "alert"]
    return result


def _is_it(entry: Entry, one: Happening) -> bool:
    """Whether an entry tells of it: seen after it, silent where it was, both times named."""
    is_sure = entry.confirmed_at is not None and entry.confirmed_at >= entry.at
    needs_time = one.kind in CONFIRMATIONS
    if entry.at < one.at or not is_sure or entry.state != "confirmed":
        return False
    if needs_time and entry.confirmed_at is not None:
        return entry.confirmed_at - entry.at >= CONFIRMATIONS[one.kind].over
    return entry.silent in (None, one.how == "silent")


def _note(result: Compared, one: Happening, entry: Entry) -> None:
    name = f"{one.kind} {one.how}".strip()
    result.seen[name].append(entry.at - one.at)
    if entry.confirmed_at is not None:
        result.sure[name].append(entry.confirmed_at - one.at)


def _source_line(entry: Entry) -> str:
    return f"{entry.source} {entry.kind} {entry.state} day {(entry.at - START) // DAY}"


SOURCES = [
    f"paper-1 source-unreachable confirmed day {GONE // DAY}",
    f"paper-0 source-unreachable confirmed day {OUTAGE[0] // DAY}",
    f"paper-0 source-restored confirmed day {OUTAGE[1] // DAY}",
    f"paper-0 source-blocked confirmed day {WALL[0] // DAY}",
    f"paper-0 source-restored confirmed day {WALL[1] // DAY}",
]
"""What the ledger has to tell of whole sources after the year, and nothing else."""


def table(result: Compared) -> Iterator[str]:
    """The comparison in lines."""
    yield f"{'scripted':20}{'found':>7}{'seen, median':>16}{'longest':>12}{'sure, median':>16}"
    for kind, some in sorted(result.seen.items()):
        hours = [one / HOUR for one in some]
        sure = median(one / HOUR for one in result.sure[kind])
        yield f"{kind:20}{len(some):>7}{median(hours):>14.1f} h{max(hours):>10.1f} h{sure:>14.1f} h"
    yield from result.sources
