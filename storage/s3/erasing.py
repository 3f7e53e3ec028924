"""Versions of an object in a bucket: which there are, what locks them, and how all but the newest are deleted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from storage.objects import ObjectLock
from storage.s3.bucket import Bucket
from storage.s3.trouble import MISSING, NO_METHOD, NOT_IMPLEMENTED, Declined

_NO_VERSIONS = (NOT_IMPLEMENTED, NO_METHOD, MISSING)


def delete_older(bucket: Bucket, key: str, *, bypass_governance: bool) -> None:
    """Delete every version of an object but the newest, and every delete marker."""
    more: dict[str, Any] = {"BypassGovernanceRetention": True} if bypass_governance else {}
    for version, is_newest in list(_versions(bucket, key)):
        if not is_newest:
            target: dict[str, Any] = {"Bucket": bucket.name, "Key": bucket.key(key), "VersionId": version}
            bucket.call(f"delete a version of {key}", partial(bucket.client.delete_object, **target, **more))


def locks_of(bucket: Bucket, key: str) -> Iterator[ObjectLock]:
    """What locks the versions of an object."""
    for version, _ in list(_versions(bucket, key, with_markers=False)):
        target: dict[str, Any] = {"Bucket": bucket.name, "Key": bucket.key(key), "VersionId": version}
        try:
            told: Any = bucket.call(
                f"ask for the lock of {key}", partial(bucket.client.head_object, **target), _NO_VERSIONS
            )
        except Declined:
            continue
        if told.get("ObjectLockMode"):
            yield ObjectLock(key, str(told["ObjectLockMode"]), told.get("ObjectLockRetainUntilDate"))
        if told.get("ObjectLockLegalHoldStatus") == "ON":
            yield ObjectLock(key, "LEGAL HOLD")


def _versions(bucket: Bucket, key: str, *, with_markers: bool = True) -> Iterator[tuple[str, bool]]:
    """Each version's id and whether it is the newest; none where the server knows no versions."""
    arguments: dict[str, Any] = {"Bucket": bucket.name, "Prefix": bucket.key(key)}
    while True:
        try:
            page: Any = bucket.call(
                "list versions", partial(bucket.client.list_object_versions, **arguments), _NO_VERSIONS
            )
        except Declined:
            return
        kinds = ("Versions", "DeleteMarkers") if with_markers else ("Versions",)
        for one in (one for kind in kinds for one in page.get(kind, [])):
            if one["Key"] == arguments["Prefix"]:
                yield one["VersionId"], bool(one["IsLatest"])
        if not page.get("IsTruncated") or not page.get("NextKeyMarker"):
            return
        arguments["KeyMarker"] = page["NextKeyMarker"]
        if page.get("NextVersionIdMarker"):
            arguments["VersionIdMarker"] = page["NextVersionIdMarker"]
