"""What somebody is to be told: rules over the ledger, the pace of each source, and the stores. Each is raised once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean, quantiles
from typing import Literal

import orjson
from sqlalchemy import Connection, func, select

from reading.ledger import outage_now, removals
from reading.life import CONFIRMATIONS, Confirmation, Entry
from reading.outages import Outage
from storage.alerts import Alert, Alerts
from storage.archive import Archive
from storage.catalogue import versions
from storage.deliveries import Backlog
from storage.leads import Leads
from storage.sources import KnownSource, Sources
from storage.versions import Versions

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LOOKS_BACK = timedelta(days=7)
"""What is older when it is first looked at is for the ledger and no alert."""

HABIT = timedelta(days=28)
LEAST_SILENCE = timedelta(hours=6)
MIN_GAPS = 10
NEW_TEXTS, EARLIER_TEXTS = 20, 200
RULES = ("removed", "many-removed", "away", "silent", "confidence", "store", "disk")


@dataclass(frozen=True, slots=True)
class Rules:
    """When to raise an alert; 0 switches a rule off. docs/operations.md has the settings behind it."""

    removed: Literal["confirmed", "suspected", "never"] = "confirmed"
    removed_in_an_hour: int = 10
    silent_times: float = 3.0
    confidence_fall: float = 0.1
    store_hours: float = 24.0
    free_bytes: int = 400_000_000
    confirmations: Mapping[str, Confirmation] = field(default_factory=lambda: CONFIRMATIONS)


def raise_alerts(
    archive: Archive,
    rules: Rules,
    *,
    free_bytes: int,
    looks_back: timedelta = LOOKS_BACK,
    source_ids: Sequence[str] | None = None,
) -> list[Alert]:
    """The alerts that are new now, of these sources, or of all; they are recorded as raised.

    What is to be told of a source is found by visits of it. `free_bytes` is the room on the disk.
    """
    now = archive.clock()
    found = [*_late_stores(archive.backlogs(), rules, now), *_full_disk(free_bytes, rules, now)]
    with archive.catalogue.public() as connection:
        for source in Sources(connection).known(source_ids):
            gone = removals(connection, source.id, now - looks_back, rules.confirmations)
            found += [*_removals(gone, rules, now), *_many_removals(gone, rules, now)]
            found += _away(source, outage_now(connection, source.id), now)
            found += silence(connection, source, rules, now)
            found += bad_texts(connection, source, rules, now, min(looks_back, DAY))
    with archive.catalogue.whole() as connection:
        return Alerts(connection).add(found)


def _removals(entries: Sequence[Entry], rules: Rules, now: datetime) -> Iterator[Alert]:
    if rules.removed == "never":
        return
    for entry in entries:
        is_fresh = (entry.confirmed_at or entry.at) >= now - LOOKS_BACK
        if is_fresh and rules.removed in ("suspected", entry.state):
            name = entry.headline or entry.url
            yield Alert(
                f"removed:{entry.source}:{entry.article}:{_stamp(entry.at)}",
                "removed",
                now,
                f"removed: “{name}”, gone since {_minute(entry.at)} ({entry.detail or entry.state})",
                entry.source,
                entry.url,
            )


def _many_removals(entries: Sequence[Entry], rules: Rules, now: datetime) -> Iterator[Alert]:
    """More than so many articles of a source that went within an hour, confirmed or not: nobody waits for a purge."""
    most = rules.removed_in_an_hour
    if not most:
        return
    gone = sorted(entries, key=lambda entry: entry.at)
    for first, last in zip(gone, gone[most:], strict=False):
        if last.at - first.at <= HOUR and first.at >= now - LOOKS_BACK:
            many = sum(first.at <= one.at <= first.at + HOUR for one in gone)
            title = f"{many} articles of {first.source} found removed within an hour, from {_minute(first.at)}"
            yield Alert(f"many-removed:{first.source}:{first.at:%Y-%m-%d}", "many-removed", now, title, first.source)
            return


def _away(source: KnownSource, outage: Outage | None, now: datetime) -> Iterator[Alert]:
    if outage is not None and outage.confirmed_at is not None:
        what = "does not answer" if outage.kind == "unreachable" else "keeps us out"
        title = f"{source.name} {what} since {_minute(outage.begins)}"
        yield Alert(f"away:{source.id}:{_stamp(outage.begins)}", "away", now, title, source.id, source.home)


def silence(connection: Connection, source: KnownSource, rules: Rules, now: datetime) -> Iterator[Alert]:
    """A source that brings nothing new for longer than it ever did, although it was looked at."""
    looked = Leads(connection, source.id).last_list_visit()
    if not rules.silent_times or looked is None:
        return
    mine = versions.c.source_id == source.id
    begin = connection.execute(select(func.min(versions.c.captured_at)).where(mine)).scalar()
    # what came at once when the source was first crawled is no habit of it
    since = max(begin + DAY, looked - HABIT) if begin is not None else looked
    first_ones = select(versions.c.captured_at).where(mine, versions.c.version == 1)
    last = connection.execute(first_ones.order_by(versions.c.captured_at.desc()).limit(1)).scalar()
    if last is not None and looked - last <= rules.silent_times * LEAST_SILENCE:
        # as of nearly all sources nearly always: their times need not be read
        return
    came = first_ones.where(versions.c.captured_at >= since).order_by(versions.c.captured_at)
    times = list(connection.execute(came).scalars())
    if len(times) <= MIN_GAPS:
        return
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    longest = timedelta(seconds=quantiles(gaps, n=20)[-1])
    quiet = looked - times[-1]
    if quiet > rules.silent_times * max(longest, LEAST_SILENCE):
        hours = f"{quiet / HOUR:.0f} h, though usually something comes within {max(longest / HOUR, 1):.0f} h"
        title = f"{source.name} is silent: nothing new for {hours}"
        yield Alert(f"silent:{source.id}:{_stamp(times[-1])}", "silent", now, title, source.id, source.home)


def bad_texts(
    connection: Connection, source: KnownSource, rules: Rules, now: datetime, looks_back: timedelta
) -> Iterator[Alert]:
    """Texts that are less certain than those before: the site has a new template, perhaps."""
    if not rules.confidence_fall:
        return
    query = select(func.max(versions.c.captured_at)).where(versions.c.source_id == source.id)
    last = connection.execute(query).scalar()
    if last is None or last < now - looks_back:
        return
    newest = Versions(connection, source.id).newest(NEW_TEXTS + EARLIER_TEXTS)
    late, before = newest[-NEW_TEXTS:], newest[:-NEW_TEXTS]
    if len(before) < NEW_TEXTS:
        return
    was, now_is = (fmean(_confidence(one.line) for one in some) for some in (before, late))
    if was - now_is > rules.confidence_fall:
        title = f"{source.name}: its texts are less certain ({now_is:.2f}, it was {was:.2f}); see newsark sources check"
        yield Alert(f"confidence:{source.id}:{now:%Y-%m-%d}", "confidence", now, title, source.id, source.home)


def _confidence(line: str) -> float:
    return float((orjson.loads(line).get("metadata") or {}).get("confidence") or 0.0)


def _late_stores(backlogs: Sequence[Backlog], rules: Rules, now: datetime) -> Iterator[Alert]:
    for one in backlogs:
        if rules.store_hours and now - one.since > rules.store_hours * HOUR:
            why = f": {one.problem}" if one.problem else ""
            title = f"{one.store} has confirmed nothing of {one.parcels} objects since {_minute(one.since)}{why}"
            yield Alert(f"store:{one.store}:{_stamp(one.since)}"[:250], "store", now, title[:500])


def _full_disk(free_bytes: int, rules: Rules, now: datetime) -> Iterator[Alert]:
    if free_bytes < rules.free_bytes:
        title = f"the disk of the working state is nearly full: {free_bytes / 1e6:.0f} MB are free"
        yield Alert(f"disk:{now:%Y-%m-%d}", "disk", now, title)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
