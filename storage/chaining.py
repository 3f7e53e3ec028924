"""The chain of manifests grows: each sealed segment gets its place behind the last one, whoever else seals now."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from storage.catalogue import Catalogue
from storage.durable import write_durably
from storage.manifest import Manifest, manifest_of
from storage.sealed import SealedSegment
from storage.segments import Segments
from storage.sources import Sources
from storage.vouching.voucher import Vouching


def chained(
    catalogue: Catalogue,
    source_id: str,
    sealed: SealedSegment,
    vouching: Vouching,
    queue: Callable[[Connection, Manifest], None],
) -> Manifest | None:
    """The manifest of a sealed segment, once it is the last of its source's; None when another process did it.

    `queue` is called in the transaction that gives it its place. A process that logs what somebody decided may seal at
    the same moment as a crawl: whoever comes second names the other's manifest in its own.
    """
    while True:
        with catalogue.whole() as connection:
            previous = Sources(connection).last_manifest_sha256(source_id)
        manifest = _manifest(sealed, previous, vouching)
        with catalogue.whole() as connection:
            if not Sources(connection).follow(source_id, previous, manifest.sha256):
                continue
            if Segments(connection).has(sealed.stem):
                connection.rollback()
                return None
            Segments(connection).add(source_id, sealed, manifest)
            queue(connection, manifest)
            return manifest


def _manifest(sealed: SealedSegment, previous: str | None, vouching: Vouching) -> Manifest:
    """The manifest as it lies beside the segment; made anew when the chain went on since, for nobody has it yet."""
    if sealed.manifest_path.exists():
        manifest = Manifest.from_bytes(sealed.manifest_path.read_bytes(), sealed.manifest_key)
        if manifest.previous == previous:
            return manifest
    manifest = vouching.signed(manifest_of(sealed, previous=previous))
    write_durably(sealed.manifest_path, [manifest.to_bytes()])
    return manifest
