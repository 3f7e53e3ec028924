"""Every manifest of every store read and weighed: what the archive ought to hold, and where its chain does not hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from storage.errors import ObjectMissing, StorageError
from storage.fixity.chaincheck import (
    Accepted,
    Anchors,
    CheckManifest,
    Choice,
    FoundManifest,
    check_chain,
    found_manifest,
)
from storage.fixity.findings import Finding
from storage.fixity.inventory import SEGMENT_ROOMS, Inventory, OnTheirWay, segment_name
from storage.fixity.objectcheck import unreadable
from storage.importnames import is_imported
from storage.manifest import ManifestObject
from storage.names import manifest_listing

_READERS = 8


@dataclass(slots=True)
class Expected:
    """What the manifests list: objects by key; `listing` is the key of the manifest of each, `counts` stand by the
    WARC's key; `erased_from` are objects as they were listed before something in them was erased."""

    manifests: dict[str, Accepted] = field(default_factory=dict)
    objects: dict[str, ManifestObject] = field(default_factory=dict)
    listing: dict[str, str] = field(default_factory=dict)
    counts: dict[str, Mapping[str, int]] = field(default_factory=dict)
    erased_from: dict[str, ManifestObject] = field(default_factory=dict)
    objects_read: int = 0
    bytes_read: int = 0
    findings: list[Finding] = field(default_factory=list)

    def right(self, key: str) -> ManifestObject | None:
        """Size and digest that the object under a key must have; None when nothing says so."""
        if (accepted := self.manifests.get(key)) is not None:
            return ManifestObject(key, len(accepted.data), accepted.sha256) if accepted.is_certain else None
        return self.objects.get(key)


