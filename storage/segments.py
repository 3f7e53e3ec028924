"""Sealed segments as rows of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, case, func, insert, or_, select

from storage.catalogue import segments
from storage.importnames import ROOM
from storage.names import Stem
from storage.timestamps import timestamp14

if TYPE_CHECKING:
    from storage.manifest import Manifest
    from storage.names import Kind
    from storage.rebuilding.chain import Link
    from storage.sealed import SealedSegment

_FIRST: tuple[Kind, ...] = ("warc", "records", "events")


def _first_key(link: Link) -> str:
    if link.imported:
        return link.imported[0].key
    return next((link.objects[kind].key for kind in _FIRST if kind in link.objects), "")


class Segments:
    """The sealed segments of a catalogue, and later readings of them as `<stem>.<n>`, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, source_id: str, sealed: SealedSegment, manifest: Manifest) -> None:
        """Record a segment whose objects are stored or on their way."""
        self.connection.execute(
            insert(segments).values(
                stem=sealed.stem,
                source_id=source_id,
                key=sealed.warc.key,
                sealed_at=manifest.created,
                bytes=sum(part.bytes for part in sealed.parts),
                records=sum(sealed.counts.values()),
                manifest_key=sealed.manifest_key,
                manifest_sha256=manifest.sha256,
            )
        )

    def place(self, link: Link) -> None:
        """Record a segment as the store lists it."""
        self.connection.execute(
            insert(segments).values(
                stem=link.stem,
                source_id=link.source_id,
                key=_first_key(link),
                sealed_at=link.sealed_at,
                bytes=link.size_bytes,
                records=link.records,
                manifest_key=link.manifest_key,
                manifest_sha256=link.manifest_sha256,
            )
        )

    def stems(self) -> set[str]:
        """The names of all segments."""
        return set(self.connection.execute(select(segments.c.stem)).scalars())

    def has(self, stem: str) -> bool:
        """Whether that segment has its place in the chain already."""
        query = select(func.count()).select_from(segments).where(segments.c.stem == stem)
        return bool(self.connection.execute(query).scalar())

    def manifest_keys(self, source_id: str) -> set[str]:
        """The keys of the manifests of a source's segments."""
        query = select(segments.c.manifest_key).where(segments.c.source_id == source_id)
        return set(self.connection.execute(query).scalars())

    def has_later(self, source_id: str, stem: str) -> bool:
        """Whether a segment of the source is known that was begun after that one, or elsewhere in the same second."""
        mine = Stem.parse(stem)
        begun = f"{source_id}-{timestamp14(mine.created)}"
        later = select(segments.c.stem).where(
            segments.c.source_id == source_id,
            segments.c.stem > begun,
            segments.c.stem != stem,
            segments.c.key.startswith("warc/"),
        )
        others = map(Stem.parse, self.connection.execute(later).scalars())
        return any((one.created, one.serial) > (mine.created, mine.serial) or one.host != mine.host for one in others)

    def chain(self, source_id: str) -> list[str]:
        """The keys of a source's manifests, oldest first."""
        order = (segments.c.sealed_at, segments.c.stem)
        query = select(segments.c.manifest_key).where(segments.c.source_id == source_id).order_by(*order)
        return list(self.connection.execute(query).scalars())

    def importing(self, sha256: str) -> tuple[str, str] | None:
        """The import that took a file of that digest in: its source and its name; None when none did."""
        query = select(segments.c.source_id, segments.c.stem).where(segments.c.key.startswith(f"{ROOM}{sha256}/"))
        row = self.connection.execute(query.limit(1)).first()
        return None if row is None else (row.source_id, row.stem)

    def readings(self, stem: str) -> dict[int, str]:
        """The later readings of a segment: for the number of each the key of its manifest, in their order."""
        query = select(segments.c.stem, segments.c.manifest_key).where(segments.c.stem.startswith(f"{stem}."))
        found = {row.stem.removeprefix(f"{stem}."): row.manifest_key for row in self.connection.execute(query)}
        return dict(sorted((int(number), key) for number, key in found.items() if number.isdecimal()))

    def totals(self, source_id: str) -> tuple[int, int]:
        """How many segments the source has, and their bytes in all, with those that have no WARC: later readings, and
        events alone."""
        has_none = or_(*(segments.c.key.startswith(f"{room}/") for room in ("records", "events")))
        is_segment = case((has_none, 0), else_=1)
        query = select(func.coalesce(func.sum(is_segment), 0), func.coalesce(func.sum(segments.c.bytes), 0)).where(
            segments.c.source_id == source_id
        )
        count, size = self.connection.execute(query).one()
        return int(count), int(size)
