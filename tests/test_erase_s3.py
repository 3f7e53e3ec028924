"""Erasing in buckets: every version goes, in every store; what is locked is left alone, and all else with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from newsark.home import utc_now
from reading.suppressing import meant_by
from storage.archive import Archive, ArchiveSettings, Settlement
from storage.directory import DirectoryStore
from storage.erasing.carrying import Order, begin, finish, journals, owned
from storage.erasing.erasureerrors import Locked
from storage.erasing.plan import Plan, plan_erasure
from storage.errors import SourceBusy
from storage.fixity.verifier import Scope, Verifier
from storage.place import Place
from storage.s3.store import S3Store
from storage.sources import Sources
from storage.stores import S3Place, StoreSettings
from tests.seaweed import Seaweed, shared_seaweed
from tests.storage.storage_samples import exchange

SOURCE = "gazette"
URL = "http://gazette.example/news/one"
SECRET = b"<p>a secret</p>!\n"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Seaweed:
    made = shared_seaweed()
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    made.bucket("erasing", object_lock=True)
    return made


@pytest.fixture
def locked() -> dict[str, object]:
    return {}


@pytest.fixture
def archive(server: Seaweed, locked: dict[str, object], tmp_path: Path) -> Iterator[Archive]:
    place = f"s3://erasing/{uuid4().hex}"
    bucket = S3Store(S3Place.parse(place), StoreSettings(place, **locked))
    opened = Archive.open(Place((bucket, DirectoryStore(tmp_path / "replica")), tmp_path), ArchiveSettings(), utc_now)
    opened.enlist(SOURCE, name="G", home="http://gazette.example/", toml='id = "gazette"\n')
    opened.courier.start()
    started = datetime(2026, 3, 12, tzinfo=UTC)
    for path, body in (("one", SECRET), ("two", b"<p>others stay</p>")):
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        kept = exchange(url=f"http://gazette.example/news/{path}", body=body, response_head=head, started=started)
        opened.keep(SOURCE, kept)
    opened.settle(SOURCE, Settlement())
    opened.seal(SOURCE)
    assert opened.courier.wait(60)
    yield opened
    opened.close()


def planned(archive: Archive) -> Plan:
    meant = meant_by(archive, URL, URL, "url")
    return plan_erasure(archive, URL, URL, meant.source_id, meant.scope, meant.target)


def erase(archive: Archive, *, bypass: bool = False) -> None:
    with owned(archive, [SOURCE]):
        finish(archive, begin(archive, planned(archive), Order("me", "why", bypass_governance=bypass)))


def versions(server: Seaweed, archive: Archive) -> dict[str, int]:
    """How many versions and markers each WARC has in the bucket."""
    prefix = archive.store.place.removeprefix("s3://erasing/") + "/warc/"
    page = server.client().list_object_versions(Bucket="erasing", Prefix=prefix)
    found: dict[str, int] = {}
    for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
        found[one["Key"]] = found.get(one["Key"], 0) + 1
    return found


def test_every_version_goes_in_every_store(server: Seaweed, archive: Archive, tmp_path: Path) -> None:
    (info,) = archive.store.list("warc/")
    whole = tmp_path / "whole"
    whole.write_bytes(archive.store.get(info.key))
    # an older version, and one that is hidden
    client, key = server.client(), f"{archive.store.place.removeprefix('s3://erasing/')}/{info.key}"
    client.put_object(Bucket="erasing", Key=key, Body=b"another")
    client.delete_object(Bucket="erasing", Key=key)
    client.put_object(Bucket="erasing", Key=key, Body=whole.read_bytes())
    assert sum(versions(server, archive).values()) == 4
    erase(archive)
    assert list(versions(server, archive).values()) == [1]
    report = Verifier(archive.stores, archive.catalogue, Scope(deep=True)).run()
    assert [(one.object, one.kind, one.store) for one in report.findings] == []
    assert report.ok
    for store in archive.stores:
        assert store.head(info.key).size_bytes == whole.stat().st_size
        assert store.get(info.key) != whole.read_bytes()


@pytest.mark.parametrize(
    "locked",
    [
        {"object_lock_mode": "GOVERNANCE", "object_lock_days": 3},
        {"object_lock_mode": "COMPLIANCE", "object_lock_days": 1},
    ],
)
def test_what_is_locked_is_left_alone_and_all_else_with_it(archive: Archive, locked: dict[str, object]) -> None:
    before = {store.place: {info.key: store.get(info.key) for info in store.list()} for store in archive.stores}
    with pytest.raises(Locked) as refused:
        erase(archive)
    assert refused.value.mode == locked["object_lock_mode"]
    assert refused.value.until is not None
    days = refused.value.until - datetime.now(UTC)
    assert timedelta(hours=23) < days < timedelta(days=4)
    assert f"{refused.value.until:%Y-%m-%d}" in str(refused.value)
    assert {store.place: {info.key: store.get(info.key) for info in store.list()} for store in archive.stores} == before
    assert journals(archive) == []
    if locked["object_lock_mode"] == "GOVERNANCE":
        erase(archive, bypass=True)
        assert Verifier(archive.stores, archive.catalogue, Scope(deep=True)).run().ok
    else:
        with pytest.raises(Locked):
            erase(archive, bypass=True)


def test_a_crawl_that_holds_the_source_is_not_disturbed(archive: Archive) -> None:
    with archive.catalogue.begin() as connection:
        Sources(connection).own(SOURCE, "elsewhere:1", archive.clock(), timedelta(hours=1))
    with pytest.raises(SourceBusy, match="elsewhere"):
        erase(archive)
