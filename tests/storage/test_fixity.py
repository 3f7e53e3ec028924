"""Verification without reading everything: what stores vouch for, what is missing, what was looked at when."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fixity_samples import Sample, kinds, make_sample
from sqlalchemy import select
from storage_samples import OPENED

from storage.catalogue import checks
from storage.digests import composite_sha256
from storage.directory import DirectoryStore
from storage.errors import ObjectMissing, StorageError
from storage.fixity.inventory import OnTheirWay
from storage.fixity.objectcheck import vouched
from storage.fixity.repair import repair, settled
from storage.manifest import ManifestObject
from storage.objects import ObjectInfo

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """Three segments in two stores."""
    return make_sample(tmp_path)


def repaired(sample: Sample, tmp_path: Path, *, deep: bool = False) -> list[object]:
    """What is still wrong after a repair."""
    report = sample.verify(deep=deep)
    done = repair(report, sample.stores, tmp_path / "scratch")
    again = sample.verify(deep=deep, keys=frozenset(one.key for one in done))
    return [one for one in settled(report, again, done) if one.is_open]


def test_a_whole_archive_has_no_findings_and_every_byte_is_counted(sample: Sample) -> None:
    report = sample.verify()
    assert report.ok
    assert report.findings == []
    assert report.objects == 2 * len(sample.objects)
    assert report.bytes == 2 * sum(map(len, sample.objects.values()))


def test_damage_is_named_with_its_store(sample: Sample) -> None:
    flipped, cut, gone = sample.keys("warc")[0], sample.keys("index")[1], sample.keys("events")[2]
    data = bytearray(sample.objects[flipped])
    data[100] ^= 4
    sample.rewrite(flipped, bytes(data), store=1)
    sample.rewrite(cut, sample.objects[cut][:-1], store=0)
    sample.path(gone, 0).unlink()
    report = sample.verify()
    assert kinds(report, store=sample.stores[0].place) == {(cut, "wrong-size"), (gone, "missing")}
    assert kinds(report, store=sample.stores[1].place) == {(flipped, "wrong-digest")}


def test_repair_brings_every_byte_back_from_the_store_that_has_it_right(sample: Sample, tmp_path: Path) -> None:
    for number, key in enumerate(sorted(sample.objects)):
        if number % 3 == 0:
            sample.path(key, number % 2).unlink()
        elif number % 3 == 1:
            sample.rewrite(key, b"other bytes", store=number % 2)
    assert not sample.verify().ok
    assert repaired(sample, tmp_path) == []
    assert sample.held(0) == sample.objects
    assert sample.held(1) == sample.objects
    assert sample.verify(deep=True).findings == []


def test_a_new_replica_is_filled_by_repair(sample: Sample, tmp_path: Path) -> None:
    sample.stores.append(DirectoryStore(tmp_path / "new"))
    report = sample.verify()
    assert {kind for _, kind in kinds(report)} == {"copies-missing"}
    assert {key for key, _ in kinds(report)} == set(sample.objects)
    assert repaired(sample, tmp_path) == []
    assert sample.held(2) == sample.objects


def test_what_no_store_has_right_is_left_and_said(sample: Sample, tmp_path: Path) -> None:
    key = sample.keys("warc")[0]
    for store in (0, 1):
        sample.rewrite(key, sample.objects[key] + b"x", store=store)
    report = sample.verify()
    done = repair(report, sample.stores, tmp_path / "scratch")
    assert [(one.key, one.problem) for one in done] == [(key, "no other store has it right")] * 2
    assert sample.held(0)[key] == sample.objects[key] + b"x"


def test_an_object_that_somebody_deleted_in_a_bucket_is_named_and_restored(tmp_path: Path) -> None:
    class Versioned(DirectoryStore):
        """Hides deleted objects as a bucket with versions does."""

        def deletions(self, prefix: str = "") -> Iterator[str]:
            return (key for key in sorted(hidden) if key.startswith(prefix) and not (self.root / key).exists())

    sample = make_sample(tmp_path)
    sample.stores[0] = Versioned(sample.stores[0].root)
    hidden = {sample.keys("records")[1], sample.keys("manifests")[0], "newsark.json"}
    for key in hidden:
        sample.path(key).unlink()
    assert kinds(sample.verify()) == {(key, "deleted") for key in hidden}
    assert repaired(sample, tmp_path) == []
    assert sample.held(0) == sample.objects


def test_source_files_must_be_what_the_catalogue_knows(sample: Sample, tmp_path: Path) -> None:
    key = "sources/gazette/1.toml"
    sample.rewrite(key, sample.objects[key].replace(b"Gazette", b"Gazelle"))
    assert kinds(sample.verify()) == {(key, "wrong-digest")}
    assert repaired(sample, tmp_path) == []
    assert sample.held(0) == sample.objects


def test_stores_that_differ_without_a_witness_are_both_named_and_left_alone(sample: Sample, tmp_path: Path) -> None:
    sample.rewrite("newsark.json", b'{"format": 1, "name": "other"}')
    report = sample.verify()
    assert [(one.object, one.kind, one.store) for one in report.findings] == [
        ("newsark.json", "stores-differ", store.place) for store in sample.stores
    ]
    assert len(repaired(sample, tmp_path)) == 2


def test_a_head_that_cannot_be_parsed_is_restored_from_one_that_can(sample: Sample, tmp_path: Path) -> None:
    sample.rewrite("newsark.json", b'{"format": 1, ')
    assert kinds(sample.verify()) == {("newsark.json", "wrong-digest")}
    assert repaired(sample, tmp_path) == []
    assert sample.held(0) == sample.objects


def test_a_store_that_fails_costs_its_own_objects_only(tmp_path: Path) -> None:
    sample = make_sample(tmp_path)
    bad = sample.keys("warc")[1]

    class Failing(DirectoryStore):
        def head(self, key: str) -> ObjectInfo:
            if key == bad:
                raise StorageError("the disk clicks")
            return super().head(key)

    sample.stores[1] = Failing(sample.stores[1].root)
    report = sample.verify()
    assert [(one.object, one.kind, one.message) for one in report.findings] == [
        (bad, "unreadable-object", "the disk clicks")
    ]


def test_a_store_that_cannot_be_listed_is_a_finding_while_another_can(tmp_path: Path) -> None:
    class Away(DirectoryStore):
        def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
            raise StorageError("nobody answers")

    sample = make_sample(tmp_path)
    sample.stores[1] = Away(sample.stores[1].root)
    assert kinds(sample.verify()) == {(sample.stores[1].place, "unreachable-store")}
    sample.stores[0] = Away(sample.stores[0].root)
    with pytest.raises(StorageError, match="nobody answers"):
        sample.verify()


def test_only_the_named_sources_are_verified(sample: Sample) -> None:
    sample.rewrite(sample.keys("warc")[0], b"")
    assert sample.verify(sources=("another",)).objects == 0
    assert not sample.verify(sources=("gazette",)).ok


class Vouching(DirectoryStore):
    """Gives the checksum that a test chose, as S3 servers differ in theirs."""

    info: ObjectInfo

    def head(self, key: str) -> ObjectInfo:
        return self.info


@pytest.mark.parametrize("stated", ["composite", "other parts", "nothing"])
def test_a_composite_checksum_counts_and_where_it_cannot_the_bytes_do(tmp_path: Path, stated: str) -> None:
    store = Vouching(tmp_path)
    data = b"0123456789" * 10
    store.put_bytes("warc/one", data)
    composite = composite_sha256([hashlib.sha256(data[:64]).digest(), hashlib.sha256(data[64:]).digest()])
    listed = ManifestObject("warc/one", 100, hashlib.sha256(data).hexdigest(), 64, composite)
    said = {"composite": composite, "other parts": "AAAA-7", "nothing": None}[stated]
    store.info = ObjectInfo("warc/one", 100, None, said)
    assert list(vouched(store, listed, lambda _: None)) == []
    (tmp_path / "warc/one").chmod(0o644)
    (tmp_path / "warc/one").write_bytes(data[:-1] + b"x")
    found = [one.kind for one in vouched(store, listed, lambda _: None)]
    # What the server vouches for is what a quick verification goes by.
    assert found == ([] if stated == "composite" else ["wrong-digest"])


def test_a_limited_run_goes_on_with_what_was_verified_longest_ago(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, count=4, stores=1)
    now = [OPENED]
    sample.catalogue.clock = lambda: now[0]
    seen: list[set[str]] = []
    for _ in range(6):
        now[0] += timedelta(hours=1)
        report = sample.verify(deep=True, max_bytes=1)
        assert report.left_objects > 0
        with sample.catalogue.begin() as connection:
            query = select(checks.c.key).where(checks.c.checked_at == now[0], checks.c.depth == "deep")
            seen.append(set(connection.execute(query).scalars()))
    assert set().union(*seen) >= {key for key in sample.objects if not key.startswith("manifests/")}
    assert sum(map(len, seen)) == len(set().union(*seen))
    full = sample.verify(deep=True)
    assert (full.left_objects, full.ok) == (0, True)


def test_a_quick_check_leaves_the_time_of_a_deep_one(sample: Sample) -> None:
    now = [OPENED]
    sample.catalogue.clock = lambda: now[0]
    sample.verify(deep=True)
    now[0] += timedelta(days=1)
    sample.rewrite(sample.keys("warc")[0], b"")
    sample.verify()
    with sample.catalogue.begin() as connection:
        rows = list(connection.execute(select(checks.c.key, checks.c.checked_at, checks.c.depth, checks.c.finding)))
    assert {(row.checked_at, row.depth) for row in rows} == {(OPENED, "deep"), (now[0], "quick")}
    assert {(row.key, row.depth) for row in rows if row.finding} == {(sample.keys("warc")[0], "quick")}


# In a process of its own: what Ctrl-C comes to is a matter of the whole process, and of all that it did before.
INTERRUPTED = """
import json, signal, sys, threading, time
from datetime import UTC, datetime
from pathlib import Path
from storage.catalogue import Catalogue
from storage.directory import DirectoryStore
from storage.fixity.verifier import Scope, Verifier

