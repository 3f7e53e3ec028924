"""Which store a place names, and how it is to be used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from storage.directory import DirectoryStore
from storage.errors import BadObjectKey, BadSetting
from storage.objects import ObjectStore, check_key
from storage.union import UnionStore

SCHEME = "s3://"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """A place (a directory, or s3://bucket/prefix) and how to reach and use the store there.

    Credentials are no setting: boto3's own chain finds them (variables, profiles, instance roles).
    `time_limit_seconds` is how long one request is tried again before the store counts as unreachable; a large
    object is many requests.
    """

    place: str
    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    storage_class: str | None = None
    server_side_encryption: Literal["AES256", "aws:kms"] | None = None
    kms_key_id: str | None = None
    object_lock_mode: Literal["GOVERNANCE", "COMPLIANCE"] | None = None
    object_lock_days: int | None = None
    accept_unsafe: bool = False
    time_limit_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket and the prefix of every key in it; the prefix is empty or ends in a slash."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, place: str) -> S3Place:
        """The place that `s3://bucket/prefix` names. Raises BadSetting with what is wrong in it."""
        bucket, _, prefix = place.removeprefix(SCHEME).partition("/")
        if not place.startswith(SCHEME) or not bucket:
            raise _bad(place, "is not of the form s3://bucket or s3://bucket/prefix")
        if not _BUCKET.fullmatch(bucket) or ".." in bucket:
            names = "3 to 63 lower-case letters, digits, hyphens and dots"
            raise _bad(place, f"{bucket!r} is not the name of a bucket, which has {names}")
        prefix = prefix.rstrip("/")
        if prefix:
            try:
                check_key(prefix)
            except BadObjectKey:
                problem = f"the prefix {prefix!r} has an empty or hidden part, or a character that no key may have"
                raise _bad(place, problem) from None
            prefix += "/"
        return cls(bucket, prefix)

    def __str__(self) -> str:
        return SCHEME + self.bucket + ("/" + self.prefix.rstrip("/") if self.prefix else "")


def open_store(settings: StoreSettings) -> ObjectStore:
    """The store there; nothing is asked of it yet. Raises BadSetting for a place or a setting that cannot be one."""
    scheme, colon, _ = settings.place.partition("://")
    if not colon:
        _refuse_what_directories_cannot(settings)
        return DirectoryStore(Path(settings.place))
    if scheme == "file":
        raise _bad(settings.place, "write the directory's path alone, without file://")
    if scheme != "s3":
        raise _bad(settings.place, "is neither a directory nor s3://bucket/prefix")
    place = S3Place.parse(settings.place)
    _refuse_contradictions(settings)
    # boto3 takes a quarter of a second to load; only who has a bucket pays for it.
    from storage.s3.store import S3Store

    return S3Store(place, settings)


def open_stores(every: Sequence[StoreSettings]) -> ObjectStore:
    """One store, or several read as one. Raises as `open_store` does."""
    stores = [open_store(settings) for settings in every]
    return stores[0] if len(stores) == 1 else UnionStore(stores)


def _refuse_what_directories_cannot(settings: StoreSettings) -> None:
    for name in ("object_lock_mode", "server_side_encryption"):
        if getattr(settings, name) is not None:
            raise BadSetting(settings.place, name, "a directory cannot do that; remove the setting, or use a bucket")


def _refuse_contradictions(settings: StoreSettings) -> None:
    def refuse(name: str, problem: str) -> BadSetting:
        return BadSetting(settings.place, name, problem)

    if (settings.object_lock_mode is None) != (settings.object_lock_days is None):
        raise refuse("object_lock_mode", "goes with object_lock_days; set both, or neither")
    if settings.object_lock_days is not None and settings.object_lock_days < 1:
        raise refuse("object_lock_days", f"must be at least 1, not {settings.object_lock_days}")
    if settings.kms_key_id is not None and settings.server_side_encryption != "aws:kms":
        raise refuse("kms_key_id", "needs server_side_encryption = 'aws:kms'")
    if settings.time_limit_seconds <= 0:
        raise refuse("time_limit_seconds", f"must be more than 0, not {settings.time_limit_seconds:g}")
    if settings.endpoint_url is not None:
        url = urlsplit(settings.endpoint_url)
        if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
            raise refuse("endpoint_url", "is not an address such as https://s3.example.org")
        if url.username or url.password:
            # The address stands in messages and logs.
            raise refuse("endpoint_url", "must not hold credentials; give them to boto3 as a profile or variables")


def _bad(place: str, problem: str) -> BadSetting:
    return BadSetting("archive", place, problem)
