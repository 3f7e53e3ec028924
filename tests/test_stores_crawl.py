"""A crawl into buckets: what a user types, what arrives, and what happens while a store is away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.archive import HEAD
from storage.directory import DirectoryStore
from storage.manifest import Manifest
from storage.readback import read_capture
from storage.s3.store import S3Store
from storage.stores import StoreSettings, open_store
from tests.cli import NEWSARK, Ran, newsark
from tests.in_process import asked
from tests.newsroom import Site, running_newsroom
from tests.seaweed import Seaweed, running_seaweed, shared_seaweed

BUCKET = "newsroom"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_newsroom() as running:
        yield running


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seaweed:
    """The shared server with a bucket of the test's own; credentials by boto3's own chain."""
    running = shared_seaweed()
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    return running


def crawl(place: str, site: Site, cwd: Path, *options: str, environment: dict[str, str] | None = None) -> Ran:
    fixed = ["--allow-host", site.url.removeprefix("http://"), "--delay", "0", "--contact", "test@localhost", "--json"]
    where = {"NEWSARK_STATE": str(cwd / "state"), **(environment or {})}
    return newsark("crawl", f"{site.url}/", "--archive", place, *fixed, *options, cwd=cwd, environment=where)


def bucket_store(place: str) -> S3Store:
    store = open_store(StoreSettings(place))
    assert isinstance(store, S3Store)
    return store


def waiting(cwd: Path) -> dict[str, bytes]:
    """What of sealed segments and single objects is still on this disk."""
    paths = [path for part in ("open", "outbox") for path in (cwd / "state" / part).rglob("*")]
    return {path.name: path.read_bytes() for path in paths if path.is_file() and path.name != "serial"}


def test_a_bucket_holds_what_a_directory_would(server: Seaweed, site: Site, tmp_path: Path) -> None:
    place = f"s3://{server.make_bucket('plain')}/paper"
    ran = crawl(place, site, tmp_path, "--limit", "5")
    assert ran.code == 0, ran.err
    assert (ran.json["waiting"], waiting(tmp_path)) == ([], {})
    store = bucket_store(place)
    keys = [info.key for info in store.list()]
    assert {key.partition("/")[0] for key in keys} == {
        "events",
        "index",
        "manifests",
        HEAD,
        "records",
        "sources",
        "warc",
    }
    (key,) = [key for key in keys if key.startswith("manifests/")]
    for one in Manifest.from_bytes(store.get(key)).objects:
        head = store.head(one.key)
        assert (head.size_bytes, head.sha256) == (one.size_bytes, one.sha256)
    where = {"NEWSARK_STATE": str(tmp_path / "state")}
    records = asked("export", "--archive", place, "-o", "-", cwd=tmp_path, environment=where).lines
    assert len(records) >= 5
    for record in records:
        at = record["archive"]
        assert read_capture(store, at["filename"], at["offset"], at["length"]).payload


def test_credentials_are_in_no_file_and_no_message(server: Seaweed, site: Site, tmp_path: Path) -> None:
    place = f"s3://{server.make_bucket('secrets')}/paper"
    good = crawl(place, site, tmp_path, "--limit", "1")
    wrong_key = {"AWS_SECRET_ACCESS_KEY": "not-the-secret-at-all", "NEWSARK_STATE": str(tmp_path / "other")}
    wrong = crawl(f"{place}-2", site, tmp_path, environment=wrong_key)
    assert (good.code, wrong.code) == (0, 3)
    said = good.out + good.err + wrong.out + wrong.err
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (server.secret_key, "not-the-secret-at-all"):
        assert secret not in said
        assert secret.encode() not in kept
    assert "credentials" in wrong.err


def test_the_state_of_another_archive_is_refused(server: Seaweed, site: Site, tmp_path: Path) -> None:
    place = f"s3://{server.make_bucket('state')}"
    assert crawl(f"{place}/one", site, tmp_path, "--limit", "1").code == 0
    other = crawl(f"{place}/two", site, tmp_path, "--limit", "1")
    assert (other.code, f"belongs to {place}/one" in other.err) == (2, True)
    assert [info.key for info in bucket_store(f"{place}/two").list()] == []


def test_a_missing_bucket_is_told_with_its_cure_and_nothing_is_fetched(
    server: Seaweed, site: Site, tmp_path: Path
) -> None:
    before = len(site.requests)
    ran = crawl("s3://there-is-none/paper", site, tmp_path)
    assert ran.code == 3
    assert "there-is-none" in ran.err
    assert "Traceback" not in ran.err
    assert len(site.requests) == before


def test_a_replica_gets_the_same_bytes(server: Seaweed, site: Site, tmp_path: Path) -> None:
    place = f"s3://{server.make_bucket('main')}"
    settings = f'archive = "{place}"\nreplicas = ["copy"]\n'
    (tmp_path / "newsark.toml").write_text(settings)
    host = site.url.removeprefix("http://")
    ran = newsark("crawl", f"{site.url}/", "--allow-host", host, "--delay", "0", "--limit", "3", "--json", cwd=tmp_path,
                  environment={"NEWSARK_STATE": str(tmp_path / "state")})  # fmt: skip
    assert ran.code == 0, ran.err
    bucket, copy = bucket_store(place), DirectoryStore(tmp_path / "copy")
    assert {info.key: bucket.get(info.key) for info in bucket.list()} == {
        info.key: copy.get(info.key) for info in copy.list()
    }


def test_a_day_without_the_store_loses_nothing(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_seaweed(tmp_path / "weed") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        place = f"s3://{server.make_bucket('day')}/paper"
        first = crawl(place, site, tmp_path, "--limit", "2")
        assert first.code == 0, first.err
        server.kill()
        impatient = {"NEWSARK_UPLOAD_PATIENCE_SECONDS": "3", "NEWSARK_STORE_PATIENCE_SECONDS": "0.5"}
        away = crawl(place, site, tmp_path, "--limit", "6", environment=impatient)
        assert away.code == 1, away.err
        (held_up,) = away.json["waiting"]
        assert (held_up["store"], held_up["parcels"]) == (place, 1)
        assert held_up["problem"]
        stopped = stopped_while_it_stores(place, site, tmp_path)
        assert stopped.code == 1, stopped.err
        assert "stopped before everything was stored" in stopped.err
        assert stopped.json["waiting"][0]["parcels"] == 2
        before = waiting(tmp_path)
        warc = {name: data for name, data in before.items() if name.endswith(".warc.gz")}
        assert len(warc) == 2
        where = {"NEWSARK_STATE": str(tmp_path / "state")}
        told = newsark("status", "--archive", place, cwd=tmp_path, environment=where)
        assert f"still to be stored in {place}" in told.out
        server.start()
        again = crawl(place, site, tmp_path)
        assert (again.code, again.json["waiting"], waiting(tmp_path)) == (0, [], {})
        store = bucket_store(place)
        stored = {info.key.rpartition("/")[2]: store.get(info.key) for info in store.list("warc/")}
        assert warc.items() <= stored.items()
        chain = [Manifest.from_bytes(store.get(info.key)) for info in store.list("manifests/")]
        assert len(chain) == len(stored) == 4
        assert [one.previous for one in chain] == [None, *(one.sha256 for one in chain[:-1])]


def stopped_while_it_stores(place: str, site: Site, cwd: Path) -> Ran:
    """A patient crawl, asked to end when all that it sealed waits for the store."""
    fixed = ["--allow-host", site.url.removeprefix("http://"), "--delay", "0", "--limit", "2", "--json"]
    environment = os.environ | {"NEWSARK_STATE": str(cwd / "state"), "NEWSARK_STORE_PATIENCE_SECONDS": "0.5"}
    command = [NEWSARK, "crawl", f"{site.url}/", "--archive", place, "--contact", "test@localhost", *fixed]
    sealed = len(list((cwd / "state" / "open").rglob("*.sealed.json")))
    with subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 60
        while len(list((cwd / "state" / "open").rglob("*.sealed.json"))) == sealed:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.05)
        # by then the crawl is over, and only the store is waited for
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    return Ran(process.returncode, out.decode(), err.decode())


def test_a_crawl_that_is_killed_while_it_stores_is_finished_by_the_next(
    server: Seaweed, site: Site, tmp_path: Path
) -> None:
    place = f"s3://{server.make_bucket('killed')}/paper"
    fixed = ["--allow-host", site.url.removeprefix("http://"), "--delay", "0", "--limit", "4", "--no-progress"]
    environment = os.environ | {"NEWSARK_STATE": str(tmp_path / "state"), "NEWSARK_SEGMENT_MAX_BYTES": "1000000"}
    process = subprocess.Popen(
        [NEWSARK, "crawl", f"{site.url}/", "--archive", place, *fixed],
        cwd=tmp_path,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60
    while not list((tmp_path / "state" / "open").rglob("*.sealed.json")) and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    again = crawl(place, site, tmp_path)
    assert (again.code, again.json["waiting"], waiting(tmp_path)) == (0, [], {}), again.err
    (leads,) = [source["leads"] for source in again.json["sources"]]
    assert leads["known"] == sum(count for state, count in leads.items() if state != "known")
    store = bucket_store(place)
    for info in store.list("manifests/"):
        for one in Manifest.from_bytes(store.get(info.key)).objects:
            assert store.head(one.key).sha256 == one.sha256
    assert json.loads(store.get(HEAD))["format"] == 1
