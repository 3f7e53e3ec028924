"""Rebuild: an empty catalogue filled from the store alone, a segment at a time, each in one transaction."""

from __future__ import annotations

import tomllib
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from storage.catalogue import Catalogue, captures, leads, observations, runs, segments, sources, unread, versions
from storage.errors import NewsarkError, WrongUse
from storage.fixity.findings import Finding
from storage.rebuilding.chain import Chains, Link, read_chains
from storage.rebuilding.replay import replay
from storage.rebuilding.segmentreading import (
    OpenStore,
    SegmentReading,
    begin_worker,
    read_in_worker,
    read_segment,
    steps_in,
)
from storage.segments import Segments
from storage.sources import Sources

OWNER = "a rebuild that is not finished"
"""Who holds every source of a catalogue that is not whole yet."""

_TABLES = (sources, leads, captures, versions, observations, segments, runs, unread)
# Any number will do, as long as every Newsark takes the same one.
_POSTGRESQL_LOCK = 0x72656275
_NOTES = "segments.jsonl"


@dataclass(slots=True)
class RebuildReport:
    """What a rebuild came to: rows by table, segments that an earlier try had read, what was passed over, findings."""

    rows: dict[str, int] = field(default_factory=dict)
    resumed: int = 0
    later_readings: int = 0
    unknown_events: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing of the store was damaged or missing."""
        return not any(finding.is_open for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        return {
            "ok": self.ok,
            **self.rows,
            "resumed": self.resumed,
            "later_readings": self.later_readings,
            "unknown_events": dict(self.unknown_events),
            "findings": [finding.as_json() for finding in self.findings],
        }


@dataclass(slots=True)
class RebuildProgress:
    """How far it is; for whoever shows it."""

    segments: int = 0
    bytes: int = 0
    segments_done: int = 0
    bytes_done: int = 0
    doing: str = "reading manifests"


def rebuild(
    open_store: OpenStore,
    catalogue: Catalogue,
    scratch: Path,
    *,
    workers: int = 1,
    progress: RebuildProgress | None = None,
) -> RebuildReport:
    """Fill a catalogue that is empty, or that an earlier rebuild with the same `scratch` directory left unfinished.

    Segments are read in `workers` processes, in this one when there is one; one connection writes. Each segment is
    one transaction, and a rebuild that was killed goes on with the next one. What is damaged is a finding. Raises
    what the store raises when it cannot be listed, and what the database raises.
    """
    work = _Rebuild(open_store, catalogue, scratch, progress or RebuildProgress())
    return work.run(workers)


class _Rebuild:
    def __init__(self, open_store: OpenStore, catalogue: Catalogue, scratch: Path, progress: RebuildProgress) -> None:
        self._open_store = open_store
        self._store = open_store()
        self._catalogue = catalogue
        self._scratch = scratch
        self._progress = progress
        self._report = RebuildReport()

    def run(self, workers: int) -> RebuildReport:
        self._scratch.mkdir(parents=True, exist_ok=True)
        for path in self._scratch.iterdir():
            if path.name != _NOTES:
                path.unlink()
        chains = read_chains(self._store)
        with self._catalogue.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                # A commit that a power cut takes back is a segment that is read again.
                connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
                connection.commit()
            else:
                _refuse_second(connection)
            with connection.begin():
                self._place_sources(connection, chains)
                done = Segments(connection).stems()
            todo = self._plan(chains, done)
            for link, reading in self._readings(todo, workers):
                with connection.begin():
                    self._take(connection, link, reading)
                reading.steps.unlink()
            with connection.begin():
                self._finish(connection)
        return self._report

    def _place_sources(self, connection: Connection, chains: Chains) -> None:
        """Make known every source that has a file or a segment, as its newest file says."""
        self._report.findings += chains.findings
        self._report.later_readings = chains.later_readings
        newest: dict[str, tuple[int, str]] = dict.fromkeys(chains.links, (0, ""))
        for info in self._store.list("sources/"):
            _, source_id, name = [*info.key.split("/"), "", ""][:3]
            number = name.removesuffix(".toml")
            if number.isdecimal():
                newest[source_id] = max(newest.get(source_id, (0, "")), (int(number), info.key))
        for source_id, (revision, key) in sorted(newest.items()):
            data = self._source_file(key or f"sources/{source_id}/1.toml")
            name, home = source_facts(source_id, data)
            Sources(connection).place(
                source_id,
                name=name,
                home=home,
                toml=data.decode(errors="replace"),
                revision=revision,
                owner=OWNER,
                now=self._catalogue.clock(),
            )

    def _source_file(self, key: str) -> bytes:
        try:
            return self._store.get(key)
        except (NewsarkError, OSError) as problem:
            self._report.findings.append(Finding(key, "missing", str(problem)))
            return b""

    def _plan(self, chains: Chains, done: set[str]) -> list[Link]:
        # by name: a segment whose commit did not come was noted, and was read again
        notes = {line["stem"]: line for line in _lines(self._scratch / _NOTES)}
        for stem in done & notes.keys():
            self._note(notes[stem])
        every = list(chains)
        todo = [link for link in every if link.stem not in done]
        self._report.resumed = len(every) - len(todo)
        self._progress.segments, self._progress.bytes = len(todo), sum(link.size_bytes for link in todo)
        return todo

    def _note(self, facts: dict[str, Any]) -> None:
        self._report.unknown_events.update(facts["unknown"])
        self._report.findings += [Finding(**one) for one in facts["findings"]]

    def _readings(self, todo: Sequence[Link], workers: int) -> Iterator[tuple[Link, SegmentReading]]:
        """Each segment with its reading, in order; as many are read ahead as there are workers."""
        done = 0
        if workers > 1 and len(todo) > 1:
            # A worker that is killed, as for lack of memory, ends its pool: this process reads on alone.
            with suppress(BrokenProcessPool):
                for one in self._read_ahead(todo, workers):
                    done += 1
                    yield one
        for link in todo[done:]:
            self._progress.doing = link.stem
            yield link, read_segment(self._store, link, self._scratch)

    def _read_ahead(self, todo: Sequence[Link], workers: int) -> Iterator[tuple[Link, SegmentReading]]:
        with _pool(min(workers, len(todo)), self._open_store) as pool:
            ahead: deque[tuple[Link, Future[SegmentReading]]] = deque()
            waiting = iter(todo)
            while True:
                for link in islice(waiting, workers + 1 - len(ahead)):
                    ahead.append((link, pool.submit(read_in_worker, link, self._scratch)))
                if not ahead:
                    return
                link, reading = ahead.popleft()
                self._progress.doing = link.stem
                yield link, reading.result()

    def _take(self, connection: Connection, link: Link, reading: SegmentReading) -> None:
        # one that lay on a machine which was given up, and came back
        late = not link.is_later_reading and Segments(connection).has_later(link.source_id, link.stem)
        for step in steps_in(reading.steps):
            replay(connection, link.source_id, step, again=False, late=late)
        Segments(connection).place(link)
        Sources(connection).set_last_manifest(link.source_id, link.manifest_sha256)
        facts = reading.as_json()
        with (self._scratch / _NOTES).open("ab") as file:
            file.write(orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE))
        self._note(facts)
        self._progress.segments_done += 1
        self._progress.bytes_done += link.size_bytes

    def _finish(self, connection: Connection) -> None:
        for source in Sources(connection).known():
            Sources(connection).disown(source.id, OWNER)
        self._report.rows = count_rows(connection)
        (self._scratch / _NOTES).unlink(missing_ok=True)


def _refuse_second(connection: Connection) -> None:
    """Take what only one rebuild of a database may have; its connection keeps it until it is closed."""
    with connection.begin():
        if not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_POSTGRESQL_LOCK})").scalar():
            raise WrongUse("another process rebuilds this catalogue; wait for it to end, and look at newsark status")


@contextmanager
def _pool(workers: int, open_store: OpenStore) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=begin_worker, initargs=(open_store,)
    )
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        for line in path.read_bytes().splitlines():
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:
                # cut off when the rebuild was killed: its segment was not committed
                continue


def source_facts(source_id: str, data: bytes) -> tuple[str, str]:
    """Name and home in a source file; the id and nothing where it cannot be read."""
    try:
        facts = tomllib.loads(data.decode())
    except ValueError:
        facts = {}
    return str(facts.get("name", source_id)), str(facts.get("home", ""))


def count_rows(connection: Connection) -> dict[str, int]:
    """How many rows each table has that the store tells."""
    return {
        str(table.name): int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for table in _TABLES
    }


def is_unfinished(connection: Connection) -> bool:
    """Whether the catalogue is what a rebuild left that did not end."""
    owners = set(connection.execute(select(sources.c.owner)).scalars())
    return owners == {OWNER}
