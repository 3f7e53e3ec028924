"""How long and how often a server is asked again, and what its answers are called; no server is needed."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, SSLError
from hypothesis import given
from hypothesis import strategies as st

from storage.digests import file_digests
from storage.errors import StoreRefuses, StoreUnreachable
from storage.objects import ObjectInfo
from storage.s3.bucket import object_info
from storage.s3.trouble import Declined, Patience, code_of
from storage.s3.uploadparts import FileSlice, PartedData

NO_ANSWER = EndpointConnectionError(endpoint_url="http://127.0.0.1:9")


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now, self.pauses = 0.0, [0.0][:0]

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def error(status: int, code: str = "", message: str = "What happened.") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutObject")


def asked(*troubles: Exception, limit_seconds: float = 100.0, chance: float = 1.0) -> tuple[str, list[float]]:
    """What patience makes of these troubles in a row, and its pauses."""
    time, left = Time(), list(troubles)

    def request() -> str:
        if left:
            raise left.pop(0)
        return "done"

    patience = Patience(limit_seconds, time.clock, time.sleep, lambda: chance)
    return patience.call("s3://news", "store k", request, {"PreconditionFailed"}), time.pauses


@pytest.mark.parametrize(
    "trouble",
    [NO_ANSWER, *map(error, (500, 502, 503, 504, 429)), error(400, "RequestTimeout"), error(400, "SlowDown")],
)
def test_what_may_pass_is_asked_again(trouble: Exception) -> None:
    assert asked(trouble, trouble) == ("done", [0.5, 1.0])


def test_pauses_grow_to_a_limit_and_are_shortened_by_chance() -> None:
    assert asked(*[NO_ANSWER] * 8, limit_seconds=1000)[1] == [0.5, 1, 2, 4, 8, 16, 20, 20]
    assert asked(*[NO_ANSWER] * 3, chance=0.0)[1] == [0.25, 0.5, 1]


def test_the_last_attempt_is_at_the_limit() -> None:
    assert asked(*[NO_ANSWER] * 3, limit_seconds=3)[1] == [0.5, 1, 1.5]
    with pytest.raises(StoreUnreachable, match="s3://news cannot store k, tried for 3 s") as unreachable:
        asked(*[NO_ANSWER] * 4, limit_seconds=3)
    assert unreachable.value.exit_code == 3


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (error(403, "AccessDenied"), "AccessDenied"),
        (error(403, "403"), "AccessDenied"),
        (error(404, "NoSuchBucket"), "NoSuchBucket"),
        (error(400, "InvalidRequest"), "InvalidRequest"),
        (error(501, "NotImplemented"), "NotImplemented"),
        (error(301, "PermanentRedirect"), "PermanentRedirect"),
        (NoCredentialsError(), "NoCredentialsError"),
        (
            SSLError(endpoint_url="https://s3", error=OSError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed")),
            "certificate",
        ),
    ],
)
def test_what_does_not_pass_is_a_refusal_at_once(trouble: Exception, code: str) -> None:
    with pytest.raises(StoreRefuses) as refused:
        asked(trouble)
    assert refused.value.code == code
    assert refused.value.cure in str(refused.value)


def test_what_the_caller_expects_is_given_to_it() -> None:
    with pytest.raises(Declined) as declined:
        asked(NO_ANSWER, error(412, "412"))
    assert declined.value.code == "PreconditionFailed"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "404", "NoSuchKey"),
        (404, "NotFound", "NoSuchKey"),
        (404, "NoSuchUpload", "NoSuchUpload"),
        (412, "Anything", "PreconditionFailed"),
        (416, "InvalidArgument", "InvalidRange"),
        (409, "409", "ConditionalRequestConflict"),
        (400, "400", "BadRequest"),
        (418, "", "status 418"),
    ],
)
def test_statuses_are_words_where_a_server_has_none(status: int, code: str, expected: str) -> None:
    assert code_of(error(status, code)) == expected


def test_a_checksum_is_of_the_whole_or_of_its_parts() -> None:
    whole = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
    hello = hashlib.sha256(b"hello").hexdigest()
    assert object_info("k", {"ContentLength": 5, "ChecksumSHA256": whole}) == ObjectInfo("k", 5, hello)
    assert object_info("k", {"ContentLength": 5, "ChecksumSHA256": f"{whole}-2"}) == ObjectInfo(
        "k", 5, None, f"{whole}-2"
    )
    for unknown in ("", None, "no base64"):
        assert object_info("k", {"ContentLength": 5, "ChecksumSHA256": unknown}) == ObjectInfo("k", 5)


@given(data=st.binary(max_size=200), part_bytes=st.integers(1, 80))
def test_parts_are_the_whole_and_have_its_digests(tmp_path_factory: Any, data: bytes, part_bytes: int) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "parts"
    path.write_bytes(data)
    digests = file_digests(path, part_bytes)
    for source in (path, data):
        parted = PartedData.read(source, part_bytes)
        bodies = []
        for part in parted.parts:
            with parted.body(part) as body:
                bodies.append(body if isinstance(body, bytes) else body.read())
            parted.check(part)
        assert b"".join(bodies) == data
        assert (parted.size_bytes, parted.sha256) == (digests.size_bytes, digests.sha256)
        assert digests.composite_sha256 == (parted.composite if len(parted.parts) > 1 else None)
        assert parted.agrees_with(ObjectInfo("k", len(data), digests.sha256)) is True
        assert parted.agrees_with(ObjectInfo("k", len(data), None, parted.composite)) is True
        assert parted.agrees_with(ObjectInfo("k", len(data))) is None
        assert parted.agrees_with(ObjectInfo("k", len(data) + 1, digests.sha256)) is False


@given(
    data=st.binary(max_size=60),
    offset=st.integers(0, 60),
    size=st.integers(0, 60),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 60))),
)
def test_a_slice_reads_as_a_file_of_its_own(
    tmp_path_factory: Any, data: bytes, offset: int, size: int, steps: list[tuple[bool, int]]
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "slice"
    path.write_bytes(data)
    offset = min(offset, len(data))
    size = min(size, len(data) - offset)
    plain = io.BytesIO(data[offset : offset + size])
    with FileSlice(path, offset, size) as piece:
        assert piece.seek(0, io.SEEK_END) == size
        piece.seek(0)
        for reads, number in steps:
            if reads:
                assert piece.read(number) == plain.read(number)
            else:
                assert piece.seek(number) == plain.seek(number)
            assert piece.tell() == plain.tell()
