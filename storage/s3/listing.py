"""Listings of a bucket: objects, delete markers and unfinished uploads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.errors import BadObjectKey, StoreRefuses
from storage.objects import ObjectInfo, check_key
from storage.s3.bucket import Bucket
from storage.s3.trouble import MISSING, NO_METHOD, NOT_IMPLEMENTED, Declined

PAGE_KEYS = 1000


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload in parts that was begun and neither completed nor aborted; `key` as the bucket has it."""

    key: str
    upload_id: str
    begun: datetime


def list_objects(bucket: Bucket, prefix: str, page_keys: int = PAGE_KEYS) -> Iterator[ObjectInfo]:
    """The store's objects whose key begins with `prefix`, in byte order of the keys.

    S3 lists in that order, but servers that are made from file systems list `a/b` before `a-b`. So what fits into
    one page is sorted, and what does not is listed folder by folder: at most one folder is held in memory.
    """
    for one in _sorted_below(bucket, bucket.prefix + prefix, page_keys):
        key = one["Key"][len(bucket.prefix) :]
        if _is_key(key):
            yield ObjectInfo(key, int(one["Size"]))


def list_deletions(bucket: Bucket, prefix: str, page_keys: int = PAGE_KEYS) -> Iterator[str]:
    """Keys whose newest version is a delete marker, in byte order; none where the server knows no versions."""
    arguments: dict[str, Any] = {"Bucket": bucket.name, "Prefix": bucket.prefix + prefix, "MaxKeys": page_keys}
    markers: list[str] = []
    while True:
        try:
            page: Any = bucket.call(
                "list versions",
                lambda: bucket.client.list_object_versions(**arguments),
                (NOT_IMPLEMENTED, NO_METHOD, MISSING),
            )
        except Declined:
            return
        markers += [one["Key"][len(bucket.prefix) :] for one in page.get("DeleteMarkers", []) if one["IsLatest"]]
        if not page.get("IsTruncated") or not page.get("NextKeyMarker"):
            break
        arguments["KeyMarker"] = page["NextKeyMarker"]
        if page.get("NextVersionIdMarker"):
            arguments["VersionIdMarker"] = page["NextVersionIdMarker"]
    yield from sorted(filter(_is_key, markers), key=str.encode)


def list_unfinished(bucket: Bucket, full_prefix: str) -> list[Unfinished]:
    """The unfinished uploads whose key in the bucket begins so, oldest first."""
    # No encoding is asked for: some servers say that they encoded the keys, and did not.
    arguments: dict[str, Any] = {"Bucket": bucket.name, "Prefix": full_prefix}
    found: dict[str, Unfinished] = {}
    while True:
        known = len(found)
        page: Any = bucket.call("list uploads", lambda: bucket.client.list_multipart_uploads(**arguments))
        for one in page.get("Uploads", []):
            found[one["UploadId"]] = Unfinished(one["Key"], one["UploadId"], one["Initiated"])
        if not page.get("IsTruncated") or len(found) == known:
            return sorted(found.values(), key=lambda one: one.begun)
        arguments["KeyMarker"] = page.get("NextKeyMarker") or page["Uploads"][-1]["Key"]
        arguments["UploadIdMarker"] = page.get("NextUploadIdMarker") or page["Uploads"][-1]["UploadId"]


def _sorted_below(bucket: Bucket, prefix: str, page_keys: int) -> Iterator[dict[str, Any]]:
    page = _page(bucket, {"Prefix": prefix, "MaxKeys": page_keys})
    if not page.get("IsTruncated"):
        yield from sorted(page.get("Contents", []), key=_bytes_of_key)
        return
    level: list[dict[str, Any]] = []
    arguments = {"Prefix": prefix, "MaxKeys": page_keys, "Delimiter": "/"}
    while True:
        page = _page(bucket, arguments)
        level += page.get("Contents", [])
        level += [{"Key": one["Prefix"], "Folder": True} for one in page.get("CommonPrefixes", [])]
        if not page.get("IsTruncated"):
            break
        token = page["NextContinuationToken"]
        if token == arguments.get("ContinuationToken"):
            cure = "use another server, or remove the object that it cannot get past"
            raise StoreRefuses(bucket.place, "list", "endless-listing", f"the same page comes again at {token!r}", cure)
        arguments["ContinuationToken"] = token
    for one in sorted(level, key=_bytes_of_key):
        if "Folder" in one:
            yield from _sorted_below(bucket, one["Key"], page_keys)
        else:
            yield one


def _page(bucket: Bucket, arguments: dict[str, Any]) -> dict[str, Any]:
    answer: Any = bucket.call("list", lambda: bucket.client.list_objects_v2(Bucket=bucket.name, **arguments))
    return dict(answer)


def _bytes_of_key(one: dict[str, Any]) -> bytes:
    return str(one["Key"]).encode("utf-8", "surrogatepass")


def _is_key(key: str) -> bool:
    try:
        check_key(key)
    except BadObjectKey:
        return False
    return True
