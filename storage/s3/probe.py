"""Trying out whether an S3 server keeps the promises that objects rest on."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from uuid import uuid4

from storage.errors import ObjectMissing, StorageError
from storage.objects import StoreFault
from storage.s3.bucket import Bucket, object_info
from storage.s3.multipart import abort_upload
from storage.s3.reading import read_object
from storage.s3.trouble import CONFLICT, DAMAGED_ON_THE_WAY, MISSING, PRECONDITION, Declined

OVERWRITES = "overwrites"
OVERWRITES_PARTS = "overwrites-in-parts"
TAKES_DAMAGE = "takes-damage"
NO_CHECKSUM = "no-checksum"
NO_LOCK = "no-lock"

_REFUSED = frozenset({PRECONDITION, CONFLICT})


def probe_bucket(
    bucket: Bucket, key: str, protection: Mapping[str, Any], *, object_lock: bool
) -> tuple[StoreFault, ...]:
    """The promises that the server breaks, tried out on the object `key`; on a good server all stays as it is.

    Raises ObjectMissing when there is no such object.
    """
    data = b"".join(read_object(bucket, key))
    probe = _Probe(bucket, key, data, protection)
    faults = [*probe.overwriting(), *probe.damage(), *probe.checksum()]
    if object_lock:
        faults += probe.lock()
    return tuple(faults)


class _Probe:
    def __init__(self, bucket: Bucket, key: str, data: bytes, protection: Mapping[str, Any]) -> None:
        self._bucket, self._key, self._data, self._protection = bucket, key, data, protection
        self._target: dict[str, Any] = {"Bucket": bucket.name, "Key": bucket.key(key)}
        self._checksum = base64.b64encode(hashlib.sha256(data).digest()).decode("ascii")

    def overwriting(self) -> Iterator[StoreFault]:
        """Put the same bytes again: a server that minds `If-None-Match` refuses."""
        if self._can_put_again():
            message = "the server ignores If-None-Match: two writers can overwrite each other's objects"
            yield StoreFault(OVERWRITES, message)
        elif self._can_put_again_in_parts():
            message = (
                "the server ignores If-None-Match at the end of uploads in parts: large objects can be overwritten"
            )
            yield StoreFault(OVERWRITES_PARTS, message)

    def damage(self) -> Iterator[StoreFault]:
        """Put a new object with a checksum that is not its own: a server that verifies checksums refuses."""
        client, key = self._bucket.client, f"{self._target['Key']}.probe-{uuid4().hex}"
        wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode("ascii")
        try:
            answer = self._bucket.call(
                "try a wrong checksum",
                lambda: client.put_object(Bucket=self._bucket.name, Key=key, Body=b"probe", ChecksumSHA256=wrong),
                {*DAMAGED_ON_THE_WAY, "InvalidRequest", "BadRequest"},
            )
        except Declined:
            return
        message = "the server does not verify checksums: bytes damaged on their way would be kept"
        version: dict[str, Any] = {"VersionId": answer["VersionId"]} if "VersionId" in answer else {}
        try:
            self._bucket.call(
                "delete the probe", lambda: client.delete_object(Bucket=self._bucket.name, Key=key, **version)
            )
        except StorageError as problem:
            message += f" (the probe {key} stayed there: {problem})"
        yield StoreFault(TAKES_DAMAGE, message)

    def checksum(self) -> Iterator[StoreFault]:
        """Ask for the checksum of an object that was stored with one."""
        info = object_info(self._key, self._head())
        if info.sha256 is None and info.composite_sha256 is None:
            message = f"the server states no SHA-256 of {self._key}: each upload is confirmed by reading it back"
            yield StoreFault(NO_CHECKSUM, message)

    def lock(self) -> Iterator[StoreFault]:
        """Ask for the lock of an object that was stored with one."""
        if not self._head().get("ObjectLockMode"):
            message = (
                f"{self._key} is not locked: the bucket has no Object Lock, or the object is older than the setting"
            )
            yield StoreFault(NO_LOCK, message)

    def _can_put_again(self) -> bool:
        put = self._bucket.client.put_object
        arguments: dict[str, Any] = {**self._target, **self._protection, "ChecksumSHA256": self._checksum}
        try:
            self._bucket.call("try to overwrite", lambda: put(**arguments, Body=self._data, IfNoneMatch="*"), _REFUSED)
        except Declined:
            return False
        return True

    def _can_put_again_in_parts(self) -> bool:
        client, action = self._bucket.client, "try to overwrite in parts"
        begun = self._bucket.call(
            action,
            lambda: client.create_multipart_upload(**self._target, ChecksumAlgorithm="SHA256", **self._protection),
        )
        upload: dict[str, Any] = {**self._target, "UploadId": begun["UploadId"]}
        try:
            sent = self._bucket.call(
                action,
                lambda: client.upload_part(**upload, PartNumber=1, Body=self._data, ChecksumSHA256=self._checksum),
            )
            part: Any = {"PartNumber": 1, "ETag": sent["ETag"], "ChecksumSHA256": self._checksum}
            self._bucket.call(
                action,
                lambda: client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]}, IfNoneMatch="*"),
                _REFUSED,
            )
        except Declined:
            return False
        finally:
            with suppress(StorageError):
                abort_upload(self._bucket, self._target["Key"], begun["UploadId"])
        return True

    def _head(self) -> dict[str, Any]:
        try:
            answer: Any = self._bucket.call(
                f"look for {self._key}",
                lambda: self._bucket.client.head_object(**self._target, ChecksumMode="ENABLED"),
                (MISSING,),
            )
        except Declined as declined:
            raise ObjectMissing(self._key, self._bucket.place) from declined
        return dict(answer)
