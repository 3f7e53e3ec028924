"""Uploads in parts. All that is known about one is on the server, so that any later attempt goes on with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from storage.errors import DigestMismatch, ObjectExists, StorageError, StoreUnreachable
from storage.s3.bucket import Bucket
from storage.s3.listing import list_unfinished
from storage.s3.trouble import CONFLICT, DAMAGED_ON_THE_WAY, MISSING, NO_UPLOAD, PRECONDITION, Declined
from storage.s3.uploadparts import Part, PartedData

THREADS = 4
ROUNDS = 5
_GONE = frozenset({NO_UPLOAD, MISSING})
DOUBTS = frozenset({PRECONDITION, CONFLICT, "InvalidPart", "InvalidPartOrder", *_GONE, *DAMAGED_ON_THE_WAY})


@dataclass(frozen=True, slots=True)
class Multipart:
    """One object's way into a bucket, part by part.

    `creation` are the further arguments of the upload (class, encryption, lock), `completion` those of its end
    (If-None-Match). `is_stored` tells whether the object is there with these bytes, and raises ObjectExists when it
    is there with others: it decides whenever the server's own answer leaves a doubt.
    """

    bucket: Bucket
    key: str
    data: PartedData
    creation: Mapping[str, Any]
    completion: Mapping[str, Any]
    is_stored: Callable[[], bool]

    def put(self) -> None:
        """Return when the object is stored. Raises ObjectExists, DigestMismatch when the file changed meanwhile."""
        start = self.bucket.patience.clock()
        for attempt in range(1, ROUNDS + 1):
            upload_id, held = self._unfinished() or (self._begin(), {})
            doubt = self._finish(upload_id, held)
            if self._is_settled(upload_id, doubt):
                return
            trouble = doubt or Declined("it is gone after it was acknowledged")
            self.bucket.patience.pause(self.bucket.place, self._action, start, attempt, trouble)
        raise StoreUnreachable(self.bucket.place, self._action, self.bucket.patience.clock() - start, str(trouble))

    @property
    def _action(self) -> str:
        return f"store {self.key}"

    @property
    def _target(self) -> dict[str, Any]:
        return {"Bucket": self.bucket.name, "Key": self.bucket.key(self.key)}

    # what is there

    def _unfinished(self) -> tuple[str, dict[int, str]] | None:
        """An upload that an earlier attempt left, and the ETags of its parts; None when there is none.

        One with no part yet may be another process's that began just now; one with other bytes certainly is.
        """
        best: tuple[str, dict[int, str]] | None = None
        for upload in list_unfinished(self.bucket, self._target["Key"]):
            if upload.key != self._target["Key"]:
                continue
            with suppress(Declined):
                listed = self._listed(upload.upload_id)
                held = self._agreeing(listed, {})
                if len(held) == len(listed) > len(best[1] if best else ()):
                    best = upload.upload_id, held
        return best

    def _listed(self, upload_id: str) -> list[dict[str, Any]]:
        arguments: dict[str, Any] = {**self._target, "UploadId": upload_id}
        found: list[dict[str, Any]] = []
        while True:
            page: Any = self.bucket.call(
                f"list the parts of {self.key}", lambda: self.bucket.client.list_parts(**arguments), _GONE
            )
            found += page.get("Parts", [])
            if not page.get("IsTruncated") or not page.get("Parts"):
                return found
            arguments["PartNumberMarker"] = page["Parts"][-1]["PartNumber"]

    def _agreeing(self, listed: Sequence[Mapping[str, Any]], acknowledged: Mapping[int, str]) -> dict[int, str]:
        """The ETags of the listed parts that are the data's, by number."""
        parts = {part.number: part for part in self.data.parts}
        held = {}
        for one in listed:
            part = parts.get(one["PartNumber"])
            if part and self._agrees(part, one, acknowledged.get(part.number)):
                held[part.number] = str(one["ETag"])
        return held

    def _agrees(self, part: Part, listed: Mapping[str, Any], acknowledged: str | None) -> bool:
        if listed["Size"] != part.size_bytes:
            return False
        if listed.get("ChecksumSHA256"):
            return bool(listed["ChecksumSHA256"] == part.checksum)
        # Some servers list no checksums; they verified the part's when it came, and the ETag says which part it is.
        return bool(listed["ETag"] == acknowledged) or str(listed["ETag"]).strip('"') == self.data.md5(part)

    # what is sent

    def _begin(self) -> str:
        answer = self.bucket.call(
            self._action,
            lambda: self.bucket.client.create_multipart_upload(
                **self._target, ChecksumAlgorithm="SHA256", **self.creation
            ),
        )
        return answer["UploadId"]

    def _filled(self, upload_id: str, held: dict[int, str]) -> dict[int, str]:
        """The ETags of all parts, after the server listed each as it is here: an acknowledged part may be gone."""
        for _ in range(ROUNDS):
            missing = [part for part in self.data.parts if part.number not in held]
            if not missing:
                return held
            acknowledged = held | self._sent(upload_id, missing)
            held = self._agreeing(self._listed(upload_id), acknowledged)
        raise Declined("parts are gone after they were acknowledged")

    def _sent(self, upload_id: str, parts: Sequence[Part]) -> dict[int, str]:
        with ThreadPoolExecutor(min(THREADS, len(parts))) as pool:
            sending = {part.number: pool.submit(self._send, upload_id, part) for part in parts}
            done, waiting = wait(sending.values(), return_when=FIRST_EXCEPTION)
            for future in waiting:
                future.cancel()
            for future in done:
                future.result()
            return {number: future.result() for number, future in sending.items()}

    def _send(self, upload_id: str, part: Part) -> str:
        answer = self.bucket.send(
            f"store part {part.number} of {self.key}",
            self.data,
            part,
            lambda body: self.bucket.client.upload_part(
                **self._target, UploadId=upload_id, PartNumber=part.number, Body=body, ChecksumSHA256=part.checksum
            ),
            _GONE,
        )
        return answer["ETag"]

    def _finish(self, upload_id: str, held: dict[int, str]) -> Declined | None:
        """Send what is missing and complete the upload; the server's word when it does not simply say yes."""
        try:
            self._complete(upload_id, self._filled(upload_id, held))
        except Declined as declined:
            if declined.code in DAMAGED_ON_THE_WAY:
                # It holds a part that is not what it was told; which one, it does not say.
                self._abort(upload_id)
            return declined
        except DigestMismatch:
            self._abort(upload_id)
            raise
        return None

    def _complete(self, upload_id: str, etags: Mapping[int, str]) -> None:
        parts: Any = [
            {"PartNumber": part.number, "ETag": etags[part.number], "ChecksumSHA256": part.checksum}
            for part in self.data.parts
        ]
        self.bucket.call(
            self._action,
            lambda: self.bucket.client.complete_multipart_upload(
                **self._target, UploadId=upload_id, MultipartUpload={"Parts": parts}, **self.completion
            ),
            DOUBTS,
        )

    def _is_settled(self, upload_id: str, doubt: Declined | None) -> bool:
        """Whether the object is there; what a doubt may have left of the upload goes then, or when another is there."""
        try:
            stored = self.is_stored()
        except ObjectExists:
            self._abort(upload_id)
            raise
        if stored and doubt:
            self._abort(upload_id)
        return stored

    def _abort(self, upload_id: str) -> None:
        # What stays is swept later.
        with suppress(StorageError):
            abort_upload(self.bucket, self._target["Key"], upload_id)


def abort_upload(bucket: Bucket, full_key: str, upload_id: str) -> bool:
    """Abort an upload in parts; False when it is gone already. No object is touched by it."""
    target: dict[str, Any] = {"Bucket": bucket.name, "Key": full_key, "UploadId": upload_id}
    try:
        bucket.call(f"abort an upload of {full_key}", lambda: bucket.client.abort_multipart_upload(**target), _GONE)
    except Declined:
        return False
    return True
