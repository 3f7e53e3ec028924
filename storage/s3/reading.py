"""Reading an object of a bucket, going on where a broken connection stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import FlexibleChecksumError

from storage.errors import DigestMismatch, ObjectMissing
from storage.s3.bucket import Bucket
from storage.s3.trouble import BAD_RANGE, CONNECTION_TROUBLE, MISSING, PRECONDITION, Declined

READ_BYTES = 1024 * 1024


def read_object(bucket: Bucket, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
    """The bytes of an object from `offset` on, in pieces; none where it ends before. The first request is made now.

    Raises ObjectMissing now; DigestMismatch later, when the object changes meanwhile, or when all of it was read in
    one go and the server's checksum is of other bytes.
    """
    answer = _get(bucket, key, offset, None if length is None else offset + length, None)
    return iter(()) if answer is None else _pieces(bucket, key, answer, offset, length)


def _pieces(bucket: Bucket, key: str, answer: dict[str, Any], offset: int, length: int | None) -> Iterator[bytes]:
    at, end, etag = offset, _end(answer, offset, length), answer["ETag"]
    action, progress, failures = f"read {key}", bucket.patience.clock(), 0
    while True:
        try:
            # Read to the end and once more: there botocore compares length and checksum.
            piece = answer["Body"].read(READ_BYTES)
        except FlexibleChecksumError as problem:
            raise DigestMismatch(f"{key} in {bucket.place}", "the server's checksum", str(problem)) from problem
        except CONNECTION_TROUBLE as problem:
            failures += 1
            bucket.patience.pause(bucket.place, action, progress, failures, problem)
            if at >= end:
                return
            again = _get(bucket, key, at, end, etag)
            if again is None:
                raise _changed(bucket, key, etag) from problem
            answer = again
            continue
        if piece:
            progress, failures = bucket.patience.clock(), 0
            yield piece[: end - at]
        at += len(piece)
        if not piece:
            return


def _get(bucket: Bucket, key: str, start: int, end: int | None, etag: str | None) -> dict[str, Any] | None:
    """The server's answer, which begins at `start`; None when the object ends before."""
    arguments: dict[str, Any] = {"Bucket": bucket.name, "Key": bucket.key(key)}
    if start or end is not None:
        arguments["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
    else:
        arguments["ChecksumMode"] = "ENABLED"
    if etag is not None:
        arguments["IfMatch"] = etag
    try:
        answer: Any = bucket.call(
            f"read {key}", lambda: bucket.client.get_object(**arguments), (MISSING, BAD_RANGE, PRECONDITION)
        )
    except Declined as declined:
        if declined.code == BAD_RANGE:
            return None
        if declined.code == PRECONDITION:
            raise _changed(bucket, key, str(etag)) from declined
        raise ObjectMissing(key, bucket.place) from declined
    if start and not answer.get("ContentRange"):
        # The server ignores Range and sends everything.
        return _skipped(answer, start)
    return dict(answer)


def _skipped(answer: Any, count: int) -> dict[str, Any] | None:
    while count and (piece := answer["Body"].read(min(count, READ_BYTES))):
        count -= len(piece)
    return None if count else {**answer, "Skipped": True}


def _end(answer: dict[str, Any], offset: int, length: int | None) -> int:
    """Where the reading ends: the object's end, or what was asked for when that comes first."""
    there = int(answer["ContentLength"]) + (0 if answer.get("Skipped") else offset)
    return there if length is None else min(there, offset + length)


def _changed(bucket: Bucket, key: str, etag: str) -> DigestMismatch:
    return DigestMismatch(
        f"{key} in {bucket.place} changed while it was read", etag, "another ETag or a shorter object"
    )
