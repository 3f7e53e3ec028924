"""Sealed segments reach every store, and leave this disk only when enough stores have confirmed them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from storage import courier
from storage.archive import HEAD, Archive, ArchiveSettings, Settlement
from storage.deliveries import Deliveries, Delivery
from storage.directory import DirectoryStore
from storage.errors import CatalogueBehind, NotAnArchive, StorageError, StoreUnsafe
from storage.exchange import Exchange
from storage.objects import ObjectStore, StoreFault
from storage.place import Place
from storage.readback import read_capture

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
SOURCE = "lantern"


class Unreachable(DirectoryStore):
    """A store that answers nothing as long as `away` is set."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.away = True

    def put_file(self, key: str, path: Path, sha256: str, *, move: bool = False) -> None:
        if self.away:
            raise StorageError("nobody answers")
        super().put_file(key, path, sha256, move=move)


class Forgetful(DirectoryStore):
    """A store that says yes to a WARC and does not keep it, as long as `forgets` is set."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.forgets = True

    def put_file(self, key: str, path: Path, sha256: str, *, move: bool = False) -> None:
        super().put_file(key, path, sha256, move=move)
        if self.forgets and key.startswith("warc/"):
            (self.root / key).unlink()


class Careless(DirectoryStore):
    """A store that breaks a promise and tells when it is tried out."""

    def probe(self, key: str) -> list[StoreFault]:
        return [StoreFault("overwrites", f"it lets {key} be overwritten")]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(courier, "LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(courier, "LOOK_AGAIN_SECONDS", 0.05)


Opener = Callable[..., Archive]


@pytest.fixture
def opener(tmp_path: Path) -> Iterator[Opener]:
    opened: list[Archive] = []

    def open_archive(*stores: ObjectStore, **settings: object) -> Archive:
        place = Place(stores, tmp_path / "state")
        archive = Archive.open(place, ArchiveSettings(**settings), lambda: NOW)
        opened.append(archive)
        return archive

    yield open_archive
    for archive in opened:
        archive.close()


def fill(archive: Archive, *bodies: bytes) -> None:
    """A sealed segment with these pages; without any, only the source."""
    archive.enlist(SOURCE, name="The Lantern", home="http://l.example/", toml='id = "lantern"\n')
    for number, body in enumerate(bodies):
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        request = f"GET /{number} HTTP/1.1\r\nHost: l.example\r\n\r\n".encode()
        archive.keep(SOURCE, Exchange(f"http://l.example/{number}", request, NOW, NOW, response_head=head, body=body))
    if bodies:
        archive.settle(SOURCE, Settlement())
        archive.seal(SOURCE)


def contents(store: DirectoryStore) -> dict[str, bytes]:
    return {info.key: store.get(info.key) for info in store.list()}


def waiting_files(archive: Archive) -> dict[str, bytes]:
    """Everything of sealed segments and single objects that is still on this disk."""
    found = {}
    for path in [*archive.place.open_segments.rglob("*"), *archive.place.outbox.rglob("*")]:
        # A courier may be at work.
        with suppress(FileNotFoundError, IsADirectoryError):
            found[path.name] = path.read_bytes()
    found.pop("serial", None)
    return found


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "did not come about"
        time.sleep(0.01)


def test_every_store_gets_every_object_and_then_this_disk_forgets_it(opener: Opener, tmp_path: Path) -> None:
    first, second = DirectoryStore(tmp_path / "first"), DirectoryStore(tmp_path / "second")
    archive = opener(first, second)
    archive.courier.start()
    fill(archive, b"one", b"two")
    assert archive.courier.wait(10)
    assert contents(first) == contents(second)
    kinds = {key.partition("/")[0] for key in contents(first)}
    assert kinds == {"events", "index", "manifests", HEAD, "sources", "warc"}
    assert waiting_files(archive) == {}
    assert archive.backlogs() == []


def test_bytes_stay_here_unchanged_until_the_last_store_has_confirmed_them(opener: Opener, tmp_path: Path) -> None:
    first, second = DirectoryStore(tmp_path / "first"), Unreachable(tmp_path / "second")
    archive = opener(first, second)
    fill(archive, b"one", b"two")
    before = waiting_files(archive)
    archive.courier.start()
    until(lambda: [one.store for one in archive.backlogs()] == [second.place] and bool(archive.backlogs()[0].problem))
    assert archive.backlogs()[0].problem == "nobody answers"
    assert waiting_files(archive) == before
    second.away = False
    assert archive.courier.wait(10)
    assert contents(first) == contents(second)
    assert waiting_files(archive) == {}


def test_with_fewer_copies_required_the_rest_is_copied_from_a_store_that_has_it(opener: Opener, tmp_path: Path) -> None:
    first, second = DirectoryStore(tmp_path / "first"), Unreachable(tmp_path / "second")
    archive = opener(first, second, copies_required=1)
    archive.courier.start()
    fill(archive, b"one", b"two")
    until(lambda: waiting_files(archive) == {})
    assert [one.store for one in archive.backlogs()] == [second.place]
    # What has its copies is waited for by nobody.
    assert archive.courier.wait(5)
    assert archive.courier.look() == []
    second.away = False
    until(lambda: archive.backlogs() == [])
    assert contents(first) == contents(second)
    assert list((archive.state / "fetched").iterdir()) == []


def test_a_store_that_says_yes_and_keeps_nothing_confirms_nothing(opener: Opener, tmp_path: Path) -> None:
    forgetful = Forgetful(tmp_path / "second")
    archive = opener(DirectoryStore(tmp_path / "first"), forgetful)
    fill(archive, b"one")
    before = waiting_files(archive)
    archive.courier.start()
    until(lambda: any("is not in" in (one.problem or "") for one in archive.backlogs()))
    assert {name: data for name, data in before.items() if name != "1.toml"}.items() <= waiting_files(archive).items()
    forgetful.forgets = False
    assert archive.courier.wait(10)
    assert contents(forgetful) == contents(DirectoryStore(tmp_path / "first"))


def test_what_one_process_could_not_deliver_the_next_one_does(opener: Opener, tmp_path: Path) -> None:
    away = Unreachable(tmp_path / "store")
    DirectoryStore(tmp_path / "other")
    first = opener(away, DirectoryStore(tmp_path / "other"))
    fill(first, b"one")
    first.close()
    away.away = False
    second = opener(away, DirectoryStore(tmp_path / "other"))
    second.courier.start()
    assert second.courier.wait(10)
    assert contents(away) == contents(DirectoryStore(tmp_path / "other"))
    assert waiting_files(second) == {}


@pytest.mark.parametrize("stores", [1, 2])
def test_what_was_confirmed_and_not_forgotten_is_forgotten_by_the_next_process(
    opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stores: int
) -> None:
    places = [DirectoryStore(tmp_path / str(number)) for number in range(stores)]
    killed = opener(*places)

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    fill(killed)
    monkeypatch.setattr(killed.courier, "_forget", kill)
    with suppress(KeyboardInterrupt):
        fill(killed, b"one")
    for store in places[:-1] if stores > 1 else []:
        killed.courier._deliver_waiting(store)
    if stores > 1:
        with pytest.raises(KeyboardInterrupt):
            killed.courier._deliver_waiting(places[-1])
    assert waiting_files(killed)
    killed.close()
    again = opener(*places)
    again.recover(SOURCE)
    again.courier.start()
    assert again.courier.wait(10)
    assert waiting_files(again) == {}
    assert len([key for key in contents(places[0]) if key.startswith("warc/")]) == 1
    with again.catalogue.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM deliveries").scalar() == 0


def test_a_store_whose_disk_is_not_mounted_confirms_nothing(opener: Opener, tmp_path: Path) -> None:
    stores = DirectoryStore(tmp_path / "first"), DirectoryStore(tmp_path / "disk" / "copy")
    before = opener(*stores)
    before.courier.start()
    fill(before, b"one")
    assert before.courier.wait(10)
    before.close()
    (tmp_path / "disk" / "copy").rename(tmp_path / "unmounted")
    after = opener(*stores)
    after.courier.start()
    fill(after, b"two")
    until(lambda: any("is its disk mounted?" in (one.problem or "") for one in after.backlogs()))
    assert not (tmp_path / "disk" / "copy").exists()
    assert any(name.endswith(".warc.gz") for name in waiting_files(after))
    (tmp_path / "unmounted").rename(tmp_path / "disk" / "copy")
    assert after.courier.wait(10)
    assert contents(stores[0]) == contents(stores[1])


def test_a_parcel_that_nobody_has_holds_up_no_other_source(opener: Opener, tmp_path: Path) -> None:
    stores = DirectoryStore(tmp_path / "first"), DirectoryStore(tmp_path / "second")
    archive = opener(*stores)
    archive.enlist("gone", name="Gone", home="http://g.example/", toml="")
    with archive.catalogue.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE deliveries SET parcel = 'gone-20260312120000-00000-vm' WHERE source_id = 'gone'"
        )
    archive.courier.start()
    fill(archive, b"one")
    until(lambda: [one.parcels for one in archive.backlogs()] == [1, 1])
    until(lambda: all("neither on this disk" in str(one.problem) for one in archive.backlogs()))
    assert any(key.startswith("warc/") for key in contents(stores[1]))


def test_rows_of_what_the_stores_have_already_are_closed_from_there(opener: Opener, tmp_path: Path) -> None:
    stores = DirectoryStore(tmp_path / "first"), DirectoryStore(tmp_path / "second")
    archive = opener(*stores)
    archive.courier.start()
    fill(archive, b"one")
    assert archive.courier.wait(10)
    (stem,) = [key.rpartition("/")[2].removesuffix(".json") for key in contents(stores[0]) if key.startswith("manif")]
    with archive.catalogue.begin() as connection:
        Deliveries(connection).add(stem, SOURCE, 1, [store.place for store in stores], NOW)
    assert archive.courier.wait(10)
    assert archive.backlogs() == []


def test_a_catalogue_that_fails_for_a_moment_ends_no_courier(
    opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = opener(DirectoryStore(tmp_path / "first"), DirectoryStore(tmp_path / "second"))
    failures = iter([True] * 6)
    really = Deliveries.waiting

    def waiting(journal: Deliveries, store: str) -> list[Delivery]:
        if next(failures, False):
            raise OperationalError("SELECT", {}, Exception("database or disk is full"))
        return really(journal, store)

    monkeypatch.setattr(Deliveries, "waiting", waiting)
    archive.courier.start()
    fill(archive, b"one")
    assert archive.courier.wait(10)
    until(lambda: waiting_files(archive) == {})


def test_nothing_waits_for_a_store_that_is_configured_no_more(opener: Opener, tmp_path: Path) -> None:
    kept, gone = DirectoryStore(tmp_path / "kept"), Unreachable(tmp_path / "gone")
    before = opener(kept, gone)
    fill(before, b"one")
    before.close()
    after = opener(kept)
    after.recover(SOURCE)
    assert (after.courier.wait(5), after.backlogs(), waiting_files(after)) == (True, [], {})
    after.close()
    gone.away = False
    again = opener(kept, gone)
    again.courier.start()
    until(lambda: again.backlogs() == [])
    assert contents(kept) == contents(gone)
    assert [key for key in contents(kept) if key.startswith("warc/")]


def test_two_processes_deliver_side_by_side(opener: Opener, tmp_path: Path) -> None:
    stores = DirectoryStore(tmp_path / "first"), DirectoryStore(tmp_path / "second")
    one, other = opener(*stores), opener(*stores)
    for archive in (one, other):
        archive.courier.start()
    for number in range(5):
        fill(one, b"%d" % number)
    assert one.courier.wait(10)
    assert contents(stores[0]) == contents(stores[1])
    assert len([key for key in contents(stores[0]) if key.startswith("manifests/")]) == 5
    assert waiting_files(one) == {}


def test_a_segment_can_be_read_wherever_it_is(opener: Opener, tmp_path: Path) -> None:
    away = Unreachable(tmp_path / "first")
    archive = opener(away, DirectoryStore(tmp_path / "second"))
    archive.enlist(SOURCE, name="The Lantern", home="http://l.example/", toml="")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
    request = b"GET / HTTP/1.1\r\nHost: l.example\r\n\r\n"
    kept = archive.keep(SOURCE, Exchange("http://l.example/", request, NOW, NOW, response_head=head, body=b"one"))
    archive.seal(SOURCE)
    assert read_capture(archive.holdings, kept.key, kept.offset, kept.length).payload == b"one"
    archive.courier.start()
    away.away = False
    assert archive.courier.wait(10)
    assert read_capture(archive.holdings, kept.key, kept.offset, kept.length).payload == b"one"
    (tmp_path / "first" / kept.key).unlink()
    assert b"".join(archive.holdings.chunks(kept.key)) == (tmp_path / "second" / kept.key).read_bytes()


def test_a_store_of_another_archive_is_refused(opener: Opener, tmp_path: Path) -> None:
    other = DirectoryStore(tmp_path / "second")
    other.put_bytes(HEAD, b'{"format": 1, "name": "other"}')
    archive = opener(DirectoryStore(tmp_path / "first"), other)
    with pytest.raises(NotAnArchive, match="another archive's"):
        archive.courier.start()


def test_a_store_that_breaks_a_promise_is_refused_unless_that_is_accepted(opener: Opener, tmp_path: Path) -> None:
    careless = Careless(tmp_path / "second")
    archive = opener(DirectoryStore(tmp_path / "first"), careless)
    with pytest.raises(StoreUnsafe, match=r"overwritten.*accept_unsafe"):
        archive.courier.start()
    accepting = opener(DirectoryStore(tmp_path / "first"), careless, accept_unsafe=frozenset({careless.place}))
    accepting.courier.start()
    fill(accepting, b"one")
    assert accepting.courier.wait(10)


def test_a_catalogue_that_does_not_know_the_store_is_refused(opener: Opener, tmp_path: Path) -> None:
    archive = opener(DirectoryStore(tmp_path / "store"), DirectoryStore(tmp_path / "second"))
    archive.courier.start()
    fill(archive, b"one")
    assert archive.courier.wait(10)
    archive.close()
    for path in archive.state.glob("catalogue.sqlite*"):
        path.unlink()
    with pytest.raises(CatalogueBehind) as behind:
        opener(DirectoryStore(tmp_path / "store"))
    assert (behind.value.count, "newsark rebuild" in str(behind.value)) == (1, True)


def test_a_source_with_segments_of_another_catalogue_is_refused(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    mine = Archive.open(Place((store,), tmp_path / "mine"), ArchiveSettings(), lambda: NOW)
    mine.enlist(SOURCE, name="The Lantern", home="http://l.example/", toml='id = "lantern"\n')
    theirs = Archive.open(Place((store,), tmp_path / "theirs"), ArchiveSettings(), lambda: NOW)
    fill(theirs, b"one")
    with pytest.raises(CatalogueBehind) as behind:
        mine.recover(SOURCE)
    assert (behind.value.source, behind.value.count) == (SOURCE, 1)
    for archive in (mine, theirs):
        archive.close()
