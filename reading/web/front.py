"""The front page: what is kept, what came in, what was removed this week, how the sources fare."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from reading.exports.selection import Selection
from reading.health import Health, health
from reading.ledger import Wanted, ledger, outage_now
from reading.search import Search, search
from reading.status import source_states
from reading.web.facts import ArticleLine, Facts, LedgerLine
from reading.web.room import Room, TheRoom

NEWEST = 12
REMOVED = 12
WEEK = timedelta(days=7)
WORST_FIRST = ("bad", "look", "new", "good")


class Totals(Facts):
    """How much the archive holds; `unread` pages are kept and not read yet."""

    sources: int
    articles: int
    versions: int
    bytes: int
    last_day: int
    unread: int


class SourceHealth(Facts):
    """How one source fares: `level` is good, look, bad or new; `unread` pages of it are kept and not read yet."""

    id: str
    name: str
    level: str
    why: str
    articles: int
    last_day: int
    usual_day: float | None
    last_capture: str | None
    due: int
    unread: int


class Front(Facts):
    """The front page."""

    name: str
    totals: Totals
    newest: list[ArticleLine]
    removed: list[LedgerLine]
    removed_this_week: int
    edited_this_week: int
    health: list[SourceHealth]


def front(room: TheRoom) -> Front:
    """What the archive keeps, what came in last, what was removed in the last seven days, and how each source fares."""
    names = room.source_names()
    wanted = Search(Selection(), sort="newest", limit=NEWEST)
    found = room.with_catalogue(lambda connection: search(connection, wanted, facets=False))
    week = room.remembered.get("week", lambda: _week(room))
    states = states_of(room)
    removed = [entry for entry in week if entry.kind == "removed"]
    return Front(
        name=room.name,
        totals=_totals(states),
        newest=[ArticleLine.of(hit, names) for hit in found.hits],
        removed=removed[:REMOVED],
        removed_this_week=len(removed),
        edited_this_week=sum(entry.kind in ("edited", "headline") for entry in week),
        health=room.remembered.get("health", lambda: health_of(room, states)),
    )


def states_of(room: Room) -> list[dict[str, Any]]:
    """The state of every source, as `newsark status --json` has it."""
    return room.remembered.get("states", lambda: source_states(room.archive))


def health_of(room: Room, states: list[dict[str, Any]]) -> list[SourceHealth]:
    """How the sources fare, the worst first."""

    def told(connection: Connection) -> list[SourceHealth]:
        return [_of_source(state, _health(room, connection, state)) for state in states]

    return sorted(room.with_catalogue(told), key=lambda one: (WORST_FIRST.index(one.level), one.name.casefold()))


def _health(room: Room, connection: Connection, state: dict[str, Any]) -> Health:
    return health(state, outage_now(connection, state["id"]), room.archive.clock())


def _of_source(state: dict[str, Any], found: Health) -> SourceHealth:
    pulse = state["pulse"]
    return SourceHealth(
        id=state["id"],
        name=state["name"],
        level=found.level,
        why=found.why,
        articles=state["articles"],
        last_day=pulse["lastDay"],
        usual_day=pulse["usualDay"],
        last_capture=pulse["lastCapture"],
        due=pulse["due"],
        unread=state["unread"]["pages"],
    )


def _totals(states: list[dict[str, Any]]) -> Totals:
    return Totals(
        sources=len(states),
        articles=sum(state["articles"] for state in states),
        versions=sum(state["versions"] for state in states),
        bytes=sum(state["bytes"] for state in states),
        last_day=sum(state["pulse"]["lastDay"] for state in states),
        unread=sum(state["unread"]["pages"] for state in states),
    )


def _week(room: Room) -> list[LedgerLine]:
    """What happened in the last seven days, newest first."""
    names = room.source_names()
    entries = ledger(room.archive, Wanted(since=room.archive.clock() - WEEK), room.confirmations)
    return [LedgerLine.of(entry, names) for entry in reversed(entries)]
