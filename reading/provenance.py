"""One record held against its bytes: are they there, are they the ones, and do they still say the same?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pipelines.pool import ReaderPool
from reading.reextraction import original_of, page_of, record_differences, selectors_of, was_no_answer
from storage.archive import Archive
from storage.errors import StorageError
from storage.readback import StoredExchange, read_capture

READING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: whether it holds (None when it cannot be said), and what was found."""

    what: str
    holds: bool | None
    found: str


def check_record(archive: Archive, source_id: str, record: Mapping[str, Any], pool: ReaderPool) -> list[Check]:
    """What a look at a record's bytes shows: their digests, whose they are, and that they read as the record says."""
    where = record.get("archive")
    if not where:
        return [Check("bytes", None, "nothing was kept of this page; the record is all there is")]
    place = (where["filename"], where["offset"], where["length"])
    try:
        stored = read_capture(archive.holdings, *place, resolve=partial(original_of, archive.catalogue))
    except (StorageError, OSError) as problem:
        return [Check("bytes", False, str(problem))]
    size = len(stored.payload or b"")
    found = [
        Check(
            "bytes",
            True,
            f"{size:,} bytes read at {where['filename']}, offset {where['offset']}; every digest is right",
        )
    ]
    return [*found, _identity(where, stored), _reading(archive, source_id, record, stored, pool)]


def _identity(where: Mapping[str, Any], stored: StoredExchange) -> Check:
    """Whether the record there is the one that is named."""
    bare = str(where["recordId"]).strip("<>")
    if stored.record_id.strip("<>") != bare:
        return Check("identity", False, f"the WARC record there is {stored.record_id}, not {where['recordId']}")
    told = stored.warc_fields.get("warc-payload-digest")
    if where.get("payloadDigest") and told and told != where["payloadDigest"]:
        return Check("identity", False, f"its payload digest is {told}, not {where['payloadDigest']}")
    return Check("identity", True, f"it is the WARC record {where['recordId']} with the payload digest {told}")


def _reading(
    archive: Archive, source_id: str, record: Mapping[str, Any], stored: StoredExchange, pool: ReaderPool
) -> Check:
    """Whether the bytes read as the record says."""
    selectors = selectors_of(archive.catalogue, source_id)
    try:
        page = replace(page_of(record, stored), selectors=selectors)
    except (KeyError, TypeError, ValueError) as problem:
        return Check("words", None, f"it cannot be read again: {problem}")
    try:
        reading = pool.submit(page).result(timeout=READING_SECONDS)
    except TimeoutError:
        return Check("words", None, "too many are read at this moment; ask again later")
    if was_no_answer(reading):
        return Check("words", None, f"it could not be read to its end: {reading.reason}")
    differences = list(record_differences(record, reading))
    if differences:
        version = (record.get("metadata") or {}).get("extractorVersion")
        return Check("words", False, f"{', '.join(differences)} read otherwise now; the record is of {version}")
    return Check("words", True, "they say the same as the record, field by field")
