"""Verification and repair of a bucket: what the server vouches for, what it hides, what it lost."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from fixity_samples import Sample, kinds, make_sample

from storage.digests import PART_BYTES, file_digests
from storage.fixity.objectcheck import vouched
from storage.fixity.repair import repair, settled
from storage.fixity.verifier import Scope, Verifier
from storage.manifest import ManifestObject
from storage.s3.store import S3Store
from storage.stores import S3Place, StoreSettings
from tests.seaweed import Seaweed, shared_seaweed


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Seaweed:
    server = shared_seaweed()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def bucket(server: Seaweed, tmp_path: Path) -> tuple[Sample, S3Store, str]:
    """A sample whose second store is a bucket with versions, filled by repair."""
    name = server.bucket("verify", versioned=True)
    place = S3Place.parse(f"s3://{name}/{uuid4().hex}")
    settings = StoreSettings(str(place), endpoint_url=server.endpoint_url, region="us-east-1")
    store = S3Store(place, settings)
    sample = make_sample(tmp_path, stores=1)
    sample.stores.append(store)
    assert mended(sample, tmp_path) == []
    return sample, store, name


def mended(sample: Sample, tmp_path: Path, *, deep: bool = False) -> list[object]:
    """What is still wrong after a repair."""
    report = sample.verify(deep=deep)
    done = repair(report, sample.stores, tmp_path / "scratch")
    again = sample.verify(deep=deep, keys=frozenset(one.key for one in done))
    return [one for one in settled(report, again, done) if one.is_open]


def held(store: S3Store) -> dict[str, bytes]:
    return {info.key: store.get(info.key) for info in store.list()}


def test_a_bucket_is_filled_verified_and_mended_like_a_directory(
    server: Seaweed, bucket: tuple[Sample, S3Store, str], tmp_path: Path
) -> None:
    sample, store, name = bucket
    client = server.client()
    assert held(store) == sample.objects
    assert sample.verify().findings == []
    assert sample.verify(deep=True).findings == []
    hidden, changed, gone = sample.keys("warc")[0], sample.keys("records")[1], sample.keys("index")[2]
    client.delete_object(Bucket=name, Key=store.bucket.key(hidden))
    client.put_object(Bucket=name, Key=store.bucket.key(changed), Body=b"x" * len(sample.objects[changed]))
    for version in client.list_object_versions(Bucket=name, Prefix=store.bucket.key(gone))["Versions"]:
        client.delete_object(Bucket=name, Key=store.bucket.key(gone), VersionId=version["VersionId"])
    found = kinds(sample.verify(), store=store.place)
    assert found == {(hidden, "deleted"), (changed, "wrong-digest"), (gone, "copies-missing")}
    assert mended(sample, tmp_path) == []
    assert held(store) == sample.objects


def test_a_directory_is_mended_from_a_bucket(bucket: tuple[Sample, S3Store, str], tmp_path: Path) -> None:
    sample, _, _ = bucket
    for key in sample.objects:
        sample.path(key).unlink()
    assert mended(sample, tmp_path, deep=True) == []
    assert sample.held(0) == sample.objects


def test_an_object_in_parts_is_vouched_for_by_its_composite_checksum(
    bucket: tuple[Sample, S3Store, str], tmp_path: Path
) -> None:
    _, store, _ = bucket
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.seek(PART_BYTES)
        file.write(b"and more")
    digests = file_digests(path)
    store.put_file("imports/large", path, digests.sha256)
    counted: list[int] = []
    listed = ManifestObject("imports/large", digests.size_bytes, digests.sha256, PART_BYTES, digests.composite_sha256)
    assert list(vouched(store, listed, counted.append)) == []
    other = ManifestObject("imports/large", digests.size_bytes, "0" * 64, PART_BYTES, "AAAA-2")
    assert [one.kind for one in vouched(store, other, counted.append)] == ["wrong-digest"]


def test_a_bucket_that_cannot_be_reached_is_said_and_the_directory_verified(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, stores=1)
    place = S3Place.parse("s3://nowhere")
    settings = StoreSettings(str(place), endpoint_url="http://127.0.0.1:9", time_limit_seconds=0.2)
    stores = [*sample.stores, S3Store(place, settings)]
    report = Verifier(stores, sample.catalogue, Scope()).run()
    assert kinds(report) == {(str(place), "unreachable-store")}
    assert report.objects == len(sample.objects)