class Pressed:
    "Somebody presses Ctrl-C when the first bytes were verified."
    pressed = False

    def begin(self, total_bytes):
        pass

    def advance(self, count):
        if not self.pressed:
            self.pressed = True
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.05)

directory = Path(sys.argv[1])
catalogue = Catalogue(f"sqlite:///{directory / 'catalogue.sqlite'}", lambda: datetime.now(UTC))
stores = [DirectoryStore(directory / "store-0")]
report = Verifier(stores, catalogue, Scope(deep=True), progress=Pressed(), workers=1).run()
faults = [(one.object, one.kind) for one in report.findings if one.severity == "fault"]
print(json.dumps({"interrupted": report.interrupted, "left": report.left_objects, "faults": faults}))
"""


def test_ctrl_c_ends_a_run_with_what_was_found_so_far(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, count=8, stores=1)
    sample.rewrite(sample.keys("manifests")[1], b"{")
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["interrupted"]
    assert [sample.keys("manifests")[1], "altered-manifest"] in told["faults"]
    assert told["left"] > 0
    again = sample.verify(deep=True)
    assert (again.interrupted, again.left_objects) == (False, 0)


def test_a_segment_that_comes_while_this_runs_is_not_missing(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, stores=1)
    store, late = sample.stores[0], sample.keys("events")[2]
    data = sample.path(late).read_bytes()
    sample.path(late).unlink()

    class Delivering(DirectoryStore):
        """Gets the object when its manifest is read."""

        def get(self, key: str) -> bytes:
            if not (self.root / late).exists():
                self.put_bytes(late, data)
            return super().get(key)

    sample.stores[0] = Delivering(store.root)
    assert sample.verify(waiting=OnTheirWay({})).findings == []


def test_a_missing_object_reads_as_missing_at_the_last_moment_too(tmp_path: Path) -> None:
    sample = make_sample(tmp_path, stores=1)

    class Losing(DirectoryStore):
        def head(self, key: str) -> ObjectInfo:
            raise ObjectMissing(key, self.place)

    sample.stores[0] = Losing(sample.stores[0].root)
    assert {kind for _, kind in kinds(sample.verify())} == {"missing"}
