"""Proof that an archive is whole: every object of every store against the manifests, oldest check first."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from storage.catalogue import Catalogue
from storage.digests import sha256_hex
from storage.fixity.chaincheck import CheckManifest, catalogue_anchors
from storage.fixity.checks import Check, Checks, Depth
from storage.fixity.findings import Finding, as_unfinished
from storage.fixity.inventory import NOTHING_ON_ITS_WAY, Inventory, OnTheirWay, inventories, is_loose
from storage.fixity.loosecheck import check_loose
from storage.fixity.manifestcheck import Expected, read_manifests
from storage.fixity.objectcheck import VerificationStopped, vouched
from storage.fixity.segmentcheck import OnLine, SegmentCheck, SegmentPlan
from storage.importnames import is_imported
from storage.manifest import ManifestObject
from storage.names import Stem, parse_key, source_key
from storage.objects import ObjectStore
from storage.sources import Sources

_NEVER = datetime.min.replace(tzinfo=UTC)
# Checksums are asked for over a network: waiting is most of it. Reading is bound by the processors.
_ASKERS = 8
_NOTED_TOGETHER = 200


ReadSegment = Callable[[SegmentPlan], tuple[list[Finding], Mapping[int, str]]]
"""Reads all of a segment: what is wrong with it, and the digests of source files that its events name."""


def read_here(plan: SegmentPlan) -> tuple[list[Finding], Mapping[int, str]]:
    """Read a segment in this process."""
    check = SegmentCheck(plan)
    return check.findings(), check.source_files


class Progress(Protocol):
    """Told how much there is to verify and how much is done; from several threads."""

    def begin(self, total_bytes: int) -> None:
        """So many bytes are to be read."""
        ...

    def advance(self, count: int) -> None:
        """So many more have been."""
        ...


class _Silent:
    def begin(self, total_bytes: int) -> None: ...
    def advance(self, count: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What to verify: `sources` are ids, None is all; `max_bytes` ends a run when that much was verified.

    With `keys`, only the segments and loose objects that these belong to are verified beside the manifests.
    """

    deep: bool = False
    sources: tuple[str, ...] | None = None
    max_bytes: int | None = None
    keys: frozenset[str] | None = None

    @property
    def depth(self) -> Depth:
        """The depth as the catalogue remembers it."""
        return "deep" if self.deep else "quick"


