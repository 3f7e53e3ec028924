"""Several stores read as one: what any of them has is there, and rebuild sees all of it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from storage.archive import Archive, ArchiveSettings, Settlement
from storage.catalogue import Catalogue
from storage.directory import DirectoryStore
from storage.errors import ObjectMissing, StorageError
from storage.exchange import Exchange
from storage.objects import ObjectInfo
from storage.place import Place
from storage.rebuilding.rebuild import rebuild
from storage.stores import StoreSettings, open_stores
from storage.union import UnionStore

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


class Away(DirectoryStore):
    """A store that answers nothing."""

    def get(self, key: str) -> bytes:
        raise StorageError("nobody answers")

    def list(self, prefix: str = "") -> object:
        raise StorageError("nobody answers")


@pytest.fixture
def stores(tmp_path: Path) -> tuple[DirectoryStore, DirectoryStore]:
    first, second = DirectoryStore(tmp_path / "first"), DirectoryStore(tmp_path / "second")
    for store, keys in ((first, ("a/1", "b")), (second, ("a-0", "a/1", "a/2"))):
        for key in keys:
            store.put_bytes(key, key.encode())
    return first, second


def test_what_any_store_has_is_there_once_and_in_byte_order(stores: tuple[DirectoryStore, DirectoryStore]) -> None:
    union = UnionStore(stores)
    assert [info.key for info in union.list()] == ["a-0", "a/1", "a/2", "b"]
    assert [info.key for info in union.list("a/")] == ["a/1", "a/2"]
    assert [union.get(key) for key in ("a-0", "b")] == [b"a-0", b"b"]
    assert (union.get_range("a/2", 1, 5), b"".join(union.chunks("b"))) == (b"/2", b"b")
    assert union.head("a/2").size_bytes == 3
    with pytest.raises(ObjectMissing):
        union.get("c")


def test_a_store_that_does_not_answer_is_passed_over_for_reading_and_told_for_listing(
    stores: tuple[DirectoryStore, DirectoryStore], tmp_path: Path
) -> None:
    union = UnionStore([Away(tmp_path / "away"), *stores])
    assert union.get("b") == b"b"
    with pytest.raises(StorageError, match="nobody answers"):
        union.get("c")
    with pytest.raises(StorageError, match="nobody answers"):
        list[ObjectInfo](union.list())


def test_several_stores_are_not_written_to_as_one(stores: tuple[DirectoryStore, DirectoryStore]) -> None:
    with pytest.raises(TypeError, match="for reading"):
        UnionStore(stores).put_bytes("k", b"")


def test_rebuild_sees_a_segment_that_only_the_replica_has(tmp_path: Path) -> None:
    first, second = DirectoryStore(tmp_path / "first"), DirectoryStore(tmp_path / "second")
    archive = Archive.open(Place((first, second), tmp_path / "state"), ArchiveSettings(), lambda: NOW)
    archive.courier.start()
    archive.enlist("lantern", name="The Lantern", home="http://l.example/", toml="")
    for number in range(2):
        head, request = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: l.example\r\n\r\n"
        url = f"http://l.example/{number}"
        archive.keep("lantern", Exchange(url, request, NOW, NOW, response_head=head, body=b"%d" % number))
        archive.settle("lantern", Settlement())
        archive.seal("lantern")
    assert archive.courier.wait(10)
    archive.close()
    for info in list(first.list()):
        if "-00001-" in info.key:
            (tmp_path / "first" / info.key).unlink()
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'new.sqlite'}", lambda: NOW)
    places = [StoreSettings(str(tmp_path / name)) for name in ("first", "second")]
    report = rebuild(partial(open_stores, places), catalogue, tmp_path / "scratch")
    catalogue.close()
    assert (report.ok, report.rows["segments"], report.rows["captures"]) == (True, 2, 2)
