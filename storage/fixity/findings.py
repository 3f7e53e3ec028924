"""What verification can find, each kind with its meaning and its cure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from storage.manifest import ManifestObject

Severity = Literal["fault", "note"]
"""A fault makes the archive not whole; a note is worth knowing."""

_FROM_COPY = "newsark verify --repair puts the right bytes back from another store"


@dataclass(frozen=True, slots=True)
class FindingKind:
    """One sentence of meaning, and what to do."""

    meaning: str
    cure: str


UNFINISHED = "unfinished-erasure"

KINDS: Mapping[str, FindingKind] = {
    "missing": FindingKind("The object is listed and is not in the store.", _FROM_COPY),
    "copies-missing": FindingKind(
        "A further store lacks the object.", "newsark verify --repair copies it there from a store that has it"
    ),
    "deleted": FindingKind(
        "The bucket hides the object behind a delete marker.",
        _FROM_COPY + "; or remove the marker with the store's own tools. Find out who deletes",
    ),
    "wrong-size": FindingKind("The object is longer or shorter than its manifest says.", _FROM_COPY),
    "wrong-digest": FindingKind("The object's bytes are not those that its manifest lists.", _FROM_COPY),
    "unreadable-object": FindingKind(
        "The store did not give the object back.", "Look at the message; then verify again, or repair"
    ),
    "unreachable-store": FindingKind(
        "The store did not even list its objects.", "Look at the message; nothing of this store was verified"
    ),
    "stores-differ": FindingKind(
        "Stores hold different bytes under one name, and nothing says which are right.",
        "Compare them by hand; keep what a backup or a signature confirms",
    ),
    "altered-manifest": FindingKind(
        "The manifest is not readable, or not the one that was written: the next manifest or the catalogue says so.",
        _FROM_COPY,
    ),
    "gap": FindingKind(
        "The manifest refers to one before it that is not there.",
        "Bring the missing manifest back: repair from another store, or from a backup",
    ),
    "fork": FindingKind(
        "Two manifests of a source refer to the same one before them.",
        "Two machines wrote the source with separate catalogues: let one do so. Every object is still listed once",
    ),
    UNFINISHED: FindingKind(
        "The object still has what was to be erased.", "newsark erase --finish goes on with the erasure"
    ),
    "unlisted": FindingKind(
        "The object belongs to a segment and no manifest lists it.",
        "Bring its manifest back; while an upload is under way, wait for it",
    ),
    "wrong-counts": FindingKind(
        "The WARC does not hold as many records of a type as its manifest says.", "Compare with another copy; report it"
    ),
    "bad-record": FindingKind(
        "What stands at that offset of the WARC is not a whole record with the digests it names.", _FROM_COPY
    ),
    "bad-index": FindingKind("The index does not say what the WARC holds.", _FROM_COPY),
    "bad-line": FindingKind("A line of records or events is not JSON as it must be.", _FROM_COPY),
    "wrong-pointer": FindingKind("A record line points at other bytes than it names.", _FROM_COPY),
    "reading-differs": FindingKind(
        "The extractor reads something else from the stored bytes than the record says.",
        "With the same version: find out who changed the record. With another one: newsark reextract",
    ),
    "not-reread": FindingKind("An article could not be read again.", "Look at the message"),
    "wrong-signature": FindingKind(
        "The manifest's signature is not of its bytes.", "Find out who changed it; " + _FROM_COPY
    ),
    "unknown-key": FindingKind(
        "The manifest is signed with a key that the archive does not list.", "Find out whose key it is"
    ),
    "unsigned": FindingKind("The manifest is not signed, though the archive is.", "Find out who wrote it"),
    "wrong-timestamp": FindingKind(
        "The time stamp is not of that manifest or not of an authority that is trusted.", "Look at the message"
    ),
}
"""Each kind of finding by its word."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be: `object` is a key, `store` the place, `offset` where in the object.

    `repaired` says that the right bytes are back and were verified.
    """

    object: str
    kind: str
    message: str
    store: str | None = None
    offset: int | None = None
    severity: Severity = "fault"
    repaired: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the archive is not whole because of it."""
        return self.severity == "fault" and not self.repaired

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON-ready values."""
        cure = KINDS[self.kind].cure if self.kind in KINDS else None
        return {
            "object": self.object,
            "kind": self.kind,
            "message": self.message,
            "store": self.store,
            "offset": self.offset,
            "repaired": self.repaired,
            "cure": cure,
        }


def as_unfinished(findings: Sequence[Finding], erased_from: Mapping[str, ManifestObject]) -> list[Finding]:
    """The findings of one unit, where objects that are still what they were before an erasure are called so.

    `erased_from` are objects as they were listed before. What such an object no longer agrees with is not to blame.
    """
    found = [_as_unfinished(one, erased_from.get(one.object)) for one in findings]
    if not any(one.kind == UNFINISHED for one in found):
        return found
    return [one for one in found if one.kind not in ("bad-index", "wrong-pointer")]


def _as_unfinished(finding: Finding, before: ManifestObject | None) -> Finding:
    if before is None or finding.kind not in ("wrong-digest", "wrong-size"):
        return finding
    digests = (before.sha256, before.composite_sha256 or before.sha256)
    is_of_before = finding.message.startswith(f"{before.size_bytes} bytes, ")
    if not is_of_before and not any(one in finding.message for one in digests):
        return finding
    message = "it still has what an erasure took out: the erasure is not finished"
    return Finding(finding.object, UNFINISHED, message, finding.store)
