"""What only a bucket does: parts that are resumed, versions, locks, refusals with their cure, and servers found out."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from storage.digests import file_digests, sha256_hex
from storage.errors import BadObjectKey, BadSetting, ObjectExists, ObjectMissing, StoreRefuses, StoreUnreachable
from storage.objects import ObjectInfo
from storage.s3 import probe as s3probe
from storage.s3.listing import list_objects
from storage.s3.store import S3Store
from storage.stores import S3Place, StoreSettings
from tests.s3proxy import Proxy, running_proxy
from tests.seaweed import Seaweed, free_ports, shared_seaweed

PART_BYTES = 5 * 1024 * 1024
LARGE = bytes(range(256)) * (PART_BYTES // 256) + b"the last part"
# The server refuses to lock into the past.
NOW = datetime.now(UTC).replace(microsecond=0)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Seaweed:
    server = shared_seaweed()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def proxy(server: Seaweed) -> Iterator[Proxy]:
    with running_proxy(server) as proxy:
        yield proxy


def bucket_store(bucket: str, prefix: str | None = None, **settings: Any) -> S3Store:
    place = S3Place.parse(f"s3://{bucket}/{prefix or uuid4().hex}")
    limit = settings.pop("time_limit_seconds", 5.0)
    chosen = StoreSettings(str(place), time_limit_seconds=limit, **settings)
    return S3Store(place, chosen, part_bytes=PART_BYTES, utc_clock=lambda: NOW)


# what the server says about an object


def test_a_large_object_has_the_composite_checksum_of_its_manifest(server: Seaweed, tmp_path: Path) -> None:
    store = bucket_store(server.bucket("objects"))
    path = tmp_path / "large"
    path.write_bytes(LARGE)
    digests = file_digests(path, PART_BYTES)
    store.put_file("large", path, digests.sha256)
    assert store.head("large") == ObjectInfo("large", len(LARGE), None, digests.composite_sha256)


def test_a_file_of_exactly_one_part_goes_in_one_piece(server: Seaweed, tmp_path: Path) -> None:
    store = bucket_store(server.bucket("objects"))
    data = LARGE[:PART_BYTES]
    store.put_bytes("k", data)
    assert store.head("k") == ObjectInfo("k", PART_BYTES, sha256_hex(data))


def test_an_object_that_others_put_without_a_checksum_is_read_to_tell(server: Seaweed) -> None:
    store = bucket_store(server.bucket("objects"))
    server.client().put_object(Bucket="objects", Key=store.bucket.key("k"), Body=b"data")
    assert store.head("k") == ObjectInfo("k", 4)
    store.put_bytes("k", b"data")
    with pytest.raises(ObjectExists):
        store.put_bytes("k", b"dat!")


def test_an_object_in_parts_of_another_size_is_the_same_object(server: Seaweed) -> None:
    store = bucket_store(server.bucket("objects"))
    store.put_bytes("large", LARGE)
    other = S3Store(S3Place.parse(store.place), StoreSettings(store.place), part_bytes=PART_BYTES + 1)
    other.put_bytes("large", LARGE)
    with pytest.raises(ObjectExists):
        other.put_bytes("large", LARGE[::-1])


def test_objects_are_kept_as_they_were_given(server: Seaweed) -> None:
    store = bucket_store(server.bucket("objects"), storage_class="STANDARD_IA", server_side_encryption="AES256")
    for key, data in (("small", b"data"), ("large", LARGE)):
        store.put_bytes(key, data)
        answer: Any = server.client().head_object(Bucket="objects", Key=store.bucket.key(key))
        assert answer["StorageClass"] == "STANDARD_IA"
        assert answer["ServerSideEncryption"] == "AES256"
        assert "ContentEncoding" not in answer
        assert store.get(key) == data


# uploads in parts


def begin(server: Seaweed, store: S3Store, key: str, *parts: bytes) -> str:
    """An upload that was cut short after these parts."""
    client: Any = server.client()
    target = {"Bucket": store.bucket.name, "Key": store.bucket.key(key)}
    upload: str = client.create_multipart_upload(**target, ChecksumAlgorithm="SHA256")["UploadId"]
    for number, data in enumerate(parts, 1):
        checksum = base64.b64encode(bytes.fromhex(sha256_hex(data))).decode()
        client.upload_part(**target, UploadId=upload, PartNumber=number, Body=data, ChecksumSHA256=checksum)
    return upload


def test_an_upload_goes_on_with_the_parts_that_agree(server: Seaweed, proxy: Proxy) -> None:
    store = bucket_store(server.bucket("uploads"), endpoint_url=proxy.endpoint_url)
    upload = begin(server, store, "large", LARGE[:PART_BYTES])
    store.put_bytes("large", LARGE)
    assert [upload in one.path for one in proxy.passed if one.method == "PUT"] == [True]
    assert "partNumber=2" in next(one.path for one in proxy.passed if one.method == "PUT")
    assert store.get("large") == LARGE


def test_an_upload_of_other_bytes_is_left_alone(server: Seaweed, proxy: Proxy) -> None:
    store = bucket_store(server.bucket("uploads"), endpoint_url=proxy.endpoint_url)
    others = [begin(server, store, "large", LARGE[:PART_BYTES][::-1]), begin(server, store, "large")]
    others.append(begin(server, store, "large.2", LARGE[:PART_BYTES]))
    store.put_bytes("large", LARGE)
    assert store.get("large") == LARGE
    assert not any(other in one.path for other in others for one in proxy.passed if one.method in ("PUT", "DELETE"))
    assert store.sweep(LATER) == 3


def test_a_sweep_takes_what_is_old_and_in_this_store(server: Seaweed) -> None:
    store, other = bucket_store(server.bucket("uploads")), bucket_store("uploads")
    store.put_bytes("done", LARGE)
    begin(server, store, "a/large", LARGE[:PART_BYTES])
    begin(server, store, "b é+")
    begin(server, other, "large")
    assert store.sweep(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert store.sweep(LATER) == 2
    assert store.sweep(LATER) == 0
    assert other.sweep(LATER) == 1
    assert store.get("done") == LARGE


def test_many_may_put_the_same_large_object_at_once(server: Seaweed) -> None:
    stores = [bucket_store(server.bucket("uploads"), prefix="same", time_limit_seconds=60.0) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda store: store.put_bytes("large", LARGE), stores))
    assert stores[0].get("large") == LARGE
    assert stores[0].sweep(LATER) == 0


# listings


def test_listings_are_in_byte_order_however_many_pages_they_have(server: Seaweed) -> None:
    store = bucket_store(server.bucket("objects"))
    keys = ["a", "a-b/c", "a/b", "a/b c", "a/b+c", "a/b/c", "a/b%2F", "a0", "é", "e\u0301", "𐍈", "\ue000", "q'\"&<>"]
    keys += [f"a/m/{number}" for number in range(7)]
    for key in keys:
        store.put_bytes(key, b"x")
    for hidden in (".x", "a/.x"):
        server.client().put_object(Bucket="objects", Key=store.bucket.prefix + hidden, Body=b"")
    expected = sorted(keys, key=str.encode)
    for page_keys in (1, 3, 1000):
        assert [info.key for info in list_objects(store.bucket, "", page_keys)] == expected
        below = [info.key for info in list_objects(store.bucket, "a/b", page_keys)]
        assert below == [key for key in expected if key.startswith("a/b")]


def test_deletions_are_what_somebody_deleted_and_nobody_put_again(server: Seaweed, tmp_path: Path) -> None:
    server.bucket("versions", versioned=True)
    store = bucket_store("versions")
    for key in ("a/1", "a-1", "a/2", "b", "c"):
        store.put_bytes(key, key.encode())
    for key in ("a/1", "a-1", "a/2", "b"):
        server.client().delete_object(Bucket="versions", Key=store.bucket.key(key))
    assert list(store.deletions()) == ["a-1", "a/1", "a/2", "b"]
    assert list(store.deletions("a/")) == ["a/1", "a/2"]
    with pytest.raises(ObjectMissing):
        store.get("b")
    path = tmp_path / "b"
    path.write_bytes(b"b")
    store.restore("b", path, sha256_hex(b"b"))
    store.put_bytes("a/2", b"a/2")
    assert store.get("b") == b"b"
    assert list(store.deletions()) == ["a-1", "a/1"]


def test_a_damaged_object_is_restored_and_its_old_version_kept(server: Seaweed, tmp_path: Path) -> None:
    server.bucket("versions", versioned=True)
    store, client = bucket_store("versions"), server.client()
    path = tmp_path / "local"
    for key, data in (("small", b"data"), ("large", LARGE)):
        store.put_bytes(key, data)
        client.put_object(Bucket="versions", Key=store.bucket.key(key), Body=b"damaged")
        path.write_bytes(data)
        store.restore(key, path, sha256_hex(data))
        store.restore(key, path, sha256_hex(data))
        assert store.get(key) == data
        versions = client.list_object_versions(Bucket="versions", Prefix=store.bucket.key(key))["Versions"]
        assert len(versions) == 3
        assert path.read_bytes() == data


# protection


def test_objects_are_locked_for_the_days_that_are_set(server: Seaweed) -> None:
    server.bucket("locked", object_lock=True)
    store = bucket_store("locked", object_lock_mode="GOVERNANCE", object_lock_days=30)
    client: Any = server.client()
    for key, data in (("small", b"data"), ("large", LARGE)):
        store.put_bytes(key, data)
        target = {"Bucket": "locked", "Key": store.bucket.key(key)}
        kept = client.get_object_retention(**target)["Retention"]
        assert kept == {"Mode": "GOVERNANCE", "RetainUntilDate": NOW + timedelta(days=30)}
        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            client.delete_object(**target, VersionId=client.head_object(**target)["VersionId"])
    assert store.probe("small") == ()


def test_a_bucket_without_object_lock_refuses_locked_objects(server: Seaweed) -> None:
    store = bucket_store(server.bucket("objects"), object_lock_mode="GOVERNANCE", object_lock_days=1)
    with pytest.raises(StoreRefuses, match="newsark doctor"):
        store.put_bytes("k", b"data")


# probing


@pytest.mark.parametrize(
    ("forgotten", "kinds"),
    [
        ((), []),
        (("if-none-match",), [s3probe.OVERWRITES]),
        (("x-amz-checksum-sha256", "x-amz-sdk-checksum"), [s3probe.TAKES_DAMAGE]),
        (("x-amz-checksum-mode",), [s3probe.NO_CHECKSUM]),
    ],
)
def test_a_server_that_breaks_promises_is_found_out(
    server: Seaweed, proxy: Proxy, forgotten: tuple[str, ...], kinds: list[str]
) -> None:
    store = bucket_store(server.bucket("probes"), endpoint_url=proxy.endpoint_url)
    store.put_bytes("newsark.json", b"{}")
    proxy.forget = forgotten
    faults = store.probe("newsark.json")
    assert [fault.kind for fault in faults] == kinds
    proxy.forget = ()
    assert [info.key for info in store.list()] == ["newsark.json"]
    assert store.get("newsark.json") == b"{}"
    assert store.sweep(LATER) == 0


def test_a_server_that_states_no_checksums_is_found_out_and_read_back(server: Seaweed, proxy: Proxy) -> None:
    proxy.forget = ("x-amz-checksum", "x-amz-sdk-checksum")
    store = bucket_store(server.bucket("probes"), endpoint_url=proxy.endpoint_url)
    store.put_bytes("newsark.json", b"{}")
    store.put_bytes("newsark.json", b"{}")
    assert [fault.kind for fault in store.probe("newsark.json")] == [s3probe.TAKES_DAMAGE, s3probe.NO_CHECKSUM]
    assert proxy.count("GET", "newsark.json") == 3
    with pytest.raises(ObjectExists):
        store.put_bytes("newsark.json", b"[]")


def test_a_server_that_ignores_object_lock_is_found_out(server: Seaweed, proxy: Proxy) -> None:
    server.bucket("locked", object_lock=True)
    proxy.forget = ("x-amz-object-lock",)
    store = bucket_store("locked", endpoint_url=proxy.endpoint_url, object_lock_mode="GOVERNANCE", object_lock_days=1)
    store.put_bytes("newsark.json", b"{}")
    assert [fault.kind for fault in store.probe("newsark.json")] == [s3probe.NO_LOCK]


def test_a_server_that_overwrites_is_looked_at_first_when_that_is_accepted(server: Seaweed, proxy: Proxy) -> None:
    proxy.forget = ("if-none-match",)
    store = bucket_store(server.bucket("probes"), endpoint_url=proxy.endpoint_url, accept_unsafe=True)
    store.put_bytes("k", b"data")
    with pytest.raises(ObjectExists):
        store.put_bytes("k", b"other")
    assert store.get("k") == b"data"


def test_a_probe_needs_its_object(server: Seaweed) -> None:
    with pytest.raises(ObjectMissing):
        bucket_store(server.bucket("probes")).probe("newsark.json")


# refusals


def test_a_bucket_that_is_missing_is_named(server: Seaweed) -> None:
    store = bucket_store("nowhere-at-all")
    for use in (
        lambda: store.put_bytes("k", b"x"),
        lambda: store.get("k"),
        lambda: store.head("k"),
        lambda: list(store.list()),
        lambda: store.put_bytes("large", LARGE),
    ):
        with pytest.raises(StoreRefuses, match="make the bucket, or correct the archive's place") as refused:
            use()
        assert refused.value.code == "NoSuchBucket"


def test_wrong_credentials_are_named_and_never_shown(server: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-of-mine")
    store = bucket_store(server.bucket("objects"))
    for use in (lambda: store.put_bytes("k", b"x"), lambda: store.head("k"), lambda: list(store.list())):
        with pytest.raises(StoreRefuses, match=r"credentials") as refused:
            use()
        shown = f"{refused.value} {refused.value!r} {store!r} {store.__dict__}"
        assert "wrong-secret-of-mine" not in shown
        assert server.access_key not in shown


def test_missing_credentials_are_named(server: Seaweed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(StoreRefuses, match="AWS_PROFILE"):
        bucket_store(server.bucket("objects")).put_bytes("k", b"x")


def test_a_server_that_is_not_there_is_unreachable_after_the_limit(server: Seaweed) -> None:
    port = free_ports()["s3.port"]
    store = bucket_store("objects", endpoint_url=f"http://127.0.0.1:{port}", time_limit_seconds=1.0)
    start = time.monotonic()
    with pytest.raises(StoreUnreachable, match=r"check the network and the server"):
        store.put_bytes("k", b"x")
    assert 0.5 < time.monotonic() - start < 20


def test_a_key_too_long_with_its_prefix_is_refused(server: Seaweed) -> None:
    store = bucket_store(server.bucket("objects"), prefix="/".join(["p" * 200] * 4))
    with pytest.raises(BadObjectKey) as refused:
        store.put_bytes("k" * 250, b"x")
    assert refused.value.key == "k" * 250


def test_an_unknown_profile_is_a_bad_setting(server: Seaweed) -> None:
    with pytest.raises(BadSetting, match="nobody"):
        bucket_store("objects", profile="nobody").head("k")
