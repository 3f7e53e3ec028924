"""A bucket of an S3-compatible server, with the patience that is had with it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from storage.errors import BadObjectKey
from storage.objects import ObjectInfo, check_key
from storage.s3.trouble import DAMAGED_ON_THE_WAY, Declined, Patience
from storage.s3.uploadparts import Part, PartedData

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bucket:
    """The part of a bucket that a store is in: every key of the store has `prefix` before it there."""

    client: S3Client
    name: str
    prefix: str
    place: str
    patience: Patience

    def key(self, key: str) -> str:
        """The key in the bucket. Raises BadObjectKey for one that no object may have, or too long with its prefix."""
        check_key(key)
        if self.prefix:
            try:
                return check_key(self.prefix + key)
            except BadObjectKey:
                raise BadObjectKey(key) from None
        return key

    def call(self, action: str, request: Callable[[], T], expected: Collection[str] = ()) -> T:
        """What the request returns; see Patience.call."""
        return self.patience.call(self.place, action, request, expected)

    def send(
        self, action: str, data: PartedData, part: Part, request: Callable[[Any], T], expected: Collection[str] = ()
    ) -> T:
        """What the request returns when it is called with the part's body; bytes damaged on their way go again.

        Raises DigestMismatch when they are not what was read first: then the file changed.
        """
        start, attempt = self.patience.clock(), 0

        def sent() -> T:
            with data.body(part) as body:
                return request(body)

        while True:
            attempt += 1
            try:
                return self.call(action, sent, {*expected, *DAMAGED_ON_THE_WAY})
            except Declined as declined:
                if declined.code not in DAMAGED_ON_THE_WAY:
                    raise
                data.check(part)
                self.patience.pause(self.place, action, start, attempt, declined)


def object_info(key: str, answer: Mapping[str, Any]) -> ObjectInfo:
    """What an answer to HEAD, PUT or a completed upload says about an object; a size of -1 when it says none."""
    checksum = str(answer.get("ChecksumSHA256") or "")
    size = int(answer.get("ContentLength", -1))
    if "-" in checksum:
        return ObjectInfo(key, size, None, checksum)
    try:
        return ObjectInfo(key, size, base64.b64decode(checksum, validate=True).hex() or None)
    except binascii.Error:
        return ObjectInfo(key, size)
