"""What a segment that a crash left on this disk tells: the same steps that the store will tell when it is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.manifest import ManifestObject
from storage.names import Stem, records_name
from storage.rebuilding.chain import Link, by_kind
from storage.rebuilding.parts import Readable, lines_of
from storage.rebuilding.recordlines import RecordLines
from storage.rebuilding.segmentreading import stored_steps
from storage.rebuilding.steps import Captures, Step, Told, read_steps
from storage.recovery import Recovery
from storage.sealed import SealedSegment
from storage.segment import SegmentFiles


def left_steps(directory: Path, found: Recovery, holdings: Readable) -> Iterator[Step]:
    """The steps of a segment that recovery found in that directory, whatever the catalogue has of them already."""
    if found.sealed is not None:
        yield from _sealed_steps(directory, found.sealed, holdings)
        return
    files = SegmentFiles(directory, Stem.parse(found.stem))
    lines = RecordLines(files.records, records_name(files.stem).key)
    try:
        yield from read_steps(Captures(found.captures), lines_of(files.events), lines, Told())
    finally:
        lines.close()


def _sealed_steps(directory: Path, sealed: SealedSegment, holdings: Readable) -> Iterator[Step]:
    objects, imported = by_kind(ManifestObject(part.key, part.bytes, part.sha256) for part in sealed.parts)
    count = sum(sealed.counts.values())
    link = Link(sealed.source, sealed.stem, sealed.sealed_at, count, objects, imported=imported)
    with TemporaryDirectory(dir=directory, prefix="left-") as beside:
        yield from stored_steps(holdings, link, Path(beside), lambda _: None, Told())