@dataclass(slots=True)
class Report:
    """What a run verified and found; it grows while the run goes on.

    `right` is what damaged objects must be, for repair. `left_objects` were not looked at since the run ended before.
    """

    objects: int = 0
    bytes: int = 0
    findings: list[Finding] = field(default_factory=list)
    right: dict[str, ManifestObject] = field(default_factory=dict)
    left_objects: int = 0
    left_bytes: int = 0
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """Whether everything that was verified is whole, or was repaired."""
        return not any(finding.is_open for finding in self.findings)


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is verified in one go: a segment in one store, or a loose object in all of them (`held` is None)."""

    name: str
    held: Inventory | None
    listed: Mapping[str, ManifestObject]
    bytes: int
    checked_at: datetime
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class _Answer:
    findings: list[Finding]
    right: ManifestObject | None = None
    source_files: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)


class Verifier:
    """Verifies stores against their manifests; the catalogue remembers what was done when, and anchors the chain.

    `waiting` gives what still has to reach the stores, `check_manifest` looks at signatures and time stamps, `on_line`
    is told of record lines, from several threads; `read_segment` reads a segment elsewhere than here. Used from one
    thread; Ctrl-C ends `run` early and in order.
    """

    def __init__(
        self,
        stores: Sequence[ObjectStore],
        catalogue: Catalogue,
        scope: Scope,
        *,
        waiting: Callable[[], OnTheirWay] = lambda: NOTHING_ON_ITS_WAY,
        check_manifest: CheckManifest | None = None,
        on_line: OnLine | None = None,
        progress: Progress | None = None,
        workers: int | None = None,
        read_segment: ReadSegment | None = None,
    ) -> None:
        self._stores = stores
        self._catalogue = catalogue
        self._scope = scope
        self._waiting_now = waiting
        self._waiting = NOTHING_ON_ITS_WAY
        self._check_manifest = check_manifest
        self._on_line = on_line
        self._progress = progress or _Silent()
        self._read_segment = read_segment or read_here
        self._workers = workers or (os.cpu_count() or 1 if scope.deep else _ASKERS)
        self._stop = threading.Event()
        self._known_files: dict[str, str] = {}
        self.report = Report()

    def run(self) -> Report:
        """The report. Raises the first store's error when no store can be asked."""
        try:
            self._run()
        except KeyboardInterrupt:
            self.report.interrupted = True
        return self.report

    def _run(self) -> None:
        before = self._waiting_now()
        with self._catalogue.begin() as connection:
            anchors = catalogue_anchors(connection, self._scope.sources)
            for known in Sources(connection).known():
                self._known_files[source_key(known.id, known.revision)] = sha256_hex(known.toml.encode())
        held, failed = inventories(self._stores, self._scope.sources)
        self._waiting = before.and_also(self._waiting_now())
        for place, problem in failed:
            self.report.findings.append(Finding(place, "unreachable-store", problem, place))
        expected = read_manifests(held, anchors, lambda: self._waiting, self._check_manifest)
        self.report.objects += expected.objects_read
        self.report.bytes += expected.bytes_read
        self._add(expected.findings, expected)
        self._verify(held, self._units(held, expected), expected)

    # what there is to do

    def _units(self, held: Sequence[Inventory], expected: Expected) -> list[_Unit]:
        """Everything to be verified, the oldest check first."""
        with self._catalogue.begin() as connection:
            times = {one.place: Checks(connection).times(one.place, self._scope.depth) for one in held}
        units = [*self._segment_units(held, expected, times), *self._loose_units(held, expected, times)]
        units = [unit for unit in units if self._is_in_scope(unit)]
        return sorted(units, key=lambda unit: (unit.checked_at, unit.name))

    def _is_in_scope(self, unit: _Unit) -> bool:
        keys = self._scope.keys
        return keys is None or not keys.isdisjoint(unit.listed or [unit.name])

    def _segment_units(
        self, held: Sequence[Inventory], expected: Expected, times: Mapping[str, Mapping[str, datetime]]
    ) -> Iterator[_Unit]:
        by_stem: dict[str, dict[str, ManifestObject]] = {}
        for key, listed in expected.objects.items():
            # what was erased from is listed by a later segment's manifest, and is read with its own segment
            own = parse_key(expected.listing[key] if is_imported(key) else key).stem
            by_stem.setdefault(str(own), {})[key] = listed
        for stem, objects in by_stem.items():
            given: set[str] = set()
            for one in held:
                here = {key: listed for key, listed in objects.items() if key in one.sizes}
                if here:
                    checked_at = min(times[one.place].get(key, _NEVER) for key in here)
                    size = sum(one.sizes[key] for key in here)
                    yield _Unit(stem, one, here, size, checked_at, is_first=not given >= here.keys())
                    given |= here.keys()

    def _loose_units(
        self, held: Sequence[Inventory], expected: Expected, times: Mapping[str, Mapping[str, datetime]]
    ) -> Iterator[_Unit]:
        loose = {key for one in held for key in (*one.sizes, *one.deleted) if is_loose(key)} - expected.objects.keys()
        for key in sorted(loose):
            if is_imported(key) and self._scope.sources is not None:
                # another source's
                continue
            having = [one for one in held if key in one.sizes]
            checked_at = min((times[one.place].get(key, _NEVER) for one in having), default=_NEVER)
            yield _Unit(key, None, {}, sum(one.sizes[key] for one in having), checked_at)

    def _within_limit(self, units: Sequence[_Unit]) -> list[_Unit]:
        """The units of this run: at least one, then as many as the limit has room for."""
        limit, size, chosen = self._scope.max_bytes, 0, 0
        for unit in units:
            if limit is not None and chosen and size + unit.bytes > limit:
                break
            size, chosen = size + unit.bytes, chosen + 1
        self._leave(units[chosen:])
        return list(units[:chosen])

    def _leave(self, units: Iterable[_Unit]) -> None:
        for unit in units:
            self.report.left_objects += max(1, len(unit.listed))
            self.report.left_bytes += unit.bytes

    # doing it

    def _verify(self, held: Sequence[Inventory], units: Sequence[_Unit], expected: Expected) -> None:
        todo = self._within_limit(units)
        done: list[_Unit] = []
        try:
            self._progress.begin(sum(unit.bytes for unit in todo))
            # Segments first: their events name the digests of source files.
            segments = [unit for unit in todo if unit.held is not None]
            loose = [unit for unit in todo if unit.held is None]
            for part in (segments, loose):
                self._work(part, held, expected, done)
        finally:
            finished = {id(unit) for unit in done}
            self._leave(unit for unit in todo if id(unit) not in finished)

    def _work(self, units: Sequence[_Unit], held: Sequence[Inventory], expected: Expected, done: list[_Unit]) -> None:
        waiting: dict[Future[_Answer], _Unit] = {}
        noted: list[Check] = []
        left = iter(units)
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="verify")
        try:
            while True:
                while len(waiting) < 2 * self._workers and (unit := next(left, None)) is not None:
                    waiting[pool.submit(self._check, unit, held, expected)] = unit
                if not waiting:
                    break
                ready, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ready:
                    unit = waiting.pop(future)
                    noted += self._take(unit, future.result(), held, expected)
                    done.append(unit)
                if len(noted) >= _NOTED_TOGETHER:
                    self._note(noted)
        finally:
            self._stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            self._stop.clear()
            self._note(noted)

    def _check(self, unit: _Unit, held: Sequence[Inventory], expected: Expected) -> _Answer:
        if unit.held is None:
            answer = check_loose(unit.name, held, self._waiting, self._known_files.get(unit.name), self._on_bytes)
            return _Answer(answer.findings, answer.right, seen=answer.seen)
        if not self._scope.deep:
            store = unit.held.store
            found = [one for listed in unit.listed.values() for one in vouched(store, listed, self._on_bytes)]
            return _Answer(found)
        counts = next((expected.counts[key] for key in unit.listed if key in expected.counts), {})
        on_line = self._on_line if unit.is_first else None
        found, files = self._read_segment(SegmentPlan(unit.held.store, unit.listed, counts, self._on_bytes, on_line))
        source = Stem.parse(unit.name).source
        return _Answer(found, source_files={source_key(source, n): sha for n, sha in files.items()})

    def _on_bytes(self, count: int) -> None:
        if self._stop.is_set():
            raise VerificationStopped
        self._progress.advance(count)

    def _take(self, unit: _Unit, answer: _Answer, held: Sequence[Inventory], expected: Expected) -> list[Check]:
        """Add an answer to the report; what the catalogue is to remember of it."""
        self.report.objects += len(unit.listed) or len(answer.seen)
        self.report.bytes += unit.bytes
        self._add(answer.findings, expected, answer.right)
        self._known_files.update(answer.source_files)
        first = {(one.store, one.object): one.kind for one in reversed(answer.findings) if one.severity == "fault"}
        keys = unit.listed or [unit.name]
        places = [unit.held.place] if unit.held is not None else [one.place for one in held if unit.name in one.sizes]
        return [Check(place, key, first.get((place, key))) for place in places for key in keys]

    def _note(self, noted: list[Check]) -> None:
        if noted:
            with self._catalogue.begin() as connection:
                Checks(connection).note(noted, self._catalogue.clock(), self._scope.depth)
            noted.clear()

    def _add(self, findings: Sequence[Finding], expected: Expected, right: ManifestObject | None = None) -> None:
        for finding in as_unfinished(findings, expected.erased_from):
            self.report.findings.append(finding)
            wanted = right if right is not None and right.key == finding.object else expected.right(finding.object)
            if wanted is not None:
                self.report.right[finding.object] = wanted
