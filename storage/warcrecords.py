"""One WARC 1.1 record: its named fields, its block, and the bytes they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from warcio.statusandheaders import StatusAndHeaders

from storage.digests import sha256_digest
from storage.timestamps import warc_date

RecordType = Literal["warcinfo", "response", "revisit", "request", "metadata", "conversion"]


@dataclass(frozen=True, slots=True)
class WarcRecord:
    """One record: its named fields in order, and its block in pieces."""

    record_type: RecordType
    fields: tuple[tuple[str, str], ...]
    block: tuple[bytes, ...]

    def field(self, name: str) -> str | None:
        """The first value of a named field, spelled exactly so, or None."""
        return next((value for key, value in self.fields if key == name), None)

    def pieces(self) -> tuple[bytes, ...]:
        """The record's bytes in pieces, from `WARC/1.1` to the two empty lines after the block."""
        header: bytes = StatusAndHeaders("", list(self.fields), protocol="WARC/1.1").to_bytes()
        return (header, *self.block, b"\r\n\r\n")


def record_of(
    record_type: RecordType,
    record_id: str,
    date: datetime,
    fields: Sequence[tuple[str, str]],
    content_type: str,
    block: tuple[bytes, ...],
) -> WarcRecord:
    """A record: `fields`, between those that every record begins and ends with (ISO 28500:2017, 5)."""
    every = (
        ("WARC-Type", record_type),
        ("WARC-Record-ID", record_id),
        ("WARC-Date", warc_date(date)),
        *fields,
        ("WARC-Block-Digest", sha256_digest(*block)),
        ("Content-Type", content_type),
        ("Content-Length", str(sum(map(len, block)))),
    )
    return WarcRecord(record_type, every, block)
