"""The room itself: the archive that is read, what is known of its surroundings, and what takes long to find out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import Depends, Request
from sqlalchemy import Connection, func, select

from pipelines.pool import ReaderPool
from reading.life import CONFIRMATIONS, Confirmation
from reading.web.exportjobs import ExportJobs
from storage.archive import Archive
from storage.catalogue import alerts, captures, observations, versions
from storage.sources import Sources
from storage.suppressions import Suppressions

T = TypeVar("T")
LEAST_SECONDS, MOST_SECONDS = 5.0, 60.0
TIMES_AS_LONG = 10
MOST_REMEMBERED = 200


@dataclass(frozen=True, slots=True)
class _Gathered:
    """A fact with the state of the catalogue that it was gathered from, and with the suppressions that were in force;
    times are those of the monotonic clock."""

    value: Any
    state: object
    holding: object
    at: float
    kept_until: float


class Remembered:
    """Facts about the whole archive: gathered again when the catalogue has changed, and after a minute in any case,
    since they tell of the last day or week; but kept for a few seconds, and for ten times as long as it took to gather
    them. Of many who ask at one time one gathers. Keys must be few: none may hold what a visitor wrote."""

    def __init__(
        self, archive: Archive, least_seconds: float = LEAST_SECONDS, most_seconds: float = MOST_SECONDS
    ) -> None:
        self._archive, self._least, self._most = archive, least_seconds, most_seconds
        self._lock = threading.Lock()
        self._gathering: dict[str, threading.Lock] = {}
        self._known: dict[str, _Gathered] = {}

    @property
    def keys(self) -> list[str]:
        """What is remembered now."""
        with self._lock:
            return sorted(self._known)

    def get(self, key: str, make: Callable[[], T]) -> T:
        """What `make` gave, now or before; it may ask for what is under other keys."""
        with self._lock:
            gathering = self._gathering.setdefault(key, threading.Lock())
        with gathering:
            before, now = self._known.get(key), time.monotonic()
            if before is None or now >= before.kept_until or before.holding != self._holding():
                before = self._again(before, now, make)
                with self._lock:
                    if len(self._known) >= MOST_REMEMBERED:
                        self._known.clear()
                    self._known[key] = before
            value: T = before.value
            return value

    def _again(self, before: _Gathered | None, now: float, make: Callable[[], T]) -> _Gathered:
        """The fact as it was, as long as nothing changed; else gathered anew."""
        state, holding = self._state(), self._holding()
        is_same = before is not None and (before.state, before.holding) == (state, holding)
        if before is not None and is_same and now - before.at < self._most:
            return replace(before, kept_until=now + self._least)
        began = time.monotonic()
        value = make()
        ended = time.monotonic()
        return _Gathered(value, state, holding, now, ended + max(self._least, TIMES_AS_LONG * (ended - began)))

    def _holding(self) -> object:
        """What is suppressed now: nothing of it is told from memory."""
        with self._archive.catalogue.whole() as connection:
            return Suppressions(connection).holding_ids(self._archive.clock())

    def _state(self) -> object:
        """What differs when anything was added that pages tell of."""
        with self._archive.catalogue.begin() as connection:
            tables = (versions, observations, captures, alerts)
            return [connection.execute(select(func.max(table.c.id))).scalar() for table in tables]


@dataclass(frozen=True, slots=True)
class ReplayPlace:
    """Where archived pages are shown: an origin of their own. `port` on the host that is asked, or a whole `url`."""

    port: int | None = None
    url: str | None = None

    def origin(self, request: Request) -> str:
        """The origin, without a slash at the end, as whoever asks reaches it."""
        if self.url:
            return self.url.rstrip("/")
        host = request.url.hostname or "127.0.0.1"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def address(self, request: Request, stamp: str, url: str) -> str:
        """The address at which the page is shown as it was at that moment (14 digits)."""
        # everything that could end the path of this address is encoded; replay decodes it
        return f"{self.origin(request)}/archive/{stamp}/{quote(url, safe=':/?&=%+,;@!$*~')}"


@dataclass(slots=True)
class Room:
    """What the pages are made from. Used from many threads at once: each opens its own transaction.

    `spelled` gives the normal spelling of a URL, or None for what is none. `no_replay` is why pages cannot be shown.
    """

    archive: Archive
    name: str
    jobs: ExportJobs
    spelled: Callable[[str], str | None]
    make_pool: Callable[[], ReaderPool]
    confirmations: Mapping[str, Confirmation] = field(default_factory=lambda: CONFIRMATIONS)
    replay: ReplayPlace | None = None
    no_replay: str = ""
    remembered: Remembered = field(init=False)
    _pool: ReaderPool | None = None
    _pool_lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.remembered = Remembered(self.archive)

    def with_catalogue(self, work: Callable[[Connection], T]) -> T:
        """The result of `work` in one transaction."""
        with self.archive.catalogue.begin() as connection:
            return work(connection)

    def with_whole(self, work: Callable[[Connection], T]) -> T:
        """The same over all there is, for counts that have to be true; what is suppressed must not be named by them."""
        with self.archive.catalogue.whole() as connection:
            return work(connection)

    def source_names(self) -> dict[str, str]:
        """The names of all sources by id, those with articles and those without."""
        return self.with_catalogue(lambda connection: {one.id: one.name for one in Sources(connection).known()})

    @property
    def pool(self) -> ReaderPool:
        """Processes that read pages again, started when they are first needed."""
        with self._pool_lock:
            if self._pool is None:
                self._pool = self.make_pool()
            return self._pool

    def close(self) -> None:
        """End what runs beside the pages: exports under way are given up."""
        self.jobs.close()
        with self._pool_lock:
            if self._pool is not None:
                self._pool.close()


def _room_of(request: Request) -> Room:
    room: Room = request.app.state.room
    return room


TheRoom = Annotated[Room, Depends(_room_of)]
"""What a view asks for to get the room."""
