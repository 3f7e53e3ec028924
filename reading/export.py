"""Exports: the records of a selection, streamed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from storage.archive import Archive
from storage.versions import stream_versions


def export_jsonl(
    archive: Archive, write: Callable[[bytes], object], sources: Sequence[str] | None, *, latest_only: bool
) -> int:
    """How many records were given to `write`, one JSON object with its line feed at a time, oldest first.

    `sources` are ids; None is all of them.
    """
    count = 0
    with archive.catalogue.begin() as connection:
        for _, line in stream_versions(connection, sources, latest_only=latest_only):
            write(line.encode() if line.endswith("\n") else f"{line}\n".encode())
            count += 1
    return count
