"""A stored segment read into steps, in a process of its own: what it says waits in a file until its turn."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from storage.capture import Capture
from storage.errors import ObjectMissing
from storage.fixity.findings import Finding
from storage.names import Kind
from storage.objects import ObjectStore
from storage.rebuilding.chain import Link
from storage.rebuilding.parts import Readable, lines_of, stored_captures, unpacked
from storage.rebuilding.recordlines import RecordLines
from storage.rebuilding.steps import Captures, Step, Told, read_steps

OpenStore = Callable[[], ObjectStore]
REREAD_PER_STEP = 200


@dataclass(slots=True)
class SegmentReading:
    """What was come upon in a segment, and the file with its steps."""

    stem: str
    steps: Path
    findings: list[Finding] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The reading as JSON-ready values, without its steps."""
        facts = [{"object": one.object, "kind": one.kind, "message": one.message} for one in self.findings]
        return {"stem": self.stem, "findings": facts, "unknown": self.unknown}


def begin_worker(open_store: OpenStore) -> None:
    """Open this process's store, and end with the process that started it, also when that is killed."""
    # Ctrl-C reaches every process of a terminal; whoever started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Worker.store = open_store()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


class _Worker:
    store: ObjectStore


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def read_in_worker(link: Link, directory: Path) -> SegmentReading:
    """The reading of a segment, by a process that has begun with `begin_worker`."""
    return read_segment(_Worker.store, link, directory)


def read_segment(store: ObjectStore, link: Link, directory: Path) -> SegmentReading:
    """What a segment tells; its steps are in a file in the directory. Never raises for what the store holds."""
    reading = SegmentReading(link.stem, directory / f"{link.stem}.steps")
    told = Told()
    with reading.steps.open("wb") as file:
        for step in stored_steps(store, link, directory, reading.findings.append, told):
            pickle.dump(step, file, pickle.HIGHEST_PROTOCOL)
    reading.unknown = dict(told.unknown)
    return reading


def steps_in(path: Path) -> Iterator[Step]:
    """The steps in a file of a reading."""
    with path.open("rb") as file:
        while True:
            try:
                # written a moment ago by a worker of this very process
                yield pickle.load(file)  # noqa: S301 - from our own process
            except EOFError:
                return


def stored_steps(
    store: Readable, link: Link, directory: Path, tell: Callable[[Finding], None], told: Told
) -> Iterator[Step]:
    """The steps of a stored segment; objects that are damaged or missing are findings, and the rest is given."""
    if link.is_later_reading:
        yield from _reread_steps(store, link, directory, tell)
        return
    events, events_whole = _lines(store, link, "events", directory, tell)
    records, records_whole = _lines(store, link, "records", directory, tell)
    key = link.objects["records"].key if "records" in link.objects else ""
    lines = RecordLines(records, key, is_damaged=not records_whole)
    damaged: list[Finding] = []
    captures = Captures(_captures(store, link, damaged.append))
    captures.is_damaged = bool(damaged)
    try:
        for step in read_steps(captures, lines_of(events), lines, told):
            captures.is_damaged = bool(damaged)
            yield step
        if not events_whole:
            yield Step(strays=list(lines.unclaimed()))
        for one in damaged:
            tell(one)
        for problem in lines.problems:
            tell(Finding(key, "bad-line", problem))
        for problem in told.problems:
            tell(Finding(link.objects["events"].key if "events" in link.objects else link.stem, "bad-line", problem))
    finally:
        lines.close()
        for path in (events, records):
            if path is not None:
                path.unlink(missing_ok=True)


def _reread_steps(store: Readable, link: Link, directory: Path, tell: Callable[[Finding], None]) -> Iterator[Step]:
    """The steps of a later reading: the records that took the place of others."""
    path, is_whole = _lines(store, link, "records", directory, tell)
    key = link.objects["records"].key if "records" in link.objects else ""
    lines = RecordLines(path, key, is_damaged=not is_whole)
    try:
        superseding = lines.superseding()
        while some := list(islice(superseding, REREAD_PER_STEP)):
            yield Step(reread=some)
        for problem in lines.problems:
            tell(Finding(key, "bad-line", problem))
    finally:
        lines.close()
        if path is not None:
            path.unlink(missing_ok=True)


def _captures(store: Readable, link: Link, tell: Callable[[Finding], None]) -> Iterator[Capture]:
    warc = link.objects.get("warc")
    if warc is None and (link.imported or link.objects.keys() == {"events"}):
        # events of an import name every exchange; those of what somebody decided, none
        return iter(())
    if warc is None:
        tell(Finding(link.stem, "missing", "the segment has no WARC file"))
        return iter(())
    return stored_captures(store, warc, link.objects.get("index"), tell)


def _lines(
    store: Readable, link: Link, kind: Kind, directory: Path, tell: Callable[[Finding], None]
) -> tuple[Path | None, bool]:
    """The unpacked lines of an object, and whether they are all there; a segment may have no such object."""
    part = link.objects.get(kind)
    if part is None:
        # One that is listed by a manifest and missing is found when it is read; here there never was one.
        return None, link.records > 0
    path = directory / f"{link.stem}.{kind}"
    try:
        return path, unpacked(store, part, path, tell)
    except ObjectMissing as problem:
        tell(Finding(part.key, "missing", str(problem)))
        return None, False
