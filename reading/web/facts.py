"""What pages show, as models: the page and its JSON twin are made of the same facts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from reading.life import Entry
from reading.search import Hit, Piece


class Facts(BaseModel):
    """Base of all of them: frozen, camelCase in JSON like the record."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)

    @property
    def trouble(self) -> str | None:
        """What was wrong with what was asked (400), where a page tells it among its facts; its twin tells it alone."""
        return None


class ArticleLine(Facts):
    """An article in a list: the version that is shown, with words that were searched for marked."""

    id: str
    source: str
    source_name: str
    url: str
    headline: list[Piece]
    snippet: list[Piece]
    published: str | None
    captured: str | None
    language: str | None
    state: str
    score: float | None

    @classmethod
    def of(cls, hit: Hit, names: dict[str, str]) -> ArticleLine:
        """The line of a hit; `names` are those of sources by id."""
        record = hit.record
        return cls(
            id=record["id"],
            source=hit.source,
            source_name=names.get(hit.source, hit.source),
            url=record["url"],
            headline=list(hit.headline),
            snippet=list(hit.snippet),
            published=record.get("datePublished"),
            captured=captured_of(record),
            language=record.get("inLanguage"),
            state=hit.state,
            score=hit.score,
        )


class LedgerLine(Facts):
    """An entry of the ledger; `record` is the id of a version whose page tells more, if there is one."""

    at: datetime
    source: str
    source_name: str
    kind: str
    state: str
    url: str
    headline: str | None
    detail: str | None
    silent: bool | None
    confirmed_at: datetime | None
    captures: list[str]
    versions: list[str]

    @classmethod
    def of(cls, entry: Entry, names: dict[str, str]) -> LedgerLine:
        """The line of an entry."""
        return cls(
            at=entry.at,
            source=entry.source,
            source_name=names.get(entry.source, entry.source),
            kind=entry.kind,
            state=entry.state,
            url=entry.url,
            headline=entry.headline,
            detail=entry.detail,
            silent=entry.silent,
            confirmed_at=entry.confirmed_at,
            captures=list(entry.captures),
            versions=list(entry.versions),
        )

    @property
    def record(self) -> str | None:
        """The version that the entry is about: the newest of those it names."""
        return self.versions[-1] if self.versions else None


class Trouble(BaseModel):
    """What is answered instead of a page: what went wrong, and what to do."""

    status: int
    error: str


def captured_of(record: dict[str, Any]) -> str | None:
    """When a record's page was captured, ISO 8601 in UTC."""
    archive, metadata = record.get("archive") or {}, record.get("metadata") or {}
    return archive.get("date") or metadata.get("dateDownloaded")
