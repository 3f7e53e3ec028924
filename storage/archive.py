"""An open archive: its stores, its catalogue and the open segment of each source. Used from one thread.

What `keep` and `add_record` take is durable after `settle` or `seal`, which flush the segment before they commit what
the catalogue says about it. What is sealed is brought to the stores by the courier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from storage import names
from storage.archivesettings import ArchiveSettings
from storage.capture import Capture
from storage.captures import original_of
from storage.catalogue import Catalogue
from storage.chaining import chained
from storage.conversion import Conversion
from storage.courier import Courier
from storage.deliveries import Backlog, Deliveries
from storage.directory import DirectoryStore
from storage.durable import make_directories, write_durably
from storage.errors import CatalogueBehind
from storage.exchange import Exchange
from storage.forks import refuse_forks
from storage.furniture import Furniture
from storage.holdings import Holdings
from storage.leads import Leads
from storage.machine import machine_of
from storage.manifest import Manifest
from storage.objects import ObjectStore
from storage.place import FORMAT, HEAD, STATE_DIRECTORY, Place
from storage.rebuilding.leftover import left_steps
from storage.rebuilding.replay import replay
from storage.recovery import Recovery, recover
from storage.sealed import SealedSegment
from storage.segment import Segment
from storage.segments import Segments
from storage.settling import Settlement, Settling
from storage.sources import Sources
from storage.unsent import Unsent
from storage.versions import Version, Versions
from storage.vouching.timestamping import missing_stamps, stamp_key
from storage.vouching.voucher import Vouching
from storage.warcinfo import SegmentInfo

__all__ = ["FORMAT", "HEAD", "STATE_DIRECTORY", "Archive", "ArchiveSettings", "Settlement"]

T = TypeVar("T")


class Archive:
    """An archive in a directory or in buckets. Open it with `Archive.open`, close it with `close`."""

    def __init__(
        self, place: Place, catalogue: Catalogue, settings: ArchiveSettings, clock: Callable[[], datetime]
    ) -> None:
        self.place = place
        self.catalogue = catalogue
        self.settings = settings
        self.clock = clock
        # in one directory the working state goes where the archive goes
        self.machine = None if place.is_one_directory else machine_of(place.state)
        self.courier = Courier(
            place,
            catalogue,
            clock,
            copies_required=settings.copies_required,
            accept_unsafe=settings.accept_unsafe,
            machine=self.machine,
        )
        self._vouching = Vouching(place, settings.signer, settings.authority, clock)
        self._away: set[str] = set()
        self._open: dict[str, Segment] = {}
        self._kept: dict[str, list[tuple[Capture, int | None]]] = {}
        self._settling = Settling(catalogue, clock, self._begin)

    @classmethod
    def open(
        cls,
        place: Place | Path,
        settings: ArchiveSettings,
        clock: Callable[[], datetime],
        *,
        create: bool = True,
        rebuilding: bool = False,
        is_public: bool = False,
    ) -> Archive:
        """The archive there (a Path is a directory), made when the place is vacant and `create` is set.

        Raises NotAnArchive when the place holds something else, or nothing and `create` is not set; CatalogueBehind
        when the catalogue is empty and the store is not, unless `rebuilding`; for a store that cannot be reached what
        it raises, when it has to be asked. With `is_public` it is for reading, and without what is suppressed.
        """
        if isinstance(place, Path):
            place = Place((DirectoryStore(place),), place / STATE_DIRECTORY)
        public_key = settings.signer.public(clock()).facts() if settings.signer else None
        place.open(clock, create=create, public_key=public_key)
        catalogue = Catalogue(settings.catalogue_url or place.catalogue_url, clock, is_public=is_public)
        archive = cls(place, catalogue, settings, clock)
        if not rebuilding:
            archive._refuse_lost_catalogue()
        return archive

    def _refuse_lost_catalogue(self) -> None:
        with self.catalogue.begin() as connection:
            is_empty = not Sources(connection).known()
        stored = [info.key for store in self.stores for info in store.list("manifests/")] if is_empty else []
        if stored:
            self.catalogue.close()
            raise CatalogueBehind(self.store.place, "sources", len(stored))

    @property
    def store(self) -> ObjectStore:
        """The store that the archive is named after."""
        return self.place.stores[0]

    @property
    def stores(self) -> tuple[ObjectStore, ...]:
        """Every store, that one first."""
        return self.place.stores

    @property
    def state(self) -> Path:
        """The directory of the working state."""
        return self.place.state

    @property
    def holdings(self) -> Holdings:
        """The archive's objects, wherever they are now."""
        return self.place.holdings

    # sources

    def enlist(self, source_id: str, *, name: str, home: str, toml: str) -> int:
        """The revision of a source file that is now known; each state that was ever used is kept in the stores."""
        with self.catalogue.begin() as connection:
            known = Sources(connection).known([source_id])
            revision = Sources(connection).enlist(source_id, name=name, home=home, toml=toml, now=self.clock())
            is_new = not known or known[0].revision != revision
            if is_new:
                self._post(connection, source_id, names.source_key(source_id, revision), toml.encode())
        if is_new:
            self.courier.send(names.source_key(source_id, revision))
        return revision

    def _post(self, connection: Connection, source_id: str, key: str, data: bytes) -> None:
        """Put a single object among those that are on their way; durable when the transaction is."""
        path = self.place.outbox / key
        make_directories(path.parent)
        write_durably(path, [data])
        self._queue(connection, key, source_id, len(data))

    def _queue(self, connection: Connection, parcel: str, source_id: str, size_bytes: int) -> None:
        places = [store.place for store in self.stores]
        Deliveries(connection, self.machine).add(parcel, source_id, size_bytes, places, self.clock())

    def own(self, source_id: str, seconds: float) -> None:
        """Take or renew the lease on a source for this process. Raises SourceBusy when another one holds it."""
        with self.catalogue.begin() as connection:
            now = self.catalogue.now(connection)
            Sources(connection).own(source_id, self.catalogue.owner, now, timedelta(seconds=seconds))

    def disown(self, source_id: str) -> None:
        """Give the lease on a source back."""
        with self.catalogue.begin() as connection:
            Sources(connection).disown(source_id, self.catalogue.owner)

    def with_leads(self, source_id: str, work: Callable[[Leads], T]) -> T:
        """The result of `work` on the source's leads, in one transaction."""
        return self._settling.with_leads(source_id, work, lambda: self._open_segment(source_id))

    def latest_versions(self, source_id: str, articles: Sequence[str]) -> dict[str, Version]:
        """The newest version of each of these articles that has one."""
        if not articles:
            return {}
        with self.catalogue.read() as connection:
            return Versions(connection, source_id).latest(articles)

    def newest_versions(self, source_id: str, limit: int) -> list[Version]:
        """The source's versions that were captured last, oldest first."""
        with self.catalogue.read() as connection:
            return Versions(connection, source_id).newest(limit)

    def furniture(self, source_id: str) -> list[str]:
        """The paragraphs that are known as the source's furniture."""
        with self.catalogue.read() as connection:
            return Furniture(connection, source_id).texts()

    def alike(self, source_id: str, fingerprints: Sequence[str]) -> dict[str, list[Version]]:
        """For each fingerprint the versions of other sources that may have the same text, oldest capture first."""
        if not fingerprints:
            return {}
        with self.catalogue.read() as connection:
            return Versions(connection, source_id).alike(fingerprints)

    def articles_of_leads(self, source_id: str, lead_ids: Sequence[int]) -> dict[int, str]:
        """For each of these leads that showed an article before, that article's key."""
        with self.catalogue.read() as connection:
            return Versions(connection, source_id).articles_of_leads(lead_ids)

    # segments

    def segment(self, source_id: str) -> Segment:
        """The source's open segment; a new one when there is none or the last grew too large or too old."""
        self.seal_old(source_id)
        return self._open_segment(source_id)

    def seal_old(self, source_id: str) -> None:
        """Seal the source's open segment when it grew too large or too old."""
        segment = self._open.get(source_id)
        if segment is not None and self._is_full(segment):
            self.seal(source_id)

    def _open_segment(self, source_id: str) -> Segment:
        """The source's open segment, or a new one; it is not rolled, and may be asked for within a transaction."""
        segment = self._open.get(source_id)
        if segment is None:
            info = SegmentInfo(
                part_of=source_id,
                operator=self.settings.operator,
                user_agent=self.settings.user_agent,
                contact=self.settings.contact,
            )
            host = self.settings.host
            segment = Segment.create(self._directory(source_id), source_id, info, clock=self.clock, host=host)
            self._open[source_id] = segment
        return segment

    def _begin(self, connection: Connection, segment: Segment, source_id: str) -> None:
        """Note that the segment lies on this machine's disk alone."""
        if self.machine is not None:
            Unsent(connection).begin(segment.stem, source_id, self.machine, segment.opened_at)

    def _is_full(self, segment: Segment) -> bool:
        age = (self.clock() - segment.opened_at).total_seconds()
        return segment.size_bytes >= self.settings.segment_max_bytes or age >= self.settings.segment_max_age_seconds

    def _directory(self, source_id: str) -> Path:
        return self.place.open_segments / source_id

    def keep(
        self,
        source_id: str,
        exchange: Exchange | Conversion,
        *,
        lead_id: int | None = None,
        original: Capture | None = None,
        hops: int = 0,
    ) -> Capture:
        """Append an exchange, or what a browser made of one, to the source's segment and return where it is.

        A payload that is kept already becomes a revisit of it; `original` is what a 304 refers to.
        """
        segment = self.segment(source_id)
        if isinstance(exchange, Exchange) and exchange.status != 304:
            original = self._kept_already(source_id, exchange)
        capture = segment.append(exchange, original, hops=hops)
        self._kept.setdefault(source_id, []).append((capture, lead_id))
        return capture

    def _kept_already(self, source_id: str, exchange: Exchange) -> Capture | None:
        if not exchange.body or exchange.failure is not None:
            return None
        with self.catalogue.read() as connection:
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
        kept = self._kept.pop(source_id, [])
        try:
            return self._settling.settle(segment, source_id, settlement, kept)
        except BaseException:
            self._kept[source_id] = kept + self._kept.get(source_id, [])
            raise

    # sealing

    def seal(self, source_id: str) -> None:
        """Step 10: close the source's open segment, list it in a manifest, and send it to the stores."""
        segment = self._open.get(source_id)
        if segment is None:
            return
        self._settle_in(segment, source_id, Settlement())
        del self._open[source_id]
        self._store(source_id, segment.seal())

    def _store(self, source_id: str, sealed: SealedSegment) -> None:
        """Give a sealed segment its manifest and its place in the chain, and send it to the stores."""
        self._list_key(source_id)

        def queue(connection: Connection, made: Manifest) -> None:
            self._queue(connection, sealed.stem, source_id, sealed.size_bytes)
            if self.machine is not None:
                Unsent(connection).chained(sealed.stem, source_id, self.machine, sealed.sealed_at, made.previous)

        manifest = chained(self.catalogue, source_id, sealed, self._vouching, queue)
        if manifest is None:
            return
        self.courier.send(sealed.stem)
        if (stamp := self._vouching.stamp(manifest)) is not None:
            self.post(source_id, stamp_key(sealed.manifest_key), stamp)

    def _list_key(self, source_id: str) -> None:
        """Before anything is signed with it, the key stands in the archive."""
        if (unlisted := self._vouching.unlisted_key()) is not None:
            self.post(source_id, *unlisted)
            self._vouching.note_listed()

    def post(self, source_id: str, key: str, data: bytes) -> None:
        """Send a single object to the stores; durable here on return."""
        with self.catalogue.begin() as connection:
            self._post(connection, source_id, key, data)
        self.courier.send(key)

    def recover(self, source_id: str) -> int:
        """Seal and send what a crawl that died left for this source; how many segments that was.

        Raises CatalogueBehind when a store that can be reached has segments of the source that are unknown here.
        """
        directory = self._directory(source_id)
        left = recover(directory, clock=self.clock) if directory.is_dir() else []
        for found in left:
            self._take_up(source_id, found)
        self.courier.resume(source_id)
        if self.place.is_one_directory:
            self.courier.sweep()
        refuse_forks(self.stores, self.catalogue, source_id, self._away)
        self._stamp_later(source_id)
        return len(left)

    def adopt(self, source_id: str, reading: SealedSegment) -> None:
        """Take a sealed later reading into catalogue and chain, and send it; half-way, `recover` does the rest."""
        self._take_up(source_id, Recovery(reading.stem, sealed=reading))

    def _take_up(self, source_id: str, found: Recovery) -> None:
        with self.catalogue.begin() as connection:
            if not Segments(connection).has(found.stem):
                for step in left_steps(self._directory(source_id), found, self.holdings):
                    replay(connection, source_id, step, again=True, late=True)
        self._resume(source_id, found.seal())

    def _stamp_later(self, source_id: str) -> None:
        """Ask again for the time stamps that the authority did not give when their manifests were made."""
        if self.settings.authority is None or self.store.place in self._away:
            return
        for key in [key for key in missing_stamps(self.store) if key.startswith(f"manifests/{source_id}/")]:
            if (self.place.outbox / stamp_key(key)).exists():
                continue
            stamp = self.settings.authority.try_stamp(self.holdings.get(key))
            if stamp is None:
                return
            self.post(source_id, stamp_key(key), stamp)

    def _resume(self, source_id: str, sealed: SealedSegment) -> None:
        with self.catalogue.begin() as connection:
            is_known = Segments(connection).has(sealed.stem)
        if not is_known:
            self._store(source_id, sealed)
        elif sealed.manifest_path.exists():
            with self.catalogue.begin() as connection:
                self._queue(connection, sealed.stem, source_id, sealed.size_bytes)
        else:
            # It was being forgotten, which begins with the manifest.
            sealed.forget()

    def backlogs(self) -> list[Backlog]:
        """What still waits for which store."""
        with self.catalogue.begin() as connection:
            return Deliveries(connection).backlogs([store.place for store in self.stores])

    def close(self) -> None:
        """Close the catalogue; segments that are still open, or on their way, stay on this disk for the next time."""
        self.courier.close()
        self.catalogue.close()