def read_manifests(
    held: Sequence[Inventory],
    anchors: Anchors,
    waiting: Callable[[], OnTheirWay],
    check: CheckManifest | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Expected:
    """What the manifests of these stores list, and everything that is wrong with the manifests themselves."""
    expected = Expected()
    found = list(_found(held, expected, on_bytes))
    choice = Choice(found, anchors, check)
    choice.make()
    expected.manifests = choice.accepted
    expected.findings += choice.findings
    if check is not None:
        expected.findings += _proofs(choice.accepted.values(), check)
    for accepted in sorted(choice.accepted.values(), key=lambda one: (one.manifest.created, one.key)):
        # A later manifest of the same segment is the one that counts for what it lists again.
        for one in accepted.manifest.objects:
            if one.key in expected.objects and not is_imported(one.key):
                expected.erased_from[one.key] = expected.objects[one.key]
            expected.objects[one.key] = one
            expected.listing[one.key] = accepted.key
            if one.key.startswith("warc/"):
                expected.counts[one.key] = accepted.manifest.counts
    absent = _absent(held, anchors)
    on_their_way = waiting()
    expected.findings += _missing(held, expected, absent, on_their_way)
    expected.findings += _unlisted(held, expected, on_their_way)
    by_source: dict[str, list[Accepted]] = defaultdict(list)
    for accepted in choice.accepted.values():
        by_source[accepted.manifest.source].append(accepted)
    for source, manifests in sorted(by_source.items()):
        gone = [key for key in absent if key.split("/")[1] == source and not on_their_way.anywhere(key)]
        expected.findings += check_chain(
            source, manifests, anchors=anchors, absent=gone, is_waiting=on_their_way.anywhere
        )
    return expected


def _found(held: Sequence[Inventory], expected: Expected, on_bytes: Callable[[int], None]) -> Iterator[FoundManifest]:
    """The manifests as the stores have them; those that cannot be read become findings."""
    wanted = [
        (one, key)
        for one in held
        for key in one.sizes
        if key.startswith("manifests/") and (name := segment_name(key)) is not None and name.kind == "manifests"
    ]

    def read(one: Inventory, key: str) -> FoundManifest | Finding | None:
        try:
            return found_manifest(key, one.place, one.store.get(key))
        except ObjectMissing:
            return None
        except (StorageError, OSError) as problem:
            return unreadable(key, one.place, problem)

    with ThreadPoolExecutor(_READERS) as pool:
        for answer in pool.map(read, *zip(*wanted, strict=True)) if wanted else ():
            if isinstance(answer, FoundManifest):
                expected.objects_read += 1
                expected.bytes_read += len(answer.data)
                on_bytes(len(answer.data))
                yield answer
            elif answer is not None:
                expected.findings.append(answer)


def _proofs(manifests: Collection[Accepted], check: CheckManifest) -> Iterator[Finding]:
    with ThreadPoolExecutor(_READERS) as pool:
        for findings in pool.map(lambda one: list(check(one.data, one.key)), manifests):
            yield from findings


def _absent(held: Sequence[Inventory], anchors: Anchors) -> set[str]:
    """The keys of manifests that no store shows: the catalogue knows them, or objects of their segment are there."""
    shown = {key for one in held for key in one.sizes}
    implied = {
        manifest_listing(name).key
        for key in shown
        if key.startswith(tuple(f"{room}/" for room in SEGMENT_ROOMS)) and (name := segment_name(key)) is not None
    }
    return (implied | set(anchors.manifests)) - shown


def _missing(
    held: Sequence[Inventory], expected: Expected, absent: set[str], on_their_way: OnTheirWay
) -> Iterator[Finding]:
    """Manifests and listed objects that a store does not show."""
    keys = sorted(expected.manifests.keys() | expected.objects.keys() | absent)
    anywhere = {key for one in held for key in one.sizes}
    for one in held:
        for key in keys:
            if key in one.sizes:
                continue
            if key in one.deleted:
                yield Finding(key, "deleted", "it is hidden behind a delete marker", one.place)
            elif on_their_way.to(one.place, expected.listing.get(key, key)):
                continue
            elif not on_their_way.to(one.place, key) and not _came_meanwhile(one, key, is_absent=key in absent):
                yield absence(held, one, key, is_elsewhere=key in anywhere)


def absence(held: Sequence[Inventory], one: Inventory, key: str, *, is_elsewhere: bool) -> Finding:
    """The finding for an object that a store does not have."""
    if one is held[0] or not is_elsewhere:
        return Finding(key, "missing", "it is not in the store" if is_elsewhere else "it is in no store", one.place)
    return Finding(key, "copies-missing", "another store has it and this one does not", one.place)


def _came_meanwhile(one: Inventory, key: str, *, is_absent: bool) -> bool:
    """Whether the object came after it was looked for: a crawl may go on while this runs."""
    name = segment_name(key)
    # Where nothing of the segment was, it is no half delivery: a new replica is not asked a million times.
    is_half = is_absent or (name is not None and manifest_listing(name).key in one.sizes)
    return is_half and is_there_now(one, key)


def is_there_now(one: Inventory, key: str) -> bool:
    """Whether the store has the object at this moment."""
    try:
        one.store.get_range(key, 0, 1)
    except ObjectMissing:
        return False
    except (StorageError, OSError):
        # Then reading it says what is wrong.
        return False
    return True


def _unlisted(held: Sequence[Inventory], expected: Expected, on_their_way: OnTheirWay) -> Iterator[Finding]:
    for one in held:
        for key in one.sizes:
            room = key.partition("/")[0]
            if room not in SEGMENT_ROOMS or key in expected.objects:
                continue
            name = segment_name(key)
            if name is None:
                yield Finding(key, "unlisted", "its name is not that of a segment's object", one.place)
                continue
            manifest = manifest_listing(name).key
            if on_their_way.anywhere(key):
                yield Finding(key, "unlisted", "its manifest is on its way", one.place, severity="note")
            elif manifest not in expected.manifests and is_there_now(one, manifest):
                yield Finding(key, "unlisted", "its manifest came while this ran", one.place, severity="note")
            else:
                what = "does not list it" if manifest in expected.manifests else "is not there to list it"
                yield Finding(key, "unlisted", f"{manifest} {what}", one.place)
