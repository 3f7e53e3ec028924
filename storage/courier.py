"""Step 10, second half: brings sealed segments to every store, and forgets them here once enough have confirmed."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from storage.catalogue import Catalogue
from storage.deliveries import Backlog, Deliveries, Delivery
from storage.deliverytally import DeliveryTally
from storage.directory import DirectoryStore
from storage.durable import flush_directory, make_directories, write_durably
from storage.errors import (
    DigestMismatch,
    NewsarkError,
    NotAnArchive,
    ObjectExists,
    ObjectMissing,
    ParcelLost,
    StorageError,
    StoreEmptied,
    StoreUnreachable,
    StoreUnsafe,
)
from storage.log import Log
from storage.objects import ObjectStore
from storage.parcels import Parcel, fetched_parcel, file_of, last_key, segment_parcel
from storage.place import HEAD, Place
from storage.sealed import sealed_segment
from storage.unsent import Unsent

log = Log(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0
LOOK_AGAIN_SECONDS = 2.0
UNFINISHED_FILE_AGE = timedelta(days=1)
UNFINISHED_UPLOAD_AGE = timedelta(days=7)
# The store works; what is wrong is this object, so others may go on.
ABOUT_ONE_OBJECT = (ObjectExists, ObjectMissing, DigestMismatch, ParcelLost)


class Courier:
    """Delivers what the catalogue's journal names, in its order: for each store a thread, for one directory none.

    Any number of processes may have a courier for one archive: a lock for each store lets one of them work. A parcel
    that cannot be delivered is tried again with growing pauses and holds up its own source alone.
    """

    def __init__(
        self,
        place: Place,
        catalogue: Catalogue,
        clock: Callable[[], datetime],
        *,
        copies_required: int | None = None,
        accept_unsafe: frozenset[str] = frozenset(),
        machine: str | None = None,
    ) -> None:
        self._machine = machine
        self._place = place
        self._catalogue = catalogue
        self._clock = clock
        self._names = [store.place for store in place.stores]
        self._copies_required = copies_required or len(place.stores)
        self._is_swept = False
        self._accept_unsafe = accept_unsafe
        self.backlogs: list[Backlog] = []
        """What waited on this disk for each store when it was last looked."""
        self.tally = DeliveryTally(self._names)
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._wake = threading.Event()

    def start(self) -> None:
        """Begin to deliver; what earlier processes left comes first.

        Raises what `prepare` raises for a store that must not be used. One that does not answer now, or is not there,
        is tried again when something is delivered to it.
        """
        if self._threads:
            return
        for store in self._place.stores:
            try:
                self.prepare(store)
            except (StoreUnreachable, StoreEmptied, OSError) as problem:
                told = f"{store.place} is not ready, its objects wait on this disk: {problem}"
                log.warning("store-not-ready", told, store=store.place, problem=str(problem))
        if self._place.is_one_directory:
            self._deliver_waiting(self._place.stores[0])
            return
        for store in self._place.stores:
            thread = threading.Thread(target=self._serve, args=(store,), name=f"courier {store.place}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def send(self, parcel: str) -> None:
        """Deliver what was just queued: now, to one directory; otherwise soon.

        Raises what the directory raises; the parcel stays queued then.
        """
        if not self._place.is_one_directory:
            self._wake.set()
            return
        (store,) = self._place.stores
        with self._catalogue.begin() as connection:
            queued = [one for one in self._journal(connection).waiting(store.place) if one.parcel == parcel]
        for delivery in queued:
            self._deliver(store, delivery)

    def resume(self, source_id: str) -> None:
        """Go on with what an earlier process left: forget what was confirmed, send what of the source was not."""
        self._close_confirmed()
        with self._catalogue.begin() as connection:
            waiting = self._journal(connection).parcels(source_id)
        for parcel in waiting:
            self.send(parcel)

    def _journal(self, connection: Connection) -> Deliveries:
        """What has to be delivered from this machine: no other one has its files."""
        return Deliveries(connection, self._machine)

    def _close_confirmed(self) -> None:
        with self._catalogue.begin() as connection:
            confirmed = self._journal(connection).not_closed()
        for source_id, parcel in confirmed:
            self._close(source_id, parcel)

    def sweep(self) -> None:
        """Remove what puts that never ended left in the stores, long ago enough that nobody is at them."""
        for store in self._place.stores:
            age = UNFINISHED_FILE_AGE if isinstance(store, DirectoryStore) else UNFINISHED_UPLOAD_AGE
            try:
                store.sweep(self._clock() - age)
            except (StorageError, OSError) as problem:
                log.info("unfinished-puts-left", store=store.place, problem=str(problem))

    def wait(self, seconds: float, stop: Callable[[], bool] = lambda: False) -> bool:
        """Whether all has as many copies as are required, waited for so long at most, or until `stop` says so."""
        end = time.monotonic() + seconds
        self._wake.set()
        while True:
            with self._catalogue.begin() as connection:
                if self._journal(connection).are_safe(self._names, self._copies_required):
                    return True
            if stop() or time.monotonic() >= end:
                return False
            time.sleep(0.05)

    def close(self) -> None:
        """End the threads; what is not delivered waits on this disk and in the journal."""
        self._stopping.set()
        self._wake.set()
        for thread in self._threads:
            # An upload under way is not waited for: it is found again and goes on where it was.
            thread.join(timeout=LOOK_AGAIN_SECONDS)
        self._threads.clear()

    # one store

    def _serve(self, store: ObjectStore) -> None:
        pause, told = FIRST_PAUSE_SECONDS, ""
        while not self._stopping.is_set():
            try:
                went_well = self._round(store)
            except (NewsarkError, SQLAlchemyError, OSError) as problem:
                # The catalogue's disk may be full: this thread is what makes room.
                went_well = False
                if told != str(problem):
                    told = str(problem)
                    sentence = f"nothing goes to {store.place} now: {told.splitlines()[0]}"
                    log.warning("delivery-stopped", sentence, store=store.place, problem=told)
            if went_well:
                pause = FIRST_PAUSE_SECONDS
                self._wake.wait(LOOK_AGAIN_SECONDS)
                self._wake.clear()
            else:
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _round(self, store: ObjectStore) -> bool:
        with self._turn(store) as mine:
            if mine and store is self._place.stores[0] and not self._is_swept:
                self._is_swept = True
                self._close_confirmed()
                self.sweep()
            went_well = not mine or self._deliver_waiting(store)
        self.look()
        return went_well

    def look(self) -> list[Backlog]:
        """What waits on this disk for each store: parcels with fewer copies than are required."""
        with self._catalogue.begin() as connection:
            self.backlogs = self._journal(connection).backlogs(self._names, below=self._copies_required)
        return self.backlogs

    @contextmanager
    def _turn(self, store: ObjectStore) -> Iterator[bool]:
        """Whether this process may deliver to the store now: one at a time does."""
        directory = self._place.state / "stores"
        make_directories(directory)
        with (directory / f"{_slug(store)}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def prepare(self, store: ObjectStore) -> None:
        """Give a store its newsark.json and try it out, once.

        Raises StoreUnsafe when it breaks a promise and nobody said that this is accepted, NotAnArchive when it holds
        another archive, and what the store raises.
        """
        if self._place.is_one_directory:
            return
        mark = self._mark(store)
        if mark.exists():
            self._refuse_emptied(store, mark)
            return
        try:
            store.put_bytes(HEAD, self._head())
        except ObjectExists as problem:
            raise NotAnArchive(store.place, f"its {HEAD} is another archive's") from problem
        faults = store.probe(HEAD)
        if faults and store.place not in self._accept_unsafe:
            raise StoreUnsafe(store.place, [fault.message for fault in faults])
        for fault in faults:
            sentence = f"{store.place}: {fault.message}; accepted by the settings"
            log.warning("store-unsafe", sentence, store=store.place, problem=fault.message)
        make_directories(mark.parent)
        write_durably(mark, [f"{store.place}\n".encode()])

    def _mark(self, store: ObjectStore) -> Path:
        """The note that a store was tried in this way; another server, or a lock, is tried anew."""
        way = f"{store.place}\n{store.way}\n{store.place in self._accept_unsafe}"
        return self._place.state / "stores" / f"{sha256(way.encode()).hexdigest()[:16]}.tried"

    def _refuse_emptied(self, store: ObjectStore, mark: Path) -> None:
        """A directory whose disk is not mounted takes everything, and hides it when it is mounted again."""
        try:
            head = store.get(HEAD)
        except ObjectMissing:
            raise StoreEmptied(store.place, str(mark)) from None
        if head != self._head():
            raise NotAnArchive(store.place, f"its {HEAD} is another archive's")

    def _head(self) -> bytes:
        copy = self._place.state / HEAD
        return copy.read_bytes() if copy.exists() else self._place.stores[0].get(HEAD)

    def _deliver_waiting(self, store: ObjectStore) -> bool:
        """Deliver all that waits; False when something could not be and is to be tried again later."""
        with self._catalogue.begin() as connection:
            waiting = self._journal(connection).waiting(store.place)
        held_up: set[str] = set()
        for delivery in waiting:
            if self._stopping.is_set():
                return True
            if delivery.source_id in held_up:
                continue
            try:
                self.prepare(store)
                self._deliver(store, delivery)
            except (StorageError, NotAnArchive, OSError) as problem:
                self._note(store, delivery, problem)
                held_up.add(delivery.source_id)
                if not isinstance(problem, ABOUT_ONE_OBJECT):
                    return False
        return not held_up

    def _note(self, store: ObjectStore, delivery: Delivery, problem: Exception) -> None:
        self.tally.failed[store.place] += 1
        with self._catalogue.begin() as connection:
            Deliveries(connection).fail(delivery, str(problem))
        if delivery.problem != str(problem):
            sentence = f"{delivery.parcel} waits on this disk for {store.place}: {problem}"
            facts = {"source": delivery.source_id, "store": store.place, "parcel": delivery.parcel}
            log.warning("upload-failed", sentence, **facts, attempts=delivery.attempts + 1, problem=str(problem))

    def _deliver(self, store: ObjectStore, delivery: Delivery) -> None:
        began = time.monotonic()
        try:
            self._put(store, delivery)
        except FileNotFoundError:
            # Enough other stores have confirmed it in this moment, so this disk has forgotten it.
            self._put(store, delivery)
        with self._catalogue.begin() as connection:
            is_expected = Deliveries(connection).confirm(delivery, self._clock())
        seconds = time.monotonic() - began
        self.tally.stored(store.place, delivery.bytes, seconds)
        facts = {"source": delivery.source_id, "store": store.place, "parcel": delivery.parcel}
        log.info("stored", **facts, bytes=delivery.bytes, seconds=round(seconds, 3))
        # Where this machine was given up meanwhile, what it has stays on its disk until it is told of anew.
        if is_expected:
            self._close(delivery.source_id, delivery.parcel)

    def _put(self, store: ObjectStore, delivery: Delivery) -> None:
        with ExitStack() as fetched:
            parcel = self._parcel(delivery, fetched)
            parcel.put(store, move=self._place.is_one_directory)
            if not self._place.is_one_directory:
                parcel.confirm(store)

    def _close(self, source_id: str, parcel: str) -> None:
        """Forget the parcel here once enough stores have confirmed it, and its deliveries once all have.

        What two couriers do at once, both may do twice: the one that confirms last sees that all have.
        """
        with self._catalogue.begin() as connection:
            journal = Deliveries(connection)
            copies, is_confirmed = len(journal.confirmed_by(parcel)), journal.is_confirmed(parcel)
        if is_confirmed or copies >= self._copies_required:
            self._forget(source_id, parcel)
            with self._catalogue.begin() as connection:
                Unsent(connection).remove(parcel)
        if is_confirmed:
            # Who reads that nothing waits any more must find nothing left on this disk either.
            with self._catalogue.begin() as connection:
                Deliveries(connection).close(parcel)

    def _parcel(self, delivery: Delivery, fetched: ExitStack) -> Parcel:
        """The parcel's files: on this disk, or fetched from a store that has confirmed them already."""
        if "/" in delivery.parcel:
            path = self._place.outbox / delivery.parcel
            if path.is_file():
                return Parcel(delivery.parcel, delivery.source_id, (file_of(delivery.parcel, path),))
        else:
            sealed = sealed_segment(self._place.open_segments / delivery.source_id, delivery.parcel)
            # The manifest is the first to go when a segment is forgotten.
            if sealed is not None and sealed.manifest_path.is_file():
                return segment_parcel(delivery.source_id, sealed)
        return self._fetched(delivery, fetched)

    def _fetched(self, delivery: Delivery, fetched: ExitStack) -> Parcel:
        for store in self._place.stores:
            try:
                store.head(last_key(delivery.parcel))
            except (StorageError, OSError):
                continue
            scratch = self._place.state / "fetched"
            return fetched.enter_context(fetched_parcel(delivery.parcel, delivery.source_id, store, scratch))
        raise ParcelLost(delivery.parcel, self._names)

    def _forget(self, source_id: str, parcel: str) -> None:
        if "/" not in parcel:
            if sealed := sealed_segment(self._place.open_segments / source_id, parcel):
                sealed.forget()
            return
        path = self._place.outbox / parcel
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            flush_directory(path.parent)


def _slug(store: ObjectStore) -> str:
    return sha256(store.place.encode()).hexdigest()[:16]
