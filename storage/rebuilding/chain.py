"""The chain of manifests: the sealed segments of each source, in the order in which they were sealed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

from storage.digests import sha256_hex
from storage.errors import NewsarkError, NotReadableManifest
from storage.fixity.findings import Finding
from storage.importnames import is_imported
from storage.manifest import Manifest, ManifestObject, own_objects
from storage.names import Kind, ObjectName, manifest_of_parcel, parse_key
from storage.objects import ObjectStore

READERS = 8


@dataclass(frozen=True, slots=True)
class Link:
    """A sealed segment as its manifest lists it. Without a readable manifest: as its objects lie in the store.

    A later reading of a segment is a link of its own: its `stem` ends with `.<n>`, and it has records alone. An import
    has no WARC of its own: `imported` are the file and what lies beside it. `relisted` are objects of links before it.
    """

    source_id: str
    stem: str
    sealed_at: datetime
    records: int
    objects: Mapping[Kind, ManifestObject] = field(hash=False)
    manifest_key: str = ""
    manifest_sha256: str = ""
    previous: str | None = None
    imported: tuple[ManifestObject, ...] = ()
    relisted: tuple[ManifestObject, ...] = ()

    @property
    def size_bytes(self) -> int:
        """All bytes of its objects."""
        return sum(one.size_bytes for one in (*self.objects.values(), *self.imported))

    @property
    def is_later_reading(self) -> bool:
        """Whether it is a later reading of a segment, and no segment."""
        return manifest_of_parcel(self.stem).number is not None


@dataclass(slots=True)
class Chains:
    """The links of each source in order, what is wrong with them, and how many of them are later readings."""

    links: dict[str, list[Link]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    later_readings: int = 0

    def __iter__(self) -> Iterator[Link]:
        for source_id in sorted(self.links):
            yield from self.links[source_id]


def read_chains(store: ObjectStore) -> Chains:
    """Every source's chain. A manifest that cannot be read is a finding, and its segment is known all the same.

    Raises what the store raises when it cannot be listed.
    """
    chains = Chains()
    found = _manifests(store, chains)
    with ThreadPoolExecutor(READERS) as threads:
        links = list(threads.map(lambda name: _link(store, name), found))
    for link, finding in links:
        chains.findings += [finding] if finding else []
        chains.links.setdefault(link.source_id, []).append(link)
    chains.links = {source_id: _as_relisted(list(_in_order(mine))) for source_id, mine in chains.links.items()}
    chains.findings += _unlisted(store, {one.key for link in chains for one in link.objects.values()})
    return chains


def _manifests(store: ObjectStore, chains: Chains) -> list[ObjectName]:
    names: list[ObjectName] = []
    for info in store.list("manifests/"):
        try:
            name = parse_key(info.key)
        except ValueError:
            # a signature or a time stamp beside a manifest, or what a later version keeps there
            continue
        if name.kind == "manifests":
            names.append(name)
            chains.later_readings += name.number is not None
    return names


def _link(store: ObjectStore, name: ObjectName) -> tuple[Link, Finding | None]:
    data = b""
    try:
        data = store.get(name.key)
        manifest = Manifest.from_bytes(data, name.key)
        own = own_objects(manifest.objects, manifest.stem)
        objects, imported = by_kind(own)
        if manifest.stem != str(name.stem):
            raise NotReadableManifest(name.key, f"it is of {manifest.stem}")
    except (NewsarkError, OSError, ValueError) as problem:
        return _bare_link(store, name, data), Finding(name.key, "altered-manifest", str(problem))
    return (
        Link(
            source_id=manifest.source,
            stem=_parcel(name),
            sealed_at=manifest.created,
            records=sum(manifest.counts.values()),
            manifest_key=name.key,
            manifest_sha256=sha256_hex(data),
            previous=manifest.previous,
            objects=objects,
            imported=imported,
            relisted=tuple(one for one in manifest.objects if one not in own),
        ),
        None,
    )


def by_kind(listed: Iterable[ManifestObject]) -> tuple[dict[Kind, ManifestObject], tuple[ManifestObject, ...]]:
    """The objects of a segment by their kind, and imported ones. Raises ValueError for a key that is neither."""
    listed = list(listed)
    own = {parse_key(one.key).kind: one for one in listed if not is_imported(one.key)}
    return own, tuple(one for one in listed if is_imported(one.key))


def _parcel(name: ObjectName) -> str:
    return str(name.stem) if name.number is None else f"{name.stem}.{name.number}"


def _bare_link(store: ObjectStore, name: ObjectName, data: bytes) -> Link:
    stem, objects = name.stem, dict[Kind, ManifestObject]()
    kinds: dict[Kind, int | None] = {"warc": None, "index": None, "events": None, "records": 0}
    if name.number is not None:
        kinds = {"records": name.number}
    for kind, number in kinds.items():
        key = ObjectName(kind, stem, number).key
        for info in store.list(key):
            if info.key == key:
                objects[kind] = ManifestObject(key, info.size_bytes, "")
    return Link(stem.source, _parcel(name), stem.created, 0, objects, name.key, sha256_hex(data))


def _in_order(links: Iterable[Link]) -> Iterator[Link]:
    """Each link after the one that it names as previous; chains that do not hang together by the time they begin."""
    by_time = sorted(links, key=lambda link: (link.sealed_at, link.stem))
    known = {link.manifest_sha256 for link in by_time}
    following: dict[str | None, list[Link]] = {}
    for link in by_time:
        following.setdefault(link.previous if link.previous in known else None, []).append(link)
    waiting = following.pop(None, [])[::-1]
    while waiting:
        link = waiting.pop()
        yield link
        waiting += following.pop(link.manifest_sha256, [])[::-1]


def _as_relisted(links: list[Link]) -> list[Link]:
    """The links with their objects as a later manifest lists them anew, since something in them was erased."""
    now = {one.key: one for link in links for one in link.relisted}
    if not now:
        return links
    return [
        replace(link, objects={kind: now.get(one.key, one) for kind, one in link.objects.items()}) for link in links
    ]


def _unlisted(store: ObjectStore, listed: set[str]) -> Iterator[Finding]:
    for info in store.list("warc/"):
        if info.key not in listed:
            message = "no manifest lists it, so it is not in the catalogue"
            yield Finding(info.key, "unlisted", message)
