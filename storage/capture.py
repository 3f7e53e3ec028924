"""Where a stored exchange is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from storage.exchange import Truncation
from storage.importnames import index_filename, is_imported
from storage.timestamps import from_warc_date, warc_date

CaptureType = Literal["response", "revisit", "metadata", "conversion"]
"""WARC-Type of the record that stands for the exchange; `metadata` where no response head came, `conversion` for what a
browser made of a page."""


@dataclass(frozen=True, slots=True)
class Capture:
    """An exchange that is stored: the gzip member at `offset`, `length` bytes long, of the WARC under `key`.

    `date` is the WARC-Date (UTC, microseconds), `url` the WARC-Target-URI. `payload_digest` is over the
    entity-body as sent, content-encoding kept; on a revisit it is the original's. `refers_to` is the
    original's record id, and on a conversion that of the page's exchange. Record ids stand in angle brackets, as in the
    WARC.
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
        """The WARC's file name without its folders: WARC-Filename, and `filename` in indexes. Of an imported file it is
        what follows `imports/`, for names of others' files come twice."""
        return index_filename(self.key) if is_imported(self.key) else self.key.rpartition("/")[2]

    def facts(self) -> dict[str, Any]:
        """The capture as JSON-ready values, those that are None left out."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in told.items() if value is not None} | {"date": warc_date(self.date)}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """The capture of such values. Raises KeyError, TypeError or ValueError for others."""
        return cls(**{**facts, "date": from_warc_date(facts["date"])})
