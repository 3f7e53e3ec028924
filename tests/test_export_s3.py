"""Exports into a bucket: the same bytes as in a directory, whole or not there, never over what is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars
import pyarrow.fs
import pyarrow.parquet
import pytest

from reading.exports.articles import Articles
from reading.exports.run import Export, export_directory
from reading.exports.selection import Selection
from reading.exports.target import BucketTarget
from storage.archive import Archive
from storage.errors import ObjectExists, StoreRefuses
from storage.place import Place
from storage.s3.store import S3Store
from storage.s3.streamed import StreamedObject
from storage.stores import S3Place, StoreSettings
from tests.cli import Ran
from tests.exportable import add, make_archive, record
from tests.in_process import Command, in_process
from tests.s3proxy import Fault, running_proxy
from tests.seaweed import Seaweed, shared_seaweed

BUCKET = "exports"
PART_BYTES = 5 * 1024 * 1024
LARGE = bytes(range(256)) * (2 * PART_BYTES // 256) + b"the last part"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Seaweed:
    server = shared_seaweed()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.bucket(BUCKET)
    return server


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    opened = make_archive(tmp_path_factory.mktemp("s3"))
    yield opened
    opened.close()


@pytest.fixture
def newsark(archive: Archive, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_process(archive.place.state.parent.parent, monkeypatch, capsys)


@pytest.fixture
def prefix(server: Seaweed) -> str:
    return uuid4().hex


def export(newsark: Command, output: str | Path, *options: str) -> Ran:
    return newsark("export", "-o", output, "--archive", "archive", *options)


def store_at(prefix: str, endpoint_url: str | None = None) -> S3Store:
    place = S3Place.parse(f"s3://{BUCKET}/{prefix}")
    return S3Store(place, StoreSettings(str(place), endpoint_url, time_limit_seconds=5))


def objects(server: Seaweed, prefix: str) -> dict[str, bytes]:
    client = server.client()
    listed: Any = client.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/")
    keys = [one["Key"] for one in listed.get("Contents", [])]
    found = {key: client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}
    return {key.removeprefix(f"{prefix}/"): data for key, data in found.items()}


def uploads(server: Seaweed, prefix: str) -> list[Any]:
    return server.client().list_multipart_uploads(Bucket=BUCKET, Prefix=prefix).get("Uploads", [])


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.csv", "out.parquet"])
def test_a_file_in_a_bucket_has_the_bytes_of_a_file(
    newsark: Command, server: Seaweed, prefix: str, tmp_path: Path, name: str
) -> None:
    assert export(newsark, tmp_path / name).code == 0
    ran = export(newsark, f"s3://{BUCKET}/{prefix}/{name}")
    assert (ran.code, ran.err) == (0, f"Wrote 12 records to s3://{BUCKET}/{prefix}/{name}\n")
    assert objects(server, prefix) == {name: (tmp_path / name).read_bytes()}


def test_parquet_is_read_where_it_lies(newsark: Command, server: Seaweed, prefix: str) -> None:
    assert export(newsark, f"s3://{BUCKET}/{prefix}/", "--format", "parquet", "--split", "source").code == 0
    system = pyarrow.fs.S3FileSystem(
        access_key=server.access_key,
        secret_key=server.secret_key,
        endpoint_override=server.endpoint_url.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
    )
    table = pyarrow.parquet.read_table(f"{BUCKET}/{prefix}/articles-gazette.parquet", filesystem=system)
    assert table["url"].to_pylist() == [f"https://p.example/{number}" for number in (9, 10, 11)]
    options = {
        "aws_access_key_id": server.access_key,
        "aws_secret_access_key": server.secret_key,
        "aws_endpoint_url": server.endpoint_url,
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }
    frame = polars.read_parquet(f"s3://{BUCKET}/{prefix}/articles-paper.parquet", storage_options=options)
    assert frame.height == 9


def test_a_delta_goes_on_from_a_bucket(newsark: Command, archive: Archive, server: Seaweed, prefix: str) -> None:
    first, second = f"s3://{BUCKET}/{prefix}/first/", f"s3://{BUCKET}/{prefix}/second/"
    assert export(newsark, first, "--source", "gazette").code == 0
    add(archive, "gazette", record(40))
    ran = export(newsark, second, "--delta-since", first)
    assert ran.err.startswith("Wrote 1 record, 0 gone, in 1 file, "), ran.err
    found = objects(server, prefix)
    assert [json.loads(line)["url"] for line in found["second/articles.jsonl"].splitlines()] == ["https://p.example/40"]
    package = json.loads(found["second/datapackage.json"])
    assert {one["path"]: one["bytes"] for one in package["resources"]} == {
        name: len(found[f"second/{name}"]) for name in ("articles.jsonl", "ids.txt.gz", "gone.csv")
    }
    ran = export(newsark, f"s3://{BUCKET}/{prefix}/third/", "--delta-since", f"s3://{BUCKET}/{prefix}/none/")
    assert (ran.code, "there is no datapackage.json" in ran.err) == (2, True)


def test_what_is_there_stays(newsark: Command, server: Seaweed, prefix: str) -> None:
    server.client().put_object(Bucket=BUCKET, Key=f"{prefix}/out.csv", Body=b"mine")
    for output, words in (
        (f"s3://{BUCKET}/{prefix}/out.csv", "is there already and stays as it is; name another"),
        (f"s3://{BUCKET}/{prefix}/", "is not empty, it has out.csv; an export gets a prefix of its own"),
        (f"s3://{BUCKET}", "is a bucket; name a file in it, or"),
    ):
        ran = export(newsark, output)
        assert (ran.code, words in ran.err) == (2, True), ran.err
    assert (objects(server, prefix), uploads(server, prefix)) == ({"out.csv": b"mine"}, [])


def test_nothing_goes_into_the_archive_itself(
    server: Seaweed, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_archive(Place((store_at(f"{prefix}/archive"),), tmp_path / "state")).close()
    monkeypatch.setenv("NEWSARK_STATE", str(tmp_path / "state"))
    newsark = in_process(tmp_path, monkeypatch, capsys)
    place, before = f"s3://{BUCKET}/{prefix}/archive", objects(server, prefix)
    for output in (f"{place}/out.csv", f"{place}/exports/"):
        ran = newsark("export", "-o", output, "--archive", place, "--endpoint-url", server.endpoint_url)
        assert (ran.code, f"{output} is inside the archive at {place}" in ran.err) == (2, True), ran.err
    assert objects(server, prefix) == before
    ran = newsark("export", "-o", f"{place}-exports/", "--archive", place, "--endpoint-url", server.endpoint_url)
    assert ran.code == 0, ran.err


def test_nothing_goes_into_the_directory_of_an_archive(newsark: Command, archive: Archive) -> None:
    for output in ("archive/out.csv", "archive/exports/"):
        ran = export(newsark, output)
        assert (ran.code, f"{output} is inside the archive" in ran.err) == (2, True), ran.err


def test_an_interrupted_export_leaves_no_object_and_no_upload(archive: Archive, server: Seaweed, prefix: str) -> None:
    calls, seen = [0], [0]

    def stop() -> None:
        calls[0] += 1
        if calls[0] == 12:
            seen[0] = len(uploads(server, prefix))
            raise KeyboardInterrupt

    wanted = Export(Articles(Selection()), "jsonl", "month")
    with pytest.raises(KeyboardInterrupt):
        export_directory(archive, "a", wanted, BucketTarget(store_at(prefix)), stop)
    assert seen[0] == 2
    assert (objects(server, prefix), uploads(server, prefix)) == ({}, [])


def test_another_object_of_that_name_stays_and_nothing_is_beside_it(
    archive: Archive, server: Seaweed, prefix: str
) -> None:
    def put() -> None:
        server.client().put_object(Bucket=BUCKET, Key=f"{prefix}/croissant.json", Body=b"mine")

    with pytest.raises(ObjectExists):
        export_directory(archive, "a", Export(Articles(Selection()), "csv"), BucketTarget(store_at(prefix)), put)
    assert (objects(server, prefix), uploads(server, prefix)) == ({"croissant.json": b"mine"}, [])


FAULTS = [
    (Fault.RESET_IN_BODY, "PUT", "partNumber=2"),
    (Fault.LOST_ANSWER, "PUT", "partNumber=2"),
    (Fault.DAMAGED_REQUEST, "PUT", "partNumber=2"),
    (Fault.LOST_ANSWER, "POST", "uploadId="),
    (Fault.ERROR_IN_200, "POST", "uploadId="),
    (Fault.STATUS_503, "POST", "uploads"),
]


@pytest.mark.parametrize(("fault", "method", "part"), FAULTS)
def test_a_bad_connection_costs_nothing(server: Seaweed, prefix: str, fault: Fault, method: str, part: str) -> None:
    with running_proxy(server) as proxy:
        proxy.script(fault, method, part)
        made = StreamedObject(store_at(prefix, proxy.endpoint_url).bucket, "k", {}, part_bytes=PART_BYTES)
        made.write(LARGE)
        made.end()
        made.complete()
        assert fault in [one.fault for one in proxy.passed]
    assert objects(server, prefix) == {"k": LARGE}


@pytest.mark.parametrize(
    ("fault", "method", "part"),
    [(Fault.STATUS_403, "PUT", "partNumber=2"), (Fault.LOST_PART, "PUT", "partNumber=1")],
)
def test_what_a_server_does_not_take_leaves_nothing(
    server: Seaweed, prefix: str, fault: Fault, method: str, part: str
) -> None:
    def write() -> None:
        with BucketTarget(store_at(prefix, proxy.endpoint_url)) as target:
            for name in ("first", "second"):
                with target.file(name) as to:
                    to.write(LARGE * 2 if name == "second" else b"small")

    with running_proxy(server) as proxy:
        proxy.script(fault, method, part)
        with pytest.raises(StoreRefuses):
            write()
    assert (objects(server, prefix), uploads(server, prefix)) == ({}, [])


def test_a_large_object_goes_in_parts_as_it_is_made(server: Seaweed, prefix: str) -> None:
    store = store_at(prefix)
    made = StreamedObject(store.bucket, "large", {}, part_bytes=PART_BYTES)
    for start in range(0, len(LARGE), 999_999):
        made.write(LARGE[start : start + 999_999])
    assert made.size_bytes == 2 * PART_BYTES
    assert objects(server, prefix) == {}
    made.end()
    made.complete()
    assert objects(server, prefix) == {"large": LARGE}
    # an answer that was lost makes a client ask again for what is done already
    made.complete()
    assert store.head("large").composite_sha256 is not None
    made.drop()
    assert objects(server, prefix) == {}
