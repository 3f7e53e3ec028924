"""The table that CSV and Parquet have: a row for each version, its columns named as in the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from reading.exports.selection import Row

Type = Literal["string", "integer", "number", "boolean", "datetime", "list"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it is called, what it holds, and how it is got out of a row. A `list` is of strings."""

    name: str
    type: Type
    description: str
    of: Callable[[Row], Any]


def _field(name: str, type_: Type, description: str) -> Column:
    return Column(name, type_, description, lambda row: row.record.get(name))


def _inside(name: str, part: str, key: str, type_: Type, description: str) -> Column:
    return Column(name, type_, description, lambda row: _part(row.record, part).get(key))


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return record.get(name) or {}


def _names(row: Row) -> list[str]:
    return [author["name"] for author in row.record.get("author") or ()]


def _images(row: Row) -> list[str]:
    return [image["url"] for image in row.record.get("image") or () if image.get("url")]


def _captured(row: Row) -> datetime | None:
    text = _part(row.record, "archive").get("date") or _part(row.record, "metadata").get("dateDownloaded")
    return datetime.fromisoformat(text) if text else None


COLUMNS: tuple[Column, ...] = (
    _field("id", "string", "Names the record."),
    Column("source", "string", "Id of the source in the archive.", lambda row: row.source),
    _field("url", "string", "The address that answered."),
    _field("canonicalUrl", "string", "The address the page calls its own."),
    _field("headline", "string", "The headline as shown."),
    _field("description", "string", "The page's summary of the article."),
    _field("articleBody", "string", "The text, a paragraph per line."),
    _field("wordCount", "integer", "Words in the text."),
    _field("inLanguage", "string", "Language of the text, BCP 47."),
    _field("datePublished", "string", "When it was published, ISO 8601 with the offset that the newsroom gave."),
    _field("dateModified", "string", "When it was last changed, as the page says."),
    Column("author", "list", "Who wrote it, in the page's order.", _names),
    _field("articleSection", "list", "The newsroom's sections the article is in."),
    _field("keywords", "list", "The newsroom's keywords."),
    Column("image", "list", "Addresses of its images, the page's own first.", _images),
    _field("isAccessibleForFree", "boolean", "Whether the page says that it can be read for free."),
    _field("version", "integer", "1 for the first version that was captured, then 2, 3 …"),
    _field("previousVersion", "string", "Id of the version before."),
    Column("captured", "datetime", "When the page was captured, in UTC.", _captured),
    _inside("judgement", "metadata", "judgement", "string", "What the page was found to be."),
    _inside("confidence", "metadata", "confidence", "number", "How far its text can be relied on, from 0 to 1."),
    _inside("doubts", "metadata", "doubts", "list", "What made the text doubtful, in words."),
    _inside("duplicateOf", "duplicateOf", "id", "string", "Id of another source's record with nearly the same text."),
    _field("contentDigest", "string", "Digest of headline, text and authors."),
    _inside("filename", "archive", "filename", "string", "The WARC file, as its key in the store."),
    _inside("offset", "archive", "offset", "integer", "Where the response record begins, in bytes."),
    _inside("length", "archive", "length", "integer", "How long the record is, compressed, in bytes."),
    _inside("recordId", "archive", "recordId", "string", "WARC-Record-ID of the response or revisit record."),
    _inside("payloadDigest", "archive", "payloadDigest", "string", "WARC-Payload-Digest."),
    _inside("status", "archive", "status", "integer", "The HTTP status."),
)
