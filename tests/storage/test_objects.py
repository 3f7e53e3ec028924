"""The contract of object stores, run on every store there is. Add a store: add its factory."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from storage import directory
from storage.digests import file_sha256, sha256_hex
from storage.directory import DirectoryStore
from storage.errors import BadObjectKey, DigestMismatch, ObjectExists, ObjectMissing
from storage.objects import ObjectInfo, ObjectStore
from storage.s3.store import S3Store
from storage.stores import S3Place, StoreSettings
from tests.seaweed import shared_seaweed

StoreFactory = Callable[[Path, pytest.MonkeyPatch], ObjectStore]
PART_BYTES = 5 * 1024 * 1024
"""The smallest part that S3 takes."""


def bucket_store(_: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    server = shared_seaweed()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    place = S3Place.parse(f"s3://{server.bucket('contract')}/{uuid4().hex}/deep")
    return S3Store(place, StoreSettings(str(place)), part_bytes=PART_BYTES)


FACTORIES: dict[str, StoreFactory] = {
    "directory": lambda path, _: DirectoryStore(path / "store"),
    "s3": bucket_store,
}


@pytest.fixture(params=list(FACTORIES.values()), ids=list(FACTORIES))
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    factory: StoreFactory = request.param
    return factory(tmp_path, monkeypatch)


def local_file(tmp_path: Path, data: bytes) -> tuple[Path, str]:
    path = tmp_path / "local"
    path.write_bytes(data)
    return path, sha256_hex(data)


def test_bytes_come_back(store: ObjectStore) -> None:
    store.put_bytes("a/b/c.bin", b"\0bytes\xff")
    assert store.get("a/b/c.bin") == b"\0bytes\xff"
    assert b"".join(store.chunks("a/b/c.bin")) == b"\0bytes\xff"
    assert store.head("a/b/c.bin") == ObjectInfo("a/b/c.bin", 7, sha256_hex(b"\0bytes\xff"))


def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    store.put_bytes("empty", b"")
    assert store.get("empty") == b""
    assert store.head("empty").size_bytes == 0


@pytest.mark.parametrize("move", [False, True])
def test_a_file_is_stored_and_gone_only_when_it_was_moved(store: ObjectStore, tmp_path: Path, move: bool) -> None:
    path, sha256 = local_file(tmp_path, b"data" * 1000)
    store.put_file("a/file", path, sha256, move=move)
    assert store.get("a/file") == b"data" * 1000
    assert path.exists() != move


@pytest.mark.parametrize("move", [False, True])
def test_a_file_of_another_digest_is_refused_and_kept(store: ObjectStore, tmp_path: Path, move: bool) -> None:
    path, _ = local_file(tmp_path, b"data")
    with pytest.raises(DigestMismatch):
        store.put_file("a/file", path, sha256_hex(b"other"), move=move)
    assert path.read_bytes() == b"data"
    assert list(store.list()) == []


def test_a_put_may_be_repeated(store: ObjectStore, tmp_path: Path) -> None:
    path, sha256 = local_file(tmp_path, b"data")
    store.put_bytes("k", b"data")
    store.put_bytes("k", b"data")
    store.put_file("k", path, sha256)
    store.put_file("k", path, sha256, move=True)
    assert not path.exists()
    store.put_file("k", path, sha256, move=True)
    assert store.get("k") == b"data"


@pytest.mark.parametrize("move", [False, True])
def test_other_bytes_never_replace_an_object(store: ObjectStore, tmp_path: Path, move: bool) -> None:
    store.put_bytes("k", b"first")
    path, sha256 = local_file(tmp_path, b"other")
    with pytest.raises(ObjectExists):
        store.put_bytes("k", b"other")
    with pytest.raises(ObjectExists):
        store.put_file("k", path, sha256, move=move)
    assert store.get("k") == b"first"
    assert path.read_bytes() == b"other"


def test_of_many_who_put_at_once_one_wins_and_the_rest_are_told(store: ObjectStore) -> None:
    def put(key: str, number: int) -> int | None:
        try:
            store.put_bytes(key, b"%d" % number * 5000)
        except ObjectExists:
            return None
        return number

    for key in ("a", "b", "c", "d", "e"):
        with ThreadPoolExecutor(8) as pool:
            winners = [number for number in pool.map(put, [key] * 8, range(8)) if number is not None]
        assert len(winners) == 1
        assert store.get(key) == b"%d" % winners[0] * 5000


def test_ranges_end_where_the_object_ends(store: ObjectStore) -> None:
    store.put_bytes("k", b"0123456789")
    assert store.get_range("k", 2, 3) == b"234"
    assert store.get_range("k", 8, 5) == b"89"
    assert store.get_range("k", 10, 5) == b""
    assert store.get_range("k", 50, 5) == b""


def test_what_is_not_there_is_missing(store: ObjectStore, tmp_path: Path) -> None:
    store.put_bytes("a/b", b"x")
    for key in ("none", "a", "a/b/c", "a/bb"):
        for read in (store.get, store.chunks, store.head, lambda key: store.get_range(key, 0, 1)):
            with pytest.raises(ObjectMissing) as missing:
                read(key)
            assert missing.value.key == key
    with pytest.raises(ObjectMissing):
        store.put_file("none", tmp_path / "nowhere", sha256_hex(b""), move=True)


def test_a_listing_is_in_byte_order_and_takes_any_prefix(store: ObjectStore) -> None:
    keys = ["a", "a-b", "a/b", "a/b.c", "a/b/c", "a0", "b/é", "b/z"]
    for key in keys:
        if key not in ("a", "a/b"):
            store.put_bytes(key, key.encode())
    expected = sorted((key for key in keys if key not in ("a", "a/b")), key=str.encode)
    assert [info.key for info in store.list()] == expected
    for prefix in ("a", "a/", "a/b", "a/b/", "b/", "c", "a/b/c/d"):
        assert [info.key for info in store.list(prefix)] == [key for key in expected if key.startswith(prefix)]
    assert [info.size_bytes for info in store.list("b/")] == [3, 4]


@pytest.mark.parametrize("move", [False, True])
def test_a_file_of_several_parts_is_stored_whole(store: ObjectStore, tmp_path: Path, move: bool) -> None:
    data = bytes(range(251)) * (PART_BYTES // 251) + b"more than one part" * 20
    path, sha256 = local_file(tmp_path, data)
    store.put_file("a/large", path, sha256, move=move)
    assert b"".join(store.chunks("a/large")) == store.get("a/large") == data
    assert store.get_range("a/large", PART_BYTES - 5, 10) == data[PART_BYTES - 5 : PART_BYTES + 5]
    assert path.exists() != move
    path.write_bytes(data)
    store.put_file("a/large", path, sha256, move=True)
    store.put_file("a/large", path, sha256, move=True)
    path.write_bytes(data[:-1] + b"?")
    with pytest.raises(ObjectExists):
        store.put_file("a/large", path, file_sha256(path), move=True)
    assert path.exists()
    assert store.get("a/large") == data


def test_a_missing_object_is_restored_and_a_whole_one_left_alone(store: ObjectStore, tmp_path: Path) -> None:
    path, sha256 = local_file(tmp_path, b"data")
    for _ in range(2):
        store.restore("a/k", path, sha256)
        assert store.get("a/k") == path.read_bytes() == b"data"
    with pytest.raises(ObjectExists):
        store.put_bytes("a/k", b"other")
    with pytest.raises(DigestMismatch):
        store.restore("a/other", path, sha256_hex(b"other"))
    assert [info.key for info in store.list()] == ["a/k"]


def test_other_bytes_are_replaced_by_restoring(store: ObjectStore, tmp_path: Path) -> None:
    store.put_bytes("k", b"damaged")
    path, sha256 = local_file(tmp_path, b"data")
    store.restore("k", path, sha256)
    assert store.get("k") == b"data"
    assert store.head("k") == ObjectInfo("k", 4, sha256)
    store.put_bytes("k", b"data")


def test_an_object_is_replaced_for_good_and_again(store: ObjectStore, tmp_path: Path) -> None:
    for key, count in (("a", 100), ("b", PART_BYTES // 4)):
        store.put_bytes(key, b"secret" * count)
        path, sha256 = local_file(tmp_path, b"empty!" * count)
        for _ in range(2):
            store.replace(key, path, sha256)
            assert store.get(key) == b"empty!" * count
        assert list(store.locks(key)) == []
        with pytest.raises(DigestMismatch):
            store.replace(key, path, sha256_hex(b"another"))
    assert [info.key for info in store.list()] == ["a", "b"]


def test_a_directory_keeps_no_damaged_copy_of_what_was_replaced(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.put_bytes("a/object", b"secret")
    store.restore("a/object", *local_file(tmp_path, b"restored"))
    assert [path.read_bytes() for path in (tmp_path / "store").glob(".damaged/a/*")] == [b"secret"]
    store.replace("a/object", *local_file(tmp_path, b"empty!"))
    assert [path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()] == [b"empty!"]


def test_a_sweep_touches_no_object(store: ObjectStore) -> None:
    store.put_bytes("k", b"data")
    assert store.sweep(datetime.now(UTC) + timedelta(days=1)) == 0
    assert store.get("k") == b"data"


def test_nothing_is_deleted_where_nobody_deleted(store: ObjectStore) -> None:
    store.put_bytes("k", b"data")
    assert list(store.deletions()) == list(store.deletions("a/")) == []


def test_a_probe_finds_no_fault_and_leaves_nothing(store: ObjectStore) -> None:
    store.put_bytes("newsark.json", b"{}")
    before = store.head("newsark.json")
    assert list(store.probe("newsark.json")) == []
    assert [info.key for info in store.list()] == ["newsark.json"]
    assert store.head("newsark.json") == before
    assert store.sweep(datetime.now(UTC) + timedelta(days=1)) == 0


def test_threads_may_share_a_store(store: ObjectStore) -> None:
    def use(number: int) -> bool:
        data = b"%d" % number * 2000
        store.put_bytes(f"t/{number}", data)
        whole = store.get(f"t/{number}") == data and b"".join(store.chunks(f"t/{number}")) == data
        return whole and store.head(f"t/{number}").sha256 == sha256_hex(data)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(40)))
    assert len(list(store.list("t/"))) == 40


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "../a",
        "a/../b",
        ".hidden",
        "a/.b",
        "a\\b",
        "a\nb",
        "a\0",
        "a/" + "b" * 256,
        "x/" * 600 + "y",
    ],
)
def test_a_key_that_leads_elsewhere_is_refused_everywhere(store: ObjectStore, tmp_path: Path, key: str) -> None:
    path, sha256 = local_file(tmp_path, b"x")
    for use in (
        lambda: store.put_bytes(key, b"x"),
        lambda: store.put_file(key, path, sha256, move=True),
        lambda: store.get(key),
        lambda: store.get_range(key, 0, 1),
        lambda: store.chunks(key),
        lambda: store.head(key),
        lambda: store.restore(key, path, sha256),
    ):
        with pytest.raises(BadObjectKey):
            use()
    assert path.exists()


def test_a_directory_moves_a_file_without_copying_it(tmp_path: Path) -> None:
    path, sha256 = local_file(tmp_path, b"data")
    inode = path.stat().st_ino
    store = DirectoryStore(tmp_path / "store")
    store.put_file("a/b", path, sha256, move=True)
    stored = tmp_path / "store" / "a" / "b"
    assert stored.stat().st_ino == inode
    assert stored.stat().st_nlink == 1
    assert stored.stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("refused", [1, 2])
def test_a_directory_without_hard_links_copies_and_still_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    real, calls = os.link, 0

    def link(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls <= refused:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(source, target)

    store = DirectoryStore(tmp_path / "store")
    path, sha256 = local_file(tmp_path, b"data")
    monkeypatch.setattr(os, "link", link)
    store.put_file("a/b", path, sha256, move=True)
    assert store.get("a/b") == b"data"
    assert not path.exists()
    assert list((tmp_path / "store" / ".incoming").iterdir()) == []
    with pytest.raises(ObjectExists):
        store.put_bytes("a/b", b"other")


def test_a_directory_without_hard_links_does_not_replace_what_came_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(_: Path, target: Path) -> None:
        target.write_bytes(b"meanwhile")
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    store = DirectoryStore(tmp_path / "store")
    monkeypatch.setattr(os, "link", link)
    with pytest.raises(ObjectExists):
        store.put_bytes("a/b", b"data")
    assert store.get("a/b") == b"meanwhile"


def test_a_put_that_fails_leaves_nothing_under_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DirectoryStore(tmp_path / "store")

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(directory, "flush_to_medium", refuse)
    with pytest.raises(OSError, match="No space"):
        store.put_bytes("a/b", b"data")
    monkeypatch.undo()
    assert list(store.list()) == []
    assert list((tmp_path / "store" / ".incoming").iterdir()) == []
    store.put_bytes("a/b", b"data")


def test_a_changed_object_has_another_digest(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.put_bytes("k", b"data")
    (tmp_path / "store" / "k").chmod(0o644)
    (tmp_path / "store" / "k").write_bytes(b"dat!")
    assert store.head("k").sha256 == sha256_hex(b"dat!")
    with pytest.raises(ObjectExists):
        store.put_bytes("k", b"data")


def test_what_is_hidden_is_no_object(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.put_bytes("k", b"data")
    (tmp_path / "store" / ".newsark").mkdir()
    (tmp_path / "store" / ".newsark" / "catalogue.sqlite").write_bytes(b"")
    assert [info.key for info in store.list()] == ["k"]
    assert list(DirectoryStore(tmp_path / "nowhere").list()) == []
