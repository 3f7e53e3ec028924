"""Where a stored exchange is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from storage.exchange import Truncation

CaptureType = Literal["response", "revisit", "metadata"]
"""WARC-Type of the record that stands for the exchange; `metadata` where no response head came."""


@dataclass(frozen=True, slots=True)
class Capture:
    """An exchange that is stored: the gzip member at `offset`, `length` bytes long, of the WARC under `key`.

    `date` is the WARC-Date (UTC, microseconds), `url` the WARC-Target-URI. `payload_digest` is over the
    entity-body as sent, content-encoding kept; on a revisit it is the original's. `refers_to` is the
    original's record id. Record ids stand in angle brackets, as in the WARC.
    """

    key: str
    offset: int
    length: int
    record_id: str
    record_type: CaptureType
    date: datetime
    url: str
    status: int | None = None
    mime: str | None = None
    payload_digest: str | None = None
    block_digest: str | None = None
    truncated: Truncation | None = None
    ip_address: str | None = None
    protocol: str | None = None
    refers_to: str | None = None
    http_head_bytes: int | None = None

    @property
    def filename(self) -> str:
        """The WARC's file name without its folders: WARC-Filename, and `filename` in indexes and records."""
        return self.key.rpartition("/")[2]
