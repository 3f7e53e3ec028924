"""Faults of networks and servers between the store and a real S3 server: what was sent arrives, or is said not to."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from storage.digests import sha256_hex
from storage.errors import DigestMismatch, ObjectExists, ObjectMissing, StoreRefuses, StoreUnreachable
from storage.s3.store import S3Store
from storage.s3.trouble import Patience
from storage.stores import S3Place, StoreSettings
from tests.s3proxy import Fault, Proxy, running_proxy
from tests.seaweed import running_seaweed, shared_seaweed

PART_BYTES = 5 * 1024 * 1024
LARGE = random.Random(1).randbytes(PART_BYTES + 1_234_567)
SMALL = random.Random(2).randbytes(300_000)
# Short where the server is to be silent; a busy machine needs more to take a large part.
READ_TIMEOUTS_SECONDS = {Fault.SILENCE: 1.5, Fault.SILENCE_AFTER_DOING: 1.5}


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def patience(self, limit_seconds: float = 60) -> Patience:
        return Patience(limit_seconds, lambda: self.now, self.sleep, lambda: 0.5)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@dataclass
class Scene:
    """A store behind a proxy, and the same one seen from beside it."""

    proxy: Proxy
    store: S3Store
    plain: S3Store
    time: Time
    path: Path

    def local(self, data: bytes) -> tuple[Path, str]:
        self.path.write_bytes(data)
        return self.path, sha256_hex(data)


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    server = shared_seaweed()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    fault: Any = request.node.callspec.params.get("fault") if hasattr(request.node, "callspec") else None
    monkeypatch.setattr("storage.s3.client.READ_TIMEOUT_SECONDS", READ_TIMEOUTS_SECONDS.get(fault, 20.0))
    place = S3Place.parse(f"s3://{server.bucket('faults')}/{uuid4().hex}")
    with running_proxy(server) as proxy:
        time = Time()
        store, plain = (
            S3Store(place, StoreSettings(str(place), endpoint_url=url), part_bytes=PART_BYTES, patience=time.patience())
            for url in (proxy.endpoint_url, server.endpoint_url)
        )
        yield Scene(proxy, store, plain, time, tmp_path / "local")


PASSING = [
    Fault.RESET_BEFORE_BODY,
    Fault.RESET_IN_BODY,
    Fault.HALF_FORWARDED,
    Fault.RESET_AFTER_BODY,
    Fault.LOST_ANSWER,
    Fault.STATUS_500,
    Fault.STATUS_503,
    Fault.SILENCE,
    Fault.SILENCE_AFTER_DOING,
    Fault.SKEWED_CLOCK,
    Fault.DAMAGED_REQUEST,
    Fault.WRONG_CHECKSUM,
    Fault.WRONG_ETAG,
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault.name)
def test_a_small_object_arrives_whole_after_a_fault(scene: Scene, fault: Fault) -> None:
    path, sha256 = scene.local(SMALL)
    scene.proxy.script(fault, "PUT", "small")
    scene.store.put_file("small", path, sha256)
    assert scene.plain.get("small") == path.read_bytes() == SMALL
    assert scene.proxy.passed[0].fault is fault
    scene.store.put_file("small", path, sha256, move=True)
    assert not path.exists()


@pytest.mark.parametrize("fault", [*PASSING, Fault.LOST_PART], ids=lambda fault: fault.name)
def test_a_part_arrives_whole_after_a_fault_and_the_others_are_sent_once(scene: Scene, fault: Fault) -> None:
    path, sha256 = scene.local(LARGE)
    scene.proxy.script(fault, "PUT", "partNumber=1")
    scene.store.put_file("large", path, sha256)
    assert scene.plain.get("large") == LARGE
    assert sent_parts(scene.proxy) == ([1, 2] if fault in HARMLESS else [1, 1, 2])
    assert path.read_bytes() == LARGE
    assert unfinished(scene) == 0


HARMLESS = {Fault.WRONG_CHECKSUM, Fault.WRONG_ETAG}
"""What the list of the parts sets right, without sending one again."""


@pytest.mark.parametrize(
    "fault",
    [
        Fault.RESET_AFTER_BODY,
        Fault.LOST_ANSWER,
        Fault.RESET_IN_ANSWER,
        Fault.STATUS_500,
        Fault.STATUS_503,
        Fault.SILENCE_AFTER_DOING,
        Fault.ERROR_IN_200,
        Fault.GARBAGE,
    ],
    ids=lambda fault: fault.name,
)
def test_an_upload_is_completed_whatever_the_answer_was(scene: Scene, fault: Fault) -> None:
    path, sha256 = scene.local(LARGE)
    scene.proxy.script(fault, "POST", "uploadId=")
    scene.store.put_file("large", path, sha256)
    assert scene.plain.get("large") == LARGE
    assert sent_parts(scene.proxy) == [1, 2]
    assert unfinished(scene) == 0
    with pytest.raises(ObjectExists):
        scene.store.put_bytes("large", b"other")


@pytest.mark.parametrize(
    ("method", "fault"), [("GET", Fault.RESET_AFTER_BODY), ("HEAD", Fault.STATUS_503), ("POST", Fault.STATUS_500)]
)
def test_what_goes_with_an_upload_is_asked_again_too(scene: Scene, method: str, fault: Fault) -> None:
    path, sha256 = scene.local(LARGE)
    scene.proxy.script(fault, method, times=2)
    scene.store.put_file("large", path, sha256)
    assert scene.plain.get("large") == LARGE
    assert sent_parts(scene.proxy) == [1, 2]


def test_an_ambiguous_success_never_hides_another_object(scene: Scene) -> None:
    scene.plain.put_bytes("small", b"other")
    path, sha256 = scene.local(SMALL)
    scene.proxy.script(Fault.LOST_ANSWER, "PUT", "small")
    with pytest.raises(ObjectExists):
        scene.store.put_file("small", path, sha256, move=True)
    assert scene.plain.get("small") == b"other"
    assert path.read_bytes() == SMALL


def test_another_large_object_is_never_overwritten(scene: Scene) -> None:
    scene.plain.put_bytes("large", LARGE[::-1])
    path, sha256 = scene.local(LARGE)
    with pytest.raises(ObjectExists):
        scene.store.put_file("large", path, sha256)
    assert scene.proxy.count("PUT") == 0
    # … nor one that came while the parts were sent: here the first look finds nothing.
    rule = scene.proxy.script(Fault.ERROR_404, "HEAD", "large")
    with pytest.raises(ObjectExists):
        scene.store.put_file("large", path, sha256, move=True)
    assert rule.times == 0
    assert scene.plain.get("large") == LARGE[::-1]
    assert path.read_bytes() == LARGE
    assert unfinished(scene) == 0


@pytest.mark.parametrize("place", ["small", "partNumber=1"])
def test_a_refusal_is_named_at_once_and_the_file_stays(scene: Scene, place: str) -> None:
    data = LARGE if place != "small" else SMALL
    path, sha256 = scene.local(data)
    scene.proxy.script(Fault.STATUS_403, "PUT", place)
    with pytest.raises(StoreRefuses, match=r"AccessDenied.*docs/operations\.md") as refused:
        scene.store.put_file("small", path, sha256, move=True)
    assert refused.value.code == "AccessDenied"
    assert scene.time.pauses == []
    assert path.read_bytes() == data
    with pytest.raises(ObjectMissing):
        scene.plain.head("small")
    # The rights came back: the upload goes on where it was.
    scene.store.put_file("small", path, sha256, move=True)
    assert scene.plain.get("small") == data
    assert not path.exists()


def test_a_wrong_clock_is_named_with_both_times(scene: Scene) -> None:
    scene.proxy.script(Fault.SKEWED_CLOCK, "PUT", times=9)
    with pytest.raises(StoreRefuses, match=r"set this machine's clock.*the server Mon, 23 Nov 2020 18:00:00 GMT"):
        scene.store.put_bytes("small", SMALL)
    assert scene.proxy.count("PUT") == 3


@pytest.mark.parametrize("fault", [Fault.STATUS_503, Fault.RESET_AFTER_BODY])
def test_patience_ends_at_the_limit_and_the_file_stays(scene: Scene, fault: Fault) -> None:
    path, sha256 = scene.local(SMALL)
    scene.proxy.script(fault, "PUT", times=99)
    with pytest.raises(StoreUnreachable, match=r"store small.*for \d+ s") as unreachable:
        scene.store.put_file("small", path, sha256, move=True)
    assert 30 < unreachable.value.seconds <= 60
    assert scene.time.pauses[:6] == [0.375, 0.75, 1.5, 3.0, 6.0, 12.0]
    assert max(scene.time.pauses) <= 20
    assert path.read_bytes() == SMALL


def test_a_part_that_is_lost_again_and_again_is_no_success(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.s3.multipart.ROUNDS", 2)
    path, sha256 = scene.local(LARGE)
    scene.proxy.script(Fault.LOST_PART, "PUT", "partNumber=2", times=999)
    with pytest.raises(StoreUnreachable, match="acknowledged"):
        scene.store.put_file("large", path, sha256, move=True)
    assert path.read_bytes() == LARGE
    with pytest.raises(ObjectMissing):
        scene.plain.head("large")


@pytest.mark.parametrize("size", [len(SMALL), len(LARGE)])
def test_a_file_that_changes_while_it_is_sent_is_not_stored(
    scene: Scene, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sha256 = scene.local(LARGE[:size])
    seen = S3Store._send

    def send(*arguments: object) -> None:
        path.write_bytes(b"x" * size)
        seen(*arguments)

    monkeypatch.setattr(S3Store, "_send", send)
    with pytest.raises(DigestMismatch):
        scene.store.put_file("large", path, sha256, move=True)
    assert path.exists()
    with pytest.raises(ObjectMissing):
        scene.plain.head("large")
    assert unfinished(scene) == 0


def test_reading_goes_on_where_it_was_interrupted(scene: Scene) -> None:
    scene.plain.put_bytes("large", LARGE)
    scene.proxy.script(Fault.CUT_ANSWER, "GET", "large", times=2)
    assert b"".join(scene.store.chunks("large")) == LARGE
    half = len(LARGE) // 2
    middle = half + (len(LARGE) - half) // 2
    end = len(LARGE) - 1
    assert [one.range for one in scene.proxy.passed] == [None, f"bytes={half}-{end}", f"bytes={middle}-{end}"]
    scene.proxy.script(Fault.CUT_ANSWER, "GET", "large")
    assert scene.store.get_range("large", 1000, 4_000_000) == LARGE[1000:4_001_000]
    assert scene.proxy.passed[-1].range == "bytes=2001000-4000999"


@pytest.mark.parametrize("fault", [Fault.RESET_IN_ANSWER, Fault.RESET_AFTER_BODY, Fault.STATUS_500, Fault.SILENCE])
def test_reading_survives_faults(scene: Scene, fault: Fault) -> None:
    scene.plain.put_bytes("small", SMALL)
    scene.proxy.script(fault, "GET", "small")
    assert scene.store.get("small") == SMALL
    scene.proxy.script(fault, "GET", "small")
    assert scene.store.get_range("small", 1000, 200_000) == SMALL[1000:201_000]
    assert scene.proxy.count("GET") == 4


def test_reading_an_object_that_changes_meanwhile_is_no_mixture(scene: Scene, tmp_path: Path) -> None:
    scene.plain.put_bytes("large", LARGE)
    scene.proxy.script(Fault.CUT_ANSWER, "GET", "large")
    chunks = scene.store.chunks("large")
    first = next(chunks)
    assert scene.proxy.count("GET") == 1
    other = tmp_path / "other"
    other.write_bytes(LARGE[::-1])
    scene.plain.restore("large", other, sha256_hex(LARGE[::-1]))
    with pytest.raises(DigestMismatch, match="changed while it was read"):
        list(chunks)
    assert LARGE.startswith(first)


def test_bytes_damaged_on_their_way_here_are_not_believed(scene: Scene) -> None:
    scene.plain.put_bytes("small", SMALL)
    scene.proxy.script(Fault.DAMAGED_ANSWER, "GET", "small")
    with pytest.raises(DigestMismatch):
        scene.store.get("small")
    assert scene.store.get("small") == SMALL


def test_a_listing_survives_faults(scene: Scene) -> None:
    for number in range(5):
        scene.plain.put_bytes(f"k{number}", b"x")
    scene.proxy.script(Fault.RESET_IN_ANSWER, "GET", "list-type=2")
    scene.proxy.script(Fault.STATUS_503, "GET", "list-type=2")
    assert [info.key for info in scene.store.list()] == [f"k{number}" for number in range(5)]


def test_a_server_that_was_killed_gets_only_the_parts_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = random.Random(3).randbytes(3 * PART_BYTES + 17)
    path = tmp_path / "local"
    path.write_bytes(data)
    place = S3Place.parse("s3://killed/archive")
    time = Time()
    monkeypatch.setattr("storage.s3.multipart.THREADS", 1)
    with running_seaweed(tmp_path / "weed") as server, running_proxy(server) as proxy:
        server.make_bucket("killed")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        settings = StoreSettings(str(place), endpoint_url=proxy.endpoint_url)
        proxy.hooks.append(("PUT", "partNumber=3", server.kill))
        store = S3Store(place, settings, part_bytes=PART_BYTES, patience=time.patience(5))
        with pytest.raises(StoreUnreachable):
            store.put_file("large", path, sha256_hex(data), move=True)
        assert path.read_bytes() == data
        server.start()
        proxy.passed.clear()
        # Another process knows nothing of the first one's upload but what the server tells.
        again = S3Store(place, settings, part_bytes=PART_BYTES, patience=time.patience())
        again.put_file("large", path, sha256_hex(data), move=True)
        assert sent_parts(proxy) == [3, 4]
        assert again.get("large") == data
        assert not path.exists()
        assert again.sweep(datetime.now(UTC) + timedelta(hours=1)) == 0


def unfinished(scene: Scene) -> int:
    return scene.plain.sweep(datetime.now(UTC) + timedelta(hours=1))


def sent_parts(proxy: Proxy) -> list[int]:
    numbers = (re.search(r"partNumber=(\d+)", one.path) for one in proxy.passed if one.method == "PUT")
    return sorted(int(number[1]) for number in numbers if number)
