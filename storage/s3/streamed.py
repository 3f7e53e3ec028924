"""An object that is sent while its bytes are made: nobody knows beforehand how many they will be."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from storage.digests import composite_sha256
from storage.errors import ObjectExists, StorageError, StoreRefuses
from storage.s3.bucket import Bucket, object_info
from storage.s3.multipart import DOUBTS, abort_upload
from storage.s3.trouble import MISSING, NO_UPLOAD, Declined
from storage.s3.uploadparts import Part, PartedData

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PART_BYTES = 8 * 1024 * 1024
PARTS_OF_A_SIZE = 1000
"""S3 takes 10,000 parts: each thousand is larger than the one before, so that 450 GB fit."""


class StreamedObject(io.RawIOBase):
    """A file that becomes an object when `complete` returns, and nothing when `drop` does; one part is in memory.

    `creation` are further arguments of the upload (encryption). Every part has a SHA-256 that the server verifies.
    """

    def __init__(self, bucket: Bucket, key: str, creation: Mapping[str, Any], *, part_bytes: int = PART_BYTES) -> None:
        super().__init__()
        self.key, self.size_bytes = key, 0
        self._bucket, self._part_bytes = bucket, part_bytes
        self._target: dict[str, Any] = {"Bucket": bucket.name, "Key": bucket.key(key)}
        self._action = f"store {key}"
        self._waiting = bytearray()
        self._parts: list[tuple[Part, str]] = []
        self._is_object = False
        answer = bucket.call(
            self._action,
            lambda: bucket.client.create_multipart_upload(**self._target, ChecksumAlgorithm="SHA256", **creation),
        )
        self._upload_id = answer["UploadId"]

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: ReadableBuffer) -> int:
        """Take bytes; a whole part is sent before this returns."""
        view = memoryview(data).cast("B")
        size = len(view)
        while view:
            room = self._next_bytes - len(self._waiting)
            self._waiting += view[:room]
            view = view[room:]
            if len(self._waiting) == self._next_bytes:
                self._send_waiting()
        return size

    def end(self) -> None:
        """Send what is left: there is no more."""
        if self._waiting or not self._parts:
            self._send_waiting()

    def complete(self) -> None:
        """Make it an object. Raises ObjectExists when there is one of that name, which stays as it is."""
        parts: Any = [
            {"PartNumber": part.number, "ETag": etag, "ChecksumSHA256": part.checksum} for part, etag in self._parts
        ]
        try:
            self._bucket.call(
                self._action,
                lambda: self._bucket.client.complete_multipart_upload(
                    **self._target, UploadId=self._upload_id, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                ),
                DOUBTS,
            )
        except Declined as declined:
            # An answer that was lost on its way makes the next attempt fail.
            self._check_stored(declined.code)
        self._is_object = True

    def drop(self) -> None:
        """Leave nothing of it, as far as the server does what it is asked for."""
        with suppress(StorageError):
            if self._is_object:
                self._bucket.call(self._action, lambda: self._bucket.client.delete_object(**self._target))
            else:
                abort_upload(self._bucket, self._target["Key"], self._upload_id)

    @property
    def _next_bytes(self) -> int:
        return self._part_bytes * (1 + len(self._parts) // PARTS_OF_A_SIZE)

    def _send_waiting(self) -> None:
        data = bytes(self._waiting)
        self._waiting = bytearray()
        part = Part(len(self._parts) + 1, 0, len(data), hashlib.sha256(data).digest())
        try:
            answer = self._bucket.send(
                f"store part {part.number} of {self.key}",
                PartedData(data, len(data), part.digest.hex(), (part,)),
                part,
                lambda body: self._bucket.client.upload_part(
                    **self._target,
                    UploadId=self._upload_id,
                    PartNumber=part.number,
                    Body=body,
                    ChecksumSHA256=part.checksum,
                ),
                (NO_UPLOAD, MISSING),
            )
        except Declined as declined:
            raise self._refused(declined.code) from declined
        self._parts.append((part, answer["ETag"]))
        self.size_bytes += len(data)

    def _check_stored(self, code: str) -> None:
        try:
            answer = self._bucket.call(
                self._action,
                lambda: self._bucket.client.head_object(**self._target, ChecksumMode="ENABLED"),
                (MISSING,),
            )
        except Declined as declined:
            raise self._refused(code) from declined
        stored, digests = object_info(self.key, answer), [part.digest for part, _ in self._parts]
        if stored.size_bytes != self.size_bytes or stored.composite_sha256 not in (None, composite_sha256(digests)):
            raise ObjectExists(self.key)

    def _refused(self, code: str) -> StoreRefuses:
        return StoreRefuses(self._bucket.place, self._action, code, "what was sent makes no object", "try again")
