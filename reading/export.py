"""Exports: the records of a selection, streamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from storage.archive import Archive
from storage.versions import stream_versions


def export_jsonl(archive: Archive, to: BinaryIO, sources: Sequence[str] | None, *, latest_only: bool) -> int:
    """How many records were written to `to`, one JSON object a line, oldest first."""
    count = 0
    with archive.catalogue.begin() as connection:
        for _, line in stream_versions(connection, sources, latest_only=latest_only):
            data = line.encode()
            to.write(data if data.endswith(b"\n") else data + b"\n")
            count += 1
    return count
