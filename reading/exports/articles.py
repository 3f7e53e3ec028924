"""Articles: a row for each version, with the record as it stands in the store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from sqlalchemy import Connection, select

from reading.exports.columns import Column, as_moment, field, inside, part_of
from reading.exports.kind import Kind, OnStep, no_step
from reading.exports.selection import Row, Selection, count_of, stream
from storage.catalogue import versions

IDS_PER_QUERY = 500
MOMENTS = ("captured_since", "captured_until")


def _names(row: Row) -> list[str]:
    return [author["name"] for author in row.record.get("author") or ()]


def _images(row: Row) -> list[str]:
    return [image["url"] for image in row.record.get("image") or () if image.get("url")]


def _captured(row: Row) -> datetime | None:
    return as_moment(
        part_of(row.record, "archive").get("date") or part_of(row.record, "metadata").get("dateDownloaded")
    )


COLUMNS: tuple[Column, ...] = (
    field("id", "string", "Names the record."),
    Column("source", "string", "Id of the source in the archive.", lambda row: row.source),
    Column("article", "string", "Names the article: all its versions, observations, entries.", lambda row: row.article),
    field("url", "string", "The address that answered."),
    field("canonicalUrl", "string", "The address the page calls its own."),
    field("headline", "string", "The headline as shown."),
    field("description", "string", "The page's summary of the article."),
    field("articleBody", "string", "The text, a paragraph per line."),
    field("wordCount", "integer", "Words in the text."),
    field("inLanguage", "string", "Language of the text, BCP 47."),
    field("datePublished", "string", "When it was published, ISO 8601 with the offset that the newsroom gave."),
    field("dateModified", "string", "When it was last changed, as the page says."),
    Column("author", "list", "Who wrote it, in the page's order.", _names),
    field("articleSection", "list", "The newsroom's sections the article is in."),
    field("keywords", "list", "The newsroom's keywords."),
    Column("image", "list", "Addresses of its images, the page's own first.", _images),
    field("isAccessibleForFree", "boolean", "Whether the page says that it can be read for free."),
    field("version", "integer", "1 for the first version that was captured, then 2, 3 …"),
    field("previousVersion", "string", "Id of the version before."),
    Column("captured", "datetime", "When the page was captured, in UTC.", _captured),
    inside("judgement", "metadata", "judgement", "string", "What the page was found to be."),
    inside("confidence", "metadata", "confidence", "number", "How far its text can be relied on, from 0 to 1."),
    inside("doubts", "metadata", "doubts", "list", "What made the text doubtful, in words."),
    inside("duplicateOf", "duplicateOf", "id", "string", "Id of another source's record with nearly the same text."),
    field("supersedes", "string", "Id of the record of the same version by an earlier reading."),
    field("contentDigest", "string", "Digest of headline, text and authors."),
    inside("filename", "archive", "filename", "string", "The WARC file, as its key in the store."),
    inside("offset", "archive", "offset", "integer", "Where the response record begins, in bytes."),
    inside("length", "archive", "length", "integer", "How long the record is, compressed, in bytes."),
    inside("recordId", "archive", "recordId", "string", "WARC-Record-ID of the response or revisit record."),
    inside("payloadDigest", "archive", "payloadDigest", "string", "WARC-Payload-Digest."),
    inside("status", "archive", "status", "integer", "The HTTP status."),
)


@dataclass(frozen=True, slots=True)
class Articles(Kind):
    """The versions of a selection."""

    name: ClassVar[str] = "articles"
    columns: ClassVar[tuple[Column, ...]] = COLUMNS

    selection: Selection

    @classmethod
    def from_json(cls, query: Mapping[str, Any]) -> Self:
        """The query that `as_json` told."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in query.items()
        }
        values |= {name: as_moment(query[name]) for name in MOMENTS if name in query}
        return cls(Selection(**values))

    def as_json(self) -> dict[str, Any]:
        """What was asked for."""
        return self.selection.as_json()

    @property
    def sources(self) -> Sequence[str] | None:
        """The sources that were asked for."""
        return self.selection.sources

    def of_source(self, source: str) -> Self:
        """The same of one source."""
        return replace(self, selection=replace(self.selection, sources=(source,)))

    def steps(self, connection: Connection) -> int:
        """How many versions may be in the selection."""
        return count_of(connection, self.selection)

    def rows(self, connection: Connection, on_step: OnStep = no_step) -> Iterator[Row]:
        """The versions, oldest capture first."""
        for row in stream(connection, self.selection):
            on_step()
            yield row

    def fates(self, connection: Connection, ids: Collection[str]) -> dict[str, str]:
        """Whether the archive still has these records."""
        wanted = list(ids)
        found: dict[str, str] = dict.fromkeys(wanted, "not-held")
        for start in range(0, len(wanted), IDS_PER_QUERY):
            part = wanted[start : start + IDS_PER_QUERY]
            query = select(versions.c.record_id).where(versions.c.record_id.in_(part))
            found |= dict.fromkeys(connection.execute(query).scalars(), "not-selected")
        return found
