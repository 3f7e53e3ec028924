"""The store that is a bucket, or a prefix of one, behind any S3-compatible server."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any

from storage.digests import PART_BYTES
from storage.durable import flush_directory
from storage.errors import DigestMismatch, ObjectExists, ObjectMissing, StoreUnreachable
from storage.objects import ObjectInfo, ObjectLock, ObjectStore, StoreFault
from storage.s3.bucket import Bucket, object_info
from storage.s3.client import make_client
from storage.s3.erasing import delete_older, locks_of
from storage.s3.listing import list_deletions, list_objects, list_unfinished
from storage.s3.multipart import ROUNDS, Multipart, abort_upload
from storage.s3.probe import probe_bucket
from storage.s3.reading import read_object
from storage.s3.streamed import StreamedObject
from storage.s3.trouble import CONFLICT, MISSING, PRECONDITION, Declined, Patience
from storage.s3.uploadparts import PartedData
from storage.stores import S3Place, StoreSettings


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


class S3Store(ObjectStore):
    """Objects in a bucket, each written once: `If-None-Match: *`, with a SHA-256 that the server verifies.

    What the server answers is not believed without its checksum: HEAD's, or the object read back where the server
    states none. Objects of more than `part_bytes` go in parts, and an upload that was cut short is gone on with.
    Nothing is ever deleted but our own unfinished uploads, and what `replace` is told to. May be used from several
    threads.
    """

    def __init__(
        self,
        place: S3Place,
        settings: StoreSettings,
        *,
        part_bytes: int = PART_BYTES,
        patience: Patience | None = None,
        utc_clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._where = place
        self._settings = settings
        self._part_bytes = part_bytes
        self._patience = patience or Patience(settings.time_limit_seconds)
        self._utc_clock = utc_clock
        self._made: Bucket | None = None
        self._making = threading.Lock()
        self._bucket_was_seen = False

    def __repr__(self) -> str:
        return f"S3Store({self.place!r})"

    @property
    def place(self) -> str:
        """`s3://bucket/prefix`."""
        return str(self._where)

    @property
    def way(self) -> str:
        """The server, as its settings name it, and what is asked of every put."""
        chosen = self._settings
        return f"{(chosen.endpoint_url or '').rstrip('/')} {chosen.object_lock_mode} {chosen.server_side_encryption}"

    @property
    def bucket(self) -> Bucket:
        """The bucket, connected at the first use. Raises BadSetting when the settings make no client."""
        with self._making:
            if self._made is None:
                client = make_client(self._settings)
                self._made = Bucket(client, self._where.bucket, self._where.prefix, self.place, self._patience)
            return self._made

    # writing

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store `data` under `key`."""
        self.bucket.key(key)
        self._put(key, PartedData.read(data, self._part_bytes))

    def put_file(self, key: str, path: Path, sha256: str, *, move: bool = False) -> None:
        """Store the file at `path`; it is read, never changed, and with `move` it goes last."""
        self.bucket.key(key)
        if move and not path.exists():
            if self._read_sha256(key) != sha256:
                raise ObjectExists(key)
            return
        self._put(key, self._file(path, sha256))
        if move:
            path.unlink()
            flush_directory(path.parent)

    def restore(self, key: str, path: Path, sha256: str) -> None:
        """Put verified bytes over what is damaged or hidden; a bucket with versions keeps the old ones.

        The object is read to tell: a server states the checksum it once computed, whatever became of the bytes.
        """
        self.bucket.key(key)
        data = self._file(path, sha256)

        def is_stored() -> bool:
            try:
                return self._read_sha256(key) == sha256
            except (ObjectMissing, DigestMismatch):
                return False

        try:
            if is_stored():
                return
        except StoreUnreachable:
            # A server that lost the bytes may fail for ever to read them, and still take new ones.
            pass
        self._send(key, data, {}, is_stored)

    def replace(self, key: str, path: Path, sha256: str, *, bypass_governance: bool = False) -> None:
        """Put verified bytes over what is there, then delete every older version and every delete marker."""

        def is_stored() -> bool:
            try:
                return self._read_sha256(key) == sha256
            except ObjectMissing:
                # hidden behind a delete marker, perhaps: what cannot be seen is to go as well
                return False

        if not is_stored():
            self._send(key, self._file(path, sha256), {}, is_stored)
        delete_older(self.bucket, key, bypass_governance=bypass_governance)

    def locks(self, key: str) -> Sequence[ObjectLock]:
        """The locks of every version."""
        return [one for one in locks_of(self.bucket, key) if one.until is None or one.until > self._utc_clock()]

    def sweep(self, before: datetime) -> int:
        """Abort the uploads in parts that began before then and never ended."""
        stale = [one for one in list_unfinished(self.bucket, self._where.prefix) if one.begun < before]
        return sum(abort_upload(self.bucket, one.key, one.upload_id) for one in stale)

    def stream(self, key: str) -> StreamedObject:
        """An object to be written as its bytes are made; it is there when it was completed."""
        return StreamedObject(self.bucket, key, self._protection())

    # reading

    def get(self, key: str) -> bytes:
        """All bytes of an object."""
        return b"".join(self.chunks(key))

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on, or fewer at the end."""
        if length <= 0:
            self.head(key)
            return b""
        return b"".join(read_object(self.bucket, key, offset, length))

    def chunks(self, key: str) -> Iterator[bytes]:
        """All bytes of an object in pieces; a broken connection is taken up where it broke."""
        return read_object(self.bucket, key)

    def head(self, key: str) -> ObjectInfo:
        """Size and checksum as the server states them; no checksum where it has none of SHA-256."""
        bucket, target = self.bucket, self._target(key)
        try:
            answer: Any = bucket.call(
                f"look for {key}", lambda: bucket.client.head_object(**target, ChecksumMode="ENABLED"), (MISSING,)
            )
        except Declined as declined:
            self._see_bucket()
            raise ObjectMissing(key, self.place) from declined
        return object_info(key, answer)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every object whose key begins with `prefix`, in byte order."""
        return list_objects(self.bucket, prefix)

    def deletions(self, prefix: str = "") -> Iterator[str]:
        """Keys whose newest version is a delete marker; none in a bucket without versions."""
        return list_deletions(self.bucket, prefix)

    def probe(self, key: str) -> Sequence[StoreFault]:
        """Which promises the server breaks; nothing is left behind on one that keeps them."""
        bucket = self.bucket
        return probe_bucket(bucket, key, self._protection(), object_lock=self._settings.object_lock_mode is not None)

    def clock_ahead_seconds(self) -> float | None:
        """What the Date of an answer (RFC 9110, 6.6.1) says, which has whole seconds; None without one."""
        bucket, before = self.bucket, self._utc_clock()
        answer: Any = bucket.call("ask", lambda: bucket.client.list_objects_v2(Bucket=bucket.name, MaxKeys=1))
        after, told = self._utc_clock(), answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        try:
            date = parsedate_to_datetime(told or "")
        except ValueError:
            return None
        # the answer is from some moment in between; of a whole second the middle is taken
        return (date + timedelta(milliseconds=500) - (before + (after - before) / 2)).total_seconds()

    # how it is done

    def _target(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._where.bucket, "Key": self.bucket.key(key)}

    def _file(self, path: Path, sha256: str) -> PartedData:
        data = PartedData.read(path, self._part_bytes)
        if data.sha256 != sha256:
            raise DigestMismatch(str(path), sha256, data.sha256)
        return data

    def _put(self, key: str, data: PartedData) -> None:
        is_stored = partial(self._is_stored, key, data)
        # A look before many parts are sent in vain; and, where the server lets writers overwrite, the only guard.
        if (len(data.parts) > 1 or self._settings.accept_unsafe) and is_stored():
            return
        self._send(key, data, {"IfNoneMatch": "*"}, is_stored)

    def _send(self, key: str, data: PartedData, condition: dict[str, str], is_stored: Callable[[], bool]) -> None:
        if len(data.parts) > 1:
            Multipart(self.bucket, key, data, self._protection(), condition, is_stored).put()
        else:
            self._send_whole(key, data, condition, is_stored)

    def _send_whole(self, key: str, data: PartedData, condition: dict[str, str], is_stored: Callable[[], bool]) -> None:
        bucket, (part,), action = self.bucket, data.parts, f"store {key}"
        arguments: dict[str, Any] = {**self._target(key), **self._protection(), **condition}
        start, doubt = self._patience.clock(), Declined("it is gone after it was acknowledged")
        for attempt in range(1, ROUNDS + 1):
            try:
                answer: Any = bucket.send(
                    action,
                    data,
                    part,
                    lambda body: bucket.client.put_object(**arguments, Body=body, ChecksumSHA256=part.checksum),
                    (PRECONDITION, CONFLICT),
                )
            except Declined as declined:
                doubt = declined
            else:
                if answer.get("ChecksumSHA256") == part.checksum:
                    return
            if is_stored():
                return
            self._patience.pause(self.place, action, start, attempt, doubt)
        raise StoreUnreachable(self.place, action, self._patience.clock() - start, str(doubt))

    def _is_stored(self, key: str, data: PartedData) -> bool:
        """Whether the object is there with these bytes. Raises ObjectExists when it is there with others."""
        try:
            agrees = data.agrees_with(self.head(key))
            if agrees is None:
                agrees = self._read_sha256(key) == data.sha256
        except ObjectMissing:
            return False
        if not agrees:
            raise ObjectExists(key)
        return True

    def _read_sha256(self, key: str) -> str:
        digest = hashlib.sha256()
        for chunk in self.chunks(key):
            digest.update(chunk)
        return digest.hexdigest()

    def _protection(self) -> dict[str, Any]:
        """Class, encryption and lock that are asked for each object."""
        settings = self._settings
        asked: dict[str, Any] = {
            "StorageClass": settings.storage_class,
            "ServerSideEncryption": settings.server_side_encryption,
            "SSEKMSKeyId": settings.kms_key_id,
        }
        if settings.object_lock_mode is not None:
            asked["ObjectLockMode"] = settings.object_lock_mode
            asked["ObjectLockRetainUntilDate"] = self._utc_clock() + timedelta(days=settings.object_lock_days or 0)
        return {name: value for name, value in asked.items() if value is not None}

    def _see_bucket(self) -> None:
        """Raise StoreRefuses when it is the bucket that is missing: HEAD does not tell the one from the other."""
        if not self._bucket_was_seen:
            bucket = self.bucket
            bucket.call("look for the bucket", lambda: bucket.client.list_objects_v2(Bucket=bucket.name, MaxKeys=1))
            self._bucket_was_seen = True
