"""Damaged, missing and hidden objects put right from another store, byte for byte, verified on the way and after."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.errors import DigestMismatch, ObjectMissing, StorageError
from storage.fixity.findings import Finding
from storage.fixity.objectcheck import vouched
from storage.fixity.verifier import Report
from storage.manifest import ManifestObject
from storage.objects import ObjectStore

OBJECT_KINDS = frozenset(
    {
        "missing",
        "copies-missing",
        "deleted",
        "wrong-size",
        "wrong-digest",
        "unreadable-object",
        "altered-manifest",
        "bad-record",
        "bad-index",
        "bad-line",
        "wrong-pointer",
        "wrong-signature",
    }
)
"""The kinds that another copy of the object may cure."""

# Every run looks at all manifests: what it no longer says of them is no longer so.
_OF_MANIFESTS = frozenset({"gap", "fork", "unlisted", "altered-manifest"})


@dataclass(frozen=True, slots=True)
class Repair:
    """One object of one store: where the right bytes came from, or why it was not repaired."""

    key: str
    store: str
    donor: str | None
    problem: str | None = None


def repair(
    report: Report,
    stores: Sequence[ObjectStore],
    scratch: Path,
    on_object: Callable[[Repair], None] = lambda _: None,
) -> list[Repair]:
    """Every object that the report finds wrong, put right where any other store has it right.

    What is right is what manifests, catalogue and chain say, never what one store says of itself. `scratch` is a
    directory with room for the largest object. A store that fails costs its own objects.
    """
    done: list[Repair] = []
    for place, key in _damaged(report):
        store = next(one for one in stores if one.place == place)
        others = [one for one in stores if one is not store]
        one = _repair(store, others, report.right.get(key), key, scratch)
        on_object(one)
        done.append(one)
    return done


def settled(before: Report, after: Report, done: Sequence[Repair]) -> list[Finding]:
    """The findings once `after` has verified again what was repaired: those that are gone are marked as repaired."""
    mended = {(one.store, one.key) for one in done if one.problem is None}
    still = {(one.object, one.kind, one.store): one for one in after.findings}
    findings: list[Finding] = []
    for one in before.findings:
        again = still.pop((one.object, one.kind, one.store), None)
        is_gone = again is None and ((one.store, one.object) in mended or one.kind in _OF_MANIFESTS)
        findings.append(replace(one, repaired=True) if one.is_open and is_gone and mended else one)
    return findings + list(still.values())


def _damaged(report: Report) -> Iterator[tuple[str, str]]:
    seen: set[tuple[str, str]] = set()
    # Manifests last: a segment whose objects are not back yet is not to look complete.
    for finding in sorted(report.findings, key=lambda one: one.object.startswith("manifests/")):
        where = (finding.store or "", finding.object)
        if finding.is_open and finding.store and finding.kind in OBJECT_KINDS and where not in seen:
            seen.add(where)
            yield where


def _repair(
    store: ObjectStore, others: Sequence[ObjectStore], right: ManifestObject | None, key: str, scratch: Path
) -> Repair:
    if right is None:
        return Repair(key, store.place, None, "nothing says which bytes are right")
    problem = "no other store has it right"
    for donor in others:
        try:
            _copy(donor, store, right, scratch)
        except (ObjectMissing, DigestMismatch):
            continue
        except (StorageError, OSError) as failure:
            problem = str(failure)
            continue
        wrong = list(vouched(store, right, lambda _: None))
        if not wrong:
            return Repair(key, store.place, donor.place)
        problem = f"it is still wrong after the repair: {wrong[0].message}"
    return Repair(key, store.place, None, problem)


def _copy(donor: ObjectStore, store: ObjectStore, right: ManifestObject, scratch: Path) -> None:
    """Copy an object, read once from the donor. Raises DigestMismatch when the donor does not have it right either."""
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch, prefix="repair-") as directory:
        path = Path(directory) / "object"
        digest = hashlib.sha256()
        with path.open("wb") as file:
            for chunk in donor.chunks(right.key):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != right.sha256:
            raise DigestMismatch(f"{right.key} in {donor.place}", right.sha256, digest.hexdigest())
        store.restore(right.key, path, right.sha256)
