"""The chain of manifests of each source: which manifest is right where stores differ, and whether the chain holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from storage.catalogue import segments, sources
from storage.digests import sha256_hex
from storage.errors import NotReadableManifest
from storage.fixity.findings import Finding
from storage.fixity.inventory import segment_name
from storage.manifest import Manifest

CheckManifest = Callable[[bytes, str], Iterator[Finding]]
"""What a manifest's bytes under that key show: its signature, its time stamp."""

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class FoundManifest:
    """The bytes of a manifest as one store has them; `manifest` is None when they are none, for that `problem`."""

    key: str
    place: str
    data: bytes
    sha256: str
    manifest: Manifest | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Anchors:
    """What the catalogue remembers of manifests: SHA-256 by key, and of each source's newest by source id."""

    manifests: Mapping[str, str] = field(default_factory=dict)
    newest: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The manifest that counts under a key. `is_certain` is False when nothing told which store's is right."""

    key: str
    data: bytes
    sha256: str
    manifest: Manifest
    is_certain: bool = True


def catalogue_anchors(connection: Connection, source_ids: Sequence[str] | None) -> Anchors:
    """What the catalogue remembers of these sources' manifests, or of all."""
    rows = select(segments.c.manifest_key, segments.c.manifest_sha256)
    newest = select(sources.c.id, sources.c.last_manifest_sha256).where(sources.c.last_manifest_sha256.is_not(None))
    if source_ids is not None:
        rows = rows.where(segments.c.source_id.in_(source_ids))
        newest = newest.where(sources.c.id.in_(source_ids))
    return Anchors(
        {row[0]: row[1] for row in connection.execute(rows)},
        {row[0]: row[1] for row in connection.execute(newest)},
    )


def found_manifest(key: str, place: str, data: bytes) -> FoundManifest:
    """What a store has under a manifest's key."""
    sha256 = sha256_hex(data)
    try:
        manifest = Manifest.from_bytes(data, key)
    except NotReadableManifest as problem:
        return FoundManifest(key, place, data, sha256, None, problem.problem)
    name = segment_name(key)
    if name is None or (str(name.stem), name.stem.source) != (manifest.stem, manifest.source):
        return FoundManifest(key, place, data, sha256, None, f"it is that of {manifest.stem}")
    return FoundManifest(key, place, data, sha256, manifest)


class Choice:
    """Chooses the manifest that counts where stores hold different ones under one key."""

    def __init__(self, found: Collection[FoundManifest], anchors: Anchors, check: CheckManifest | None = None) -> None:
        self._anchors = anchors
        self._check = check
        self._by_key: dict[str, list[FoundManifest]] = defaultdict(list)
        for one in found:
            self._by_key[one.key].append(one)
        named = {one.manifest.previous for one in found if one.manifest is not None}
        self._named = named | set(anchors.manifests.values()) | set(anchors.newest.values())
        self.accepted: dict[str, Accepted] = {}
        self.findings: list[Finding] = []

    def make(self) -> None:
        """Fill `accepted` and `findings`."""
        for key in sorted(self._by_key):
            self._choose(key, self._by_key[key])

    def _choose(self, key: str, found: list[FoundManifest]) -> None:
        readable = {one.sha256: one for one in found if one.manifest is not None}
        for one in found:
            if one.manifest is None:
                self._blame(one, f"it is not readable as the manifest of that name: {one.problem}")
        wanted = self._anchors.manifests.get(key)
        right = self._right(readable, wanted)
        if right is not None:
            self._accept(right, is_certain=True)
            for one in found:
                if one.manifest is not None and one.sha256 != right.sha256:
                    self._blame(one, f"its SHA-256 is {one.sha256}, and {right.sha256} is the one that is referred to")
            return
        if not readable:
            return
        first = next(one for one in found if one.manifest is not None)
        self._accept(first, is_certain=len(readable) == 1 and wanted is None)
        for one in found:
            if one.manifest is not None and wanted is not None:
                self._blame(one, f"its SHA-256 is {one.sha256}, and the catalogue knows {wanted}")
            elif one.manifest is not None and len(readable) > 1:
                self._blame(one, "the stores hold different ones, and nothing says which is right")

    def _right(self, readable: Mapping[str, FoundManifest], wanted: str | None) -> FoundManifest | None:
        """The one that the catalogue knows, else the only one that another manifest refers to, or that is signed."""
        if wanted is not None:
            return readable.get(wanted)
        if len(readable) == 1:
            return next(iter(readable.values()))
        named = [one for one in readable.values() if one.sha256 in self._named]
        if len(named) == 1:
            return named[0]
        if self._check is not None:
            clean = [one for one in readable.values() if not list(self._check(one.data, one.key))]
            if len(clean) == 1:
                return clean[0]
        return None

    def _accept(self, one: FoundManifest, *, is_certain: bool) -> None:
        assert one.manifest is not None
        self.accepted[one.key] = Accepted(one.key, one.data, one.sha256, one.manifest, is_certain)

    def _blame(self, one: FoundManifest, message: str) -> None:
        self.findings.append(Finding(one.key, "altered-manifest", message, one.place))


def check_chain(
    source: str,
    manifests: Collection[Accepted],
    *,
    anchors: Anchors,
    absent: Collection[str] = (),
    is_waiting: Callable[[str], bool],
) -> Iterator[Finding]:
    """Gaps and forks of one source's chain, and the manifest that was altered where only the chain can tell.

    `absent` are the keys of manifests that ought to be there and are in no store.
    """
    ordered = sorted(manifests, key=lambda one: (one.manifest.created, one.key))
    by_sha256 = {one.sha256: one for one in ordered}
    followers: dict[str | None, list[Accepted]] = defaultdict(list)
    for one in ordered:
        followers[one.manifest.previous].append(one)
    on_their_way = {sha256 for key, sha256 in anchors.manifests.items() if is_waiting(key)}
    for previous, these in followers.items():
        yield from _forks(previous, these)
        if previous is None or previous in by_sha256 or previous in on_their_way:
            continue
        yield Finding(these[0].key, "gap", _gap_message(previous, absent, anchors))
        # Where nothing is known to be absent, the manifest that nobody refers to stands in the place of the right one.
        before = [one for one in ordered[: ordered.index(these[0])] if one.sha256 not in followers]
        if before and not absent:
            message = f"{these[0].key} goes on from {previous[:_SHOWN]}…: this was altered, or one between is gone"
            yield Finding(before[-1].key, "altered-manifest", message)
    newest = anchors.newest.get(source)
    # Where one was altered or is absent, that is said already.
    is_told = bool(absent) or not all(one.is_certain for one in ordered)
    if newest and ordered and newest not in by_sha256 and newest not in on_their_way and not is_told:
        message = f"the catalogue knows one after it, {newest[:_SHOWN]}…, that is not there"
        yield Finding(ordered[-1].key, "gap", message)


def _forks(previous: str | None, these: Sequence[Accepted]) -> Iterator[Finding]:
    for one in these[1:]:
        what = "are both the first of the source" if previous is None else "refer to the same manifest before them"
        yield Finding(one.key, "fork", f"it and {these[0].key} {what}")


def _gap_message(previous: str, absent: Collection[str], anchors: Anchors) -> str:
    known = [key for key, sha256 in anchors.manifests.items() if sha256 == previous]
    names = known or sorted(absent)
    named = f": {', '.join(names[:3])}" if names else ""
    return f"the manifest before it, {previous[:_SHOWN]}…, is not there{named}"
