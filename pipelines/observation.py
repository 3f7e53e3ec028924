"""What a visit found out about an article, as a line beside its versions."""

from __future__ import annotations

from typing import Literal

import orjson
from pydantic import Field

from pipelines.article import Part
from storage.capture import Capture
from storage.timestamps import warc_date
from storage.versions import Observation

Outcome = Literal["unchanged", "edited", "moved", "removed", "unreachable", "unreadable", "blocked", "paywalled"]


class ObservationRecord(Part):
    """One visit to a known address and what it found."""

    type: Literal["Observation"] = Field(default="Observation", description="Tells observations from article versions.")
    url: str = Field(description="The address that was visited.")
    at: str = Field(description="When, in UTC.")
    outcome: Outcome = Field(
        description="`unchanged`, `edited`, `moved` (a redirect to the same article elsewhere), `removed` (404, 410, "
        "451, a page that says so, or a redirect to the home page, a section or another article), `unreachable` (no "
        "answer, a server's error, or a robots.txt that could not be had), `unreadable` (an answer that shows no "
        "article), `blocked` (403, 429, or a check for robots, consent or a login in its place) or `paywalled` (401, "
        "402, or only a part of the text)."
    )
    detail: str | None = Field(None, description="The reason, for people.")
    filename: str | None = Field(None, description="The WARC file of the exchange, as its key in the store.")
    offset: int | None = Field(None, description="Where its record begins, in bytes.")
    length: int | None = Field(None, description="How long the record is, compressed, in bytes.")
    record_id: str | None = Field(None, description="WARC-Record-ID of the exchange's record.")
    status: int | None = Field(None, description="The HTTP status.")


def build_observation(seen: Observation, capture: Capture | None) -> ObservationRecord:
    """The record of an observation; `capture` is where its exchange is kept."""
    return ObservationRecord.model_validate(
        {
            "url": seen.url,
            "at": warc_date(seen.at),
            "outcome": seen.outcome,
            "detail": seen.detail,
            "filename": capture.key if capture else None,
            "offset": capture.offset if capture else None,
            "length": capture.length if capture else None,
            "recordId": capture.record_id if capture else None,
            "status": capture.status if capture else None,
        }
    )


def observation_line(record: ObservationRecord) -> bytes:
    """The observation as one line of JSON with its line feed."""
    values = record.model_dump(mode="json", by_alias=True, exclude_none=True)
    return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)
