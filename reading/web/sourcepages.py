"""The sources: how each fares, what is saved of it and what is not, over time."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any

from fastapi import HTTPException
from sqlalchemy import Connection

from reading.coverage import saved_by_year, unsaved
from reading.web.facts import Facts
from reading.web.front import SourceHealth, health_of, states_of
from reading.web.room import TheRoom

MOST_UNSAVED = 50


class SourceList(Facts):
    """All sources, those that need somebody first."""

    sources: list[SourceHealth]


def source_list(room: TheRoom) -> SourceList:
    """Every source with how it fares, the worst first."""
    states = states_of(room)
    return SourceList(sources=room.remembered.get("health", lambda: health_of(room, states)))


class YearLine(Facts):
    """How many articles of a year are known and saved; the year is null where no list gave a date."""

    year: int | None
    known: int
    saved: int


class Unsaved(Facts):
    """An article that is known and not saved, and why."""

    url: str
    state: str
    reason: str | None
    visited: datetime | None
    due: datetime | None


class OneSource(Facts):
    """One source with everything that is known of it; `unread` has the visits whose pages are kept and not read, and
    of how many pages they are."""

    id: str
    name: str
    home: str
    health: SourceHealth
    leads: dict[str, int]
    versions: int
    bytes: int
    segments: int
    unread: dict[str, int]
    next_due: datetime | None
    last_run: dict[str, Any] | None
    problems: list[dict[str, Any]]
    years: list[YearLine]
    unsaved: list[Unsaved]
    more_unsaved: bool


def one_source(room: TheRoom, source_id: str) -> OneSource:
    """One source: its leads by state, what of each year is saved, what is not and why, its problems."""
    states = {state["id"]: state for state in states_of(room)}
    if source_id not in states:
        raise HTTPException(404, f"no source is called {source_id!r}; /sources lists them")
    state = states[source_id]
    (health,) = health_of(room, [state])

    def known(connection: Connection) -> list[dict[str, Any]]:
        return saved_by_year(connection, source_id)

    def unkept(connection: Connection) -> list[dict[str, Any]]:
        return [*islice(unsaved(connection, [source_id]), MOST_UNSAVED + 1)]

    years = room.remembered.get(f"years {source_id}", lambda: room.with_whole(known))
    missing = room.remembered.get(f"unsaved {source_id}", lambda: room.with_catalogue(unkept))
    return OneSource(
        id=source_id,
        name=state["name"],
        home=state["home"],
        health=health,
        leads=state["leads"],
        versions=state["versions"],
        bytes=state["bytes"],
        segments=state["segments"],
        unread=state["unread"],
        next_due=state["pulse"]["nextDue"],
        last_run=state["last_run"],
        problems=state["problems"],
        years=[YearLine(**one) for one in years],
        unsaved=[
            Unsaved(**{name: one[name] for name in ("url", "state", "reason", "visited", "due")})
            for one in missing[:MOST_UNSAVED]
        ],
        more_unsaved=len(missing) > MOST_UNSAVED,
    )
