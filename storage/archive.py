"""An open archive: its store, its catalogue and the open segment of each source. Used from one thread.

What `keep` and `add_record` take is durable after `settle` or `seal`, which flush the segment before they commit what
the catalogue says about it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection

from storage import names
from storage.capture import Capture
from storage.captures import add_captures, add_missing_captures, original_of
from storage.catalogue import Catalogue
from storage.directory import INCOMING, DirectoryStore
from storage.errors import NotAnArchive, ObjectExists
from storage.exchange import Exchange
from storage.leads import Acknowledgement, Leads, NewLead
from storage.manifest import manifest_of
from storage.objects import ObjectStore
from storage.recovery import recover
from storage.sealed import SealedSegment
from storage.segment import Segment
from storage.segments import Segments
from storage.sources import Sources
from storage.versions import Observation, Version, Versions
from storage.warcinfo import SegmentInfo

T = TypeVar("T")

FORMAT = 1
HEAD = "newsark.json"
STATE_DIRECTORY = ".newsark"


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """How an archive is written: who operates it, and when a segment is rolled."""

    operator: str | None = None
    user_agent: str | None = None
    contact: str | None = None
    catalogue_url: str | None = None
    segment_max_bytes: int = 1_000_000_000
    segment_max_age_seconds: float = 6 * 3600.0


@dataclass(slots=True)
class Settlement:
    """What a group of visits found out: one list of found leads and one acknowledgement for each visit."""

    acknowledgements: list[Acknowledgement] = field(default_factory=list)
    found: list[list[NewLead]] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)


class Archive:
    """A directory archive. Open it with `Archive.open`, close it with `close`."""

    def __init__(
        self,
        root: Path,
        store: ObjectStore,
        catalogue: Catalogue,
        settings: ArchiveSettings,
        clock: Callable[[], datetime],
    ) -> None:
        self.root = root
        self.store = store
        self.catalogue = catalogue
        self.settings = settings
        self.clock = clock
        self.state = root / STATE_DIRECTORY
        self._open: dict[str, Segment] = {}
        self._kept: dict[str, list[tuple[Capture, int | None]]] = {}

    @classmethod
    def open(
        cls, root: Path, settings: ArchiveSettings, clock: Callable[[], datetime], *, create: bool = True
    ) -> Archive:
        """The archive at `root`, made there when it is empty or missing and `create` is set.

        Raises NotAnArchive when the place holds something else, or nothing and `create` is not set.
        """
        _check_place(root, create=create)
        state = root / STATE_DIRECTORY
        state.mkdir(parents=True, exist_ok=True)
        store = DirectoryStore(root)
        catalogue = Catalogue(settings.catalogue_url or f"sqlite:///{state / 'catalogue.sqlite'}", clock)
        archive = cls(root, store, catalogue, settings, clock)
        if not (root / HEAD).exists():
            head = {"format": FORMAT, "name": root.resolve().name, "created": clock().isoformat()}
            # Another process may have made the archive in this moment; then its head is the one.
            with suppress(ObjectExists):
                store.put_bytes(HEAD, orjson.dumps(head, option=orjson.OPT_INDENT_2))
        return archive

    # sources

    def enlist(self, source_id: str, *, name: str, home: str, toml: str) -> int:
        """The revision of a source file that is now known; each state that was ever used is kept in the store."""
        with self.catalogue.begin() as connection:
            revision = Sources(connection).enlist(source_id, name=name, home=home, toml=toml, now=self.clock())
        self.store.put_bytes(names.source_key(source_id, revision), toml.encode())
        return revision

    def own(self, source_id: str, seconds: float) -> None:
        """Take or renew the lease on a source for this process. Raises SourceBusy when another one holds it.

        Segments that a process of this machine left open when it died are sealed first.
        """
        with self.catalogue.begin() as connection:
            Sources(connection).own(source_id, owner_name(), self.clock(), timedelta(seconds=seconds))

    def disown(self, source_id: str) -> None:
        """Give the lease on a source back."""
        with self.catalogue.begin() as connection:
            Sources(connection).disown(source_id, owner_name())

    def with_leads(self, source_id: str, work: Callable[[Leads], T]) -> T:
        """The result of `work` on the source's leads, in one transaction."""
        with self.catalogue.begin() as connection:
            return work(Leads(connection, source_id))

    def latest_versions(self, source_id: str, articles: Sequence[str]) -> dict[str, Version]:
        """The newest version of each of these articles that has one."""
        if not articles:
            return {}
        with self.catalogue.begin() as connection:
            return Versions(connection, source_id).latest(articles)

    def articles_of_leads(self, source_id: str, lead_ids: Sequence[int]) -> dict[int, str]:
        """For each of these leads that showed an article before, that article's key."""
        with self.catalogue.begin() as connection:
            return Versions(connection, source_id).articles_of_leads(lead_ids)

    # segments

    def segment(self, source_id: str) -> Segment:
        """The source's open segment; a new one when there is none or the last grew too large or too old."""
        segment = self._open.get(source_id)
        if segment is not None and self._is_full(segment):
            self.seal(source_id)
            segment = None
        if segment is None:
            info = SegmentInfo(
                part_of=source_id,
                operator=self.settings.operator,
                user_agent=self.settings.user_agent,
                contact=self.settings.contact,
            )
            segment = Segment.create(self._directory(source_id), source_id, info, clock=self.clock)
            self._open[source_id] = segment
        return segment

    def _is_full(self, segment: Segment) -> bool:
        age = (self.clock() - segment.opened_at).total_seconds()
        return segment.size_bytes >= self.settings.segment_max_bytes or age >= self.settings.segment_max_age_seconds

    def _directory(self, source_id: str) -> Path:
        return self.state / "open" / source_id

    def keep(
        self,
        source_id: str,
        exchange: Exchange,
        *,
        lead_id: int | None = None,
        original: Capture | None = None,
        hops: int = 0,
    ) -> Capture:
        """Append an exchange to the source's segment and return where it is.

        A payload that is kept already becomes a revisit of it; `original` is what a 304 refers to.
        """
        segment = self.segment(source_id)
        if exchange.status != 304:
            original = self._kept_already(source_id, exchange)
        capture = segment.append(exchange, original, hops=hops)
        self._kept.setdefault(source_id, []).append((capture, lead_id))
        return capture

    def _kept_already(self, source_id: str, exchange: Exchange) -> Capture | None:
        if not exchange.body or exchange.failure is not None:
            return None
        with self.catalogue.begin() as connection:
            return original_of(connection, source_id, exchange.payload_digest)

    def add_record(self, source_id: str, line: bytes) -> str:
        """Append a record line beside the open WARC and return the key of the records object it will be in."""
        segment = self.segment(source_id)
        segment.add_record(line)
        return segment.records_key

    # settling

    def settle(self, source_id: str, settlement: Settlement) -> list[int]:
        """Make everything kept so far durable, then commit what it means; how many leads each visit added."""
        return self._settle_in(self.segment(source_id), source_id, settlement)

    def _settle_in(self, segment: Segment, source_id: str, settlement: Settlement) -> list[int]:
        for happened in settlement.events:
            segment.add_event(orjson.dumps(happened))
        segment.flush()
        kept = self._kept.pop(source_id, [])
        committed = False
        try:
            with self.catalogue.begin() as connection:
                added = self._commit(connection, source_id, settlement, kept)
            committed = True
        finally:
            if not committed:
                self._kept[source_id] = kept + self._kept.get(source_id, [])
        return added

    def _commit(
        self,
        connection: Connection,
        source_id: str,
        settlement: Settlement,
        kept: Sequence[tuple[Capture, int | None]],
    ) -> list[int]:
        add_captures(connection, source_id, kept)
        versions = Versions(connection, source_id)
        versions.add(settlement.versions)
        versions.observe(settlement.observations)
        leads = Leads(connection, source_id)
        now = self.clock()
        added = [leads.add(found, now) if found else 0 for found in settlement.found]
        leads.acknowledge(settlement.acknowledgements)
        return added

    # sealing

    def seal(self, source_id: str) -> None:
        """Step 10: close the source's open segment, list it in a manifest, store it, and only then forget it here."""
        segment = self._open.get(source_id)
        if segment is None:
            return
        self._settle_in(segment, source_id, Settlement())
        del self._open[source_id]
        self._store(source_id, segment.seal())

    def _store(self, source_id: str, sealed: SealedSegment) -> None:
        with self.catalogue.begin() as connection:
            previous = Sources(connection).last_manifest_sha256(source_id)
        manifest = manifest_of(sealed, previous=previous)
        for part in sealed.parts:
            self.store.put_file(part.key, part.path, part.sha256, move=True)
        self.store.put_bytes(sealed.manifest_key, manifest.to_bytes())
        with self.catalogue.begin() as connection:
            Segments(connection).add(source_id, sealed, manifest, self.clock())
            Sources(connection).set_last_manifest(source_id, manifest.sha256)
        sealed.forget()

    def recover(self, source_id: str) -> int:
        """Seal and store what a crawl that died left open for this source; how many segments that was."""
        directory = self._directory(source_id)
        if not directory.is_dir():
            return 0
        left = recover(directory, clock=self.clock)
        for found in left:
            with self.catalogue.begin() as connection:
                add_missing_captures(connection, source_id, found.captures)
            self._store(source_id, found.seal())
        return len(left)

    def close(self) -> None:
        """Close the catalogue; segments that are still open stay as they are on disk and are recovered later."""
        self.catalogue.close()


def is_vacant(root: Path) -> bool:
    """Whether an archive can be made at `root`: nothing is there, or one that was never finished."""
    return not root.exists() or (root.is_dir() and not _others(root))


def _others(root: Path) -> list[str]:
    return [entry.name for entry in root.iterdir() if entry.name not in (STATE_DIRECTORY, INCOMING)]


def _check_place(root: Path, *, create: bool) -> None:
    if not root.exists():
        if not create:
            raise NotAnArchive(str(root), "it does not exist")
        return
    if not root.is_dir():
        raise NotAnArchive(str(root), "it is a file")
    # Before the head is looked for: another process may be making the archive now, and the head comes first.
    others = _others(root)
    head = root / HEAD
    if head.exists():
        found = json.loads(head.read_bytes())
        if found.get("format") != FORMAT:
            raise NotAnArchive(str(root), f"its store format is {found.get('format')!r}, this is for format {FORMAT}")
    elif others or not create:
        what = f"it holds {others[0]!r} and no {HEAD}" if others else "it is empty"
        raise NotAnArchive(str(root), what)


def owner_name() -> str:
    """This process, as written into leases: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"
