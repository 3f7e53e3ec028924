"""What somebody decided, as events of a source: a sealed segment of their own, without a WARC."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Sequence

from storage.archive import Archive
from storage.durable import make_directories, write_durably
from storage.errors import SourceBusy
from storage.events import Event, Settled, to_line
from storage.gzipmembers import gzip_stream
from storage.names import Stem, events_name, host_label
from storage.sealed import SealedPart, SealedSegment, sealed_part
from storage.segment import next_serial
from storage.settling import source_file
from storage.sources import Sources

LEASE_SECONDS = 3600.0


def log_decisions(
    archive: Archive, source_id: str, events: Sequence[Event], relisted: Sequence[SealedPart] = ()
) -> None:
    """Make events durable, take them into the catalogue and the chain, and send them to the stores.

    The source need not be owned: events of the open segment belong to the crawl that writes it, and these stand beside
    it. When this ends half-way, `Archive.recover` does the rest, or nothing was decided. Raises OSError when the disk
    fails. `relisted` are objects of earlier segments that the manifest lists anew.
    """
    is_ours = _owned(archive, source_id)
    try:
        directory = archive.place.open_segments / source_id
        make_directories(directory)
        now = archive.clock()
        stem = Stem(source_id, now, next_serial(directory), host_label(socket.gethostname()))
        with archive.catalogue.whole() as connection:
            head = [source_file(known) for known in Sources(connection).known([source_id])]
        lines = [to_line(event) + b"\n" for event in (*head, *events, Settled(now))]
        write_durably(directory / events_name(stem).filename, gzip_stream(lines))
        counts = Counter(type(event).__name__ for event in events)
        part = sealed_part(events_name(stem), directory)
        sealed = SealedSegment(str(stem), directory, now, (part,), counts, relisted=tuple(relisted))
        sealed.keep_note()
        archive.adopt(source_id, sealed)
    finally:
        if is_ours:
            archive.disown(source_id)


def _owned(archive: Archive, source_id: str) -> bool:
    """Whether the source is ours meanwhile, so that no crawl begins with what is half done."""
    try:
        archive.own(source_id, LEASE_SECONDS)
    except SourceBusy:
        return False
    return True
