"""Step 10, second half: brings sealed segments to every store, and forgets them here once enough have confirmed."""

from __future__ import annotations

import fcntl
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from hashlib import sha256

from storage.catalogue import Catalogue
from storage.deliveries import Backlog, Deliveries, Delivery
from storage.directory import DirectoryStore
from storage.durable import flush_directory, make_directories, write_durably
from storage.errors import (
    DigestMismatch,
    NotAnArchive,
    ObjectExists,
    ObjectMissing,
    StorageError,
    StoreUnreachable,
    StoreUnsafe,
)
from storage.objects import ObjectStore
from storage.parcels import Parcel, fetched_parcel, file_of, segment_parcel
from storage.place import HEAD, Place
from storage.sealed import sealed_segment

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0
LOOK_AGAIN_SECONDS = 2.0
UNFINISHED_FILE_AGE = timedelta(days=1)
UNFINISHED_UPLOAD_AGE = timedelta(days=7)
# The store works; what is wrong is this object, so others may go on.
ABOUT_ONE_OBJECT = (ObjectExists, ObjectMissing, DigestMismatch)


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
    ) -> None:
        self._place = place
        self._catalogue = catalogue
        self._clock = clock
        self._copies_required = copies_required or len(place.stores)
        self._accept_unsafe = accept_unsafe
        self.backlogs: list[Backlog] = []
        """What waited for each store when it was last looked."""
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._wake = threading.Event()

    def start(self) -> None:
        """Begin to deliver; what earlier processes left comes first.

        Raises what `prepare` raises for a store that is used for the first time, but StoreUnreachable: one that does
        not answer now is tried again when something is delivered to it.
        """
        if self._place.is_one_directory or self._threads:
            return
        for store in self._place.stores:
            try:
                self.prepare(store)
            except StoreUnreachable as problem:
                logger.warning("%s is not ready, its objects wait on this disk: %s", store.place, problem)
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
            queued = [one for one in Deliveries(connection).waiting(store.place) if one.parcel == parcel]
        for delivery in queued:
            self._deliver(store, delivery)

    def resume(self, source_id: str) -> None:
        """Go on with what an earlier process left: forget what was confirmed, send what of the source was not."""
        self._withdraw()
        self._close_confirmed()
        with self._catalogue.begin() as connection:
            waiting = Deliveries(connection).parcels(source_id)
        for parcel in waiting:
            self.send(parcel)

    def _withdraw(self) -> None:
        """What was on its way to a store that is configured no more waits for nothing."""
        with self._catalogue.begin() as connection:
            gone = Deliveries(connection).withdraw([store.place for store in self._place.stores])
        for store in gone:
            logger.warning("nothing goes to %s any more: the settings do not name it", store)

    def _close_confirmed(self) -> None:
        with self._catalogue.begin() as connection:
            confirmed = Deliveries(connection).not_closed()
        for source_id, parcel in confirmed:
            self._close(source_id, parcel)

    def sweep(self) -> None:
        """Remove what puts that never ended left in the stores, long ago enough that nobody is at them."""
        for store in self._place.stores:
            age = UNFINISHED_FILE_AGE if isinstance(store, DirectoryStore) else UNFINISHED_UPLOAD_AGE
            try:
                store.sweep(self._clock() - age)
            except (StorageError, OSError) as problem:
                logger.info("%s: unfinished puts are left for another time: %s", store.place, problem)

    def wait(self, seconds: float, stop: Callable[[], bool] = lambda: False) -> bool:
        """Whether everything is delivered, waited for so long at most, or until `stop` says so."""
        end = time.monotonic() + seconds
        self._wake.set()
        while True:
            with self._catalogue.begin() as connection:
                if Deliveries(connection).is_empty():
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
        if store is self._place.stores[0]:
            self._withdraw()
            self._close_confirmed()
            self.sweep()
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            with self._turn(store) as mine:
                went_well = not mine or self._deliver_waiting(store)
            self._look()
            if went_well:
                pause = FIRST_PAUSE_SECONDS
                self._wake.wait(LOOK_AGAIN_SECONDS)
                self._wake.clear()
            else:
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _look(self) -> None:
        with self._catalogue.begin() as connection:
            self.backlogs = Deliveries(connection).backlogs()

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
        mark = self._place.state / "stores" / f"{_slug(store)}.tried"
        if mark.exists():
            return
        try:
            store.put_bytes(HEAD, self._head())
        except ObjectExists as problem:
            raise NotAnArchive(store.place, f"its {HEAD} is another archive's") from problem
        faults = store.probe(HEAD)
        if faults and store.place not in self._accept_unsafe:
            raise StoreUnsafe(store.place, [fault.message for fault in faults])
        for fault in faults:
            logger.warning("%s: %s; accepted by the settings", store.place, fault.message)
        make_directories(mark.parent)
        write_durably(mark, [f"{store.place}\n".encode()])

    def _head(self) -> bytes:
        copy = self._place.state / HEAD
        return copy.read_bytes() if copy.exists() else self._place.stores[0].get(HEAD)

    def _deliver_waiting(self, store: ObjectStore) -> bool:
        """Deliver all that waits; False when something could not be and is to be tried again later."""
        with self._catalogue.begin() as connection:
            waiting = Deliveries(connection).waiting(store.place)
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
        with self._catalogue.begin() as connection:
            Deliveries(connection).fail(delivery, str(problem))
        if delivery.problem != str(problem):
            logger.warning("%s waits on this disk for %s: %s", delivery.parcel, store.place, problem)

    def _deliver(self, store: ObjectStore, delivery: Delivery) -> None:
        with ExitStack() as fetched:
            parcel = self._parcel(delivery, fetched)
            parcel.put(store, move=self._place.is_one_directory)
            if not self._place.is_one_directory:
                parcel.confirm(store)
        with self._catalogue.begin() as connection:
            Deliveries(connection).confirm(delivery, self._clock())
        self._close(delivery.source_id, delivery.parcel)

    def _close(self, source_id: str, parcel: str) -> None:
        """Forget the parcel here once enough stores have confirmed it, and its deliveries once all have.

        What two couriers do at once, both may do twice: the one that confirms last sees that all have.
        """
        with self._catalogue.begin() as connection:
            journal = Deliveries(connection)
            copies, is_confirmed = len(journal.confirmed_by(parcel)), journal.is_confirmed(parcel)
        if is_confirmed or copies >= self._copies_required:
            self._forget(source_id, parcel)
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
        with self._catalogue.begin() as connection:
            confirmed = Deliveries(connection).confirmed_by(delivery.parcel)
        having = [store for store in self._place.stores if store.place in confirmed]
        if not having:
            raise StorageError(f"{delivery.parcel} is neither on this disk nor in a store; see docs/operations.md")
        return fetched.enter_context(
            fetched_parcel(delivery.parcel, delivery.source_id, having[0], self._place.state / "fetched")
        )

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
