"""Article versions and observations as rows of the catalogue; the JSON line of a version is kept with it."""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from storage.catalogue import insert_new, marks, observations, sources, versions
from storage.findable import Findable
from storage.fingerprints import marks_of

ARTICLES_PER_QUERY = 500
LINES_PER_QUERY = 200
MAX_ALIKE = 50


def article_key(normalised_url: str) -> str:
    """The key of an article in the catalogue: SHA-256 of its normalised canonical URL, in hex."""
    return hashlib.sha256(normalised_url.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an article: its number, its content digest and its whole record as a JSON line."""

    article: str
    record_id: str
    version: int
    url: str
    content_digest: str
    captured_at: datetime
    records_key: str
    line: str
    lead_id: int | None = None
    canonical_url: str | None = None
    headline: str | None = None
    date_published: str | None = None
    in_language: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a visit found out about a URL: `outcome` is a word such as unchanged, edited or unreachable."""

    url: str
    at: datetime
    outcome: str
    detail: str | None = None
    article: str | None = None
    lead_id: int | None = None
    capture_record_id: str | None = None


_FIELDS = tuple(Version.__dataclass_fields__)
_COLUMNS = tuple(versions.c[name] for name in _FIELDS)


class Versions:
    """The versions and observations of one source, inside one transaction."""

    def __init__(self, connection: Connection, source_id: str) -> None:
        self.connection = connection
        self.source_id = source_id

    def latest(self, articles: Sequence[str]) -> dict[str, Version]:
        """The version of each of these articles that was captured last, for those that have one.

        Its `version` is the highest number that any version of the article has: what was captured before may have been
        imported after it.
        """
        found: dict[str, Version] = {}
        wanted = list(dict.fromkeys(articles))
        for start in range(0, len(wanted), ARTICLES_PER_QUERY):
            part = wanted[start : start + ARTICLES_PER_QUERY]
            for version in self._of(versions.c.article.in_(part)):
                before = found.get(version.article)
                highest = max(version.version, before.version if before is not None else 0)
                found[version.article] = replace(version, version=highest)
        return found

    def history(self, article: str) -> list[Version]:
        """The versions of an article in the order in which they were captured."""
        return self._of(versions.c.article == article)

    def histories(self, articles: Sequence[str]) -> dict[str, list[Version]]:
        """The history of each of these articles that has one."""
        found: dict[str, list[Version]] = {}
        wanted = list(dict.fromkeys(articles))
        for start in range(0, len(wanted), ARTICLES_PER_QUERY):
            for version in self._of(versions.c.article.in_(wanted[start : start + ARTICLES_PER_QUERY])):
                found.setdefault(version.article, []).append(version)
        return found

    def _of(self, chosen: ColumnElement[bool]) -> list[Version]:
        """The versions of a few articles in the order in which they were captured.

        Sorted here: told to sort by time, SQLite reads all of the source in that order instead.
        """
        query = select(*_COLUMNS).where(versions.c.source_id == self.source_id, chosen)
        found = [Version(*row) for row in self.connection.execute(query)]
        return sorted(found, key=lambda version: (version.captured_at, version.version))

    def articles_of_leads(self, lead_ids: Sequence[int]) -> dict[int, str]:
        """For each of these leads that has a version, the key of its article."""
        if not lead_ids:
            return {}
        # a lead is of one source only; asked for the source too, SQLite would read all of its versions
        query = select(versions.c.id, versions.c.lead_id, versions.c.article).where(
            versions.c.lead_id.in_(list(lead_ids))
        )
        rows = sorted(self.connection.execute(query), key=lambda row: row.id)
        return {row.lead_id: row.article for row in rows}

    def newest(self, limit: int) -> list[Version]:
        """The versions that were captured last, oldest first."""
        query = (
            select(*_COLUMNS)
            .where(versions.c.source_id == self.source_id)
            .order_by(versions.c.captured_at.desc(), versions.c.id.desc())
            .limit(limit)
        )
        return [Version(*row) for row in self.connection.execute(query)][::-1]

    def article_of(self, record_id: str | None) -> str | None:
        """The article that a record is a version of, or None."""
        if record_id is None:
            return None
        # here and below: asked for the source too, SQLite would read all of its versions
        query = select(versions.c.article, versions.c.source_id).where(versions.c.record_id == record_id)
        rows = self.connection.execute(query.order_by(versions.c.id))
        return next((row.article for row in rows if row.source_id == self.source_id), None)

    def add(self, new: Sequence[Version]) -> None:
        """Record versions; one that is there already is left as it is."""
        rows = [{name: getattr(version, name) for name in _FIELDS} | {"source_id": self.source_id} for version in new]
        if rows:
            self.connection.execute(insert_new(self.connection, versions), rows)
        self._mark(new)
        Findable(self.connection, self.source_id).add(new)

    def numbered(self, late: Sequence[Version]) -> list[Version]:
        """Versions that come after later ones, with numbers that are free; one that says what its article said just
        before, or next, is left out."""
        known: dict[str, list[Version]] = {}
        articles = {version.article for version in late}
        for one in self._of(versions.c.article.in_(articles)) if late else []:
            known.setdefault(one.article, []).append(one)
        new: list[Version] = []
        for version in late:
            others = known.setdefault(version.article, [])
            if any(version.record_id == other.record_id for other in others):
                continue
            if version.content_digest in _said_around(version, others):
                continue
            if any(version.version == other.version for other in others):
                version = replace(version, version=max(other.version for other in others) + 1)
            others.append(version)
            new.append(version)
        return new

    def _mark(self, new: Sequence[Version]) -> None:
        found = [
            {"mark": mark, "record_id": version.record_id}
            for version in new
            for mark in marks_of(version.fingerprint or "")
        ]
        if found:
            self.connection.execute(insert_new(self.connection, marks), found)

    def alike(self, fingerprints: Sequence[str]) -> dict[str, list[Version]]:
        """For each fingerprint the versions of other sources that may have the same text, since they share a mark: at
        most MAX_ALIKE, oldest capture first. One that is like none is left out."""
        of_mark = self._marked({mark for one in fingerprints for mark in marks_of(one)})
        near = {one: sorted({row for mark in marks_of(one) for row in of_mark.get(mark, ())}) for one in fingerprints}
        near = {one: rows[:MAX_ALIKE] for one, rows in near.items() if rows}
        wanted = sorted({row for rows in near.values() for _, row in rows})
        found: dict[int, Version] = {}
        for start in range(0, len(wanted), ARTICLES_PER_QUERY):
            query = select(versions.c.id, *_COLUMNS).where(
                versions.c.id.in_(wanted[start : start + ARTICLES_PER_QUERY])
            )
            found |= {row[0]: Version(*row[1:]) for row in self.connection.execute(query)}
        return {one: [found[row] for _, row in rows] for one, rows in near.items()}

    def _marked(self, wanted: Iterable[int]) -> dict[int, list[tuple[datetime, int]]]:
        """When the versions of other sources were captured that have these marks, and their ids, by mark."""
        found: dict[int, list[tuple[datetime, int]]] = {}
        sought = list(wanted)
        for start in range(0, len(sought), ARTICLES_PER_QUERY):
            query = (
                select(marks.c.mark, versions.c.captured_at, versions.c.id)
                .join(versions, versions.c.record_id == marks.c.record_id)
                .where(marks.c.mark.in_(sought[start : start + ARTICLES_PER_QUERY]))
                .where(versions.c.source_id != self.source_id)
            )
            for row in self.connection.execute(query):
                found.setdefault(row.mark, []).append((row.captured_at, row.id))
        return found

    def supersede(self, reread: Sequence[tuple[Version, str]]) -> None:
        """Let records take the place of those whose ids stand beside them; where that is done already nothing is."""
        kept = {"article", "version", "lead_id", "captured_at"}
        for start in range(0, len(reread), ARTICLES_PER_QUERY):
            part = reread[start : start + ARTICLES_PER_QUERY]
            query = select(versions.c.record_id, versions.c.id, versions.c.line, versions.c.source_id).where(
                versions.c.record_id.in_([old for _, old in part])
            )
            found = self.connection.execute(query)
            rows = {row.record_id: row for row in found if row.source_id == self.source_id}
            for version, old in part:
                if old in rows:
                    values = {name: getattr(version, name) for name in _FIELDS if name not in kept}
                    self.connection.execute(update(versions).where(versions.c.id == rows[old].id).values(values))
            replaced = {rows[old].id: (rows[old].id, rows[old].line, version) for version, old in part if old in rows}
            Findable(self.connection, self.source_id).supersede(list(replaced.values()))
            # Marks of the old records may stay: they lead to no version.
            self._mark([version for version, old in part if old in rows])

    def observe(self, seen: Sequence[Observation]) -> None:
        """Record observations."""
        rows = [
            {name: getattr(one, name) for name in Observation.__dataclass_fields__} | {"source_id": self.source_id}
            for one in seen
        ]
        if rows:
            self.connection.execute(insert(observations), rows)
            Findable(self.connection, self.source_id).observe(seen)


def stream_versions(
    connection: Connection, sources: Sequence[str] | None, *, latest_only: bool
) -> Iterator[tuple[str, str]]:
    """Pairs of source id and record line, oldest capture first; all versions or the latest of each article.

    The order is that of the records themselves, not of the catalogue's rows: it is the same after a rebuild. All ids
    are sorted first, eight bytes each; the lines are read in batches.
    """
    query = select(versions.c.id).order_by(
        versions.c.captured_at, versions.c.source_id, versions.c.article, versions.c.version
    )
    if sources is not None:
        query = query.where(versions.c.source_id.in_(list(sources)))
    if latest_only:
        # what was captured last: an older capture may have been imported after it
        order = (versions.c.captured_at.desc(), versions.c.version.desc())
        place = func.row_number().over(partition_by=(versions.c.source_id, versions.c.article), order_by=order)
        ranked = select(versions.c.id, place.label("place")).subquery()
        query = query.join(ranked, and_(ranked.c.id == versions.c.id, ranked.c.place == 1))
    ids = array("q", connection.execute(query.execution_options(yield_per=10_000)).scalars())
    for start in range(0, len(ids), LINES_PER_QUERY):
        part = ids[start : start + LINES_PER_QUERY].tolist()
        read = select(versions.c.id, versions.c.source_id, versions.c.line).where(versions.c.id.in_(part))
        rows = {row.id: row for row in connection.execute(read)}
        for row in (rows[version_id] for version_id in part):
            yield row.source_id, row.line


def _said_around(version: Version, others: Sequence[Version]) -> set[str]:
    """The contents of the versions that were captured last before that one, and first after it."""
    before = [one for one in others if one.captured_at <= version.captured_at]
    after = [one for one in others if one.captured_at > version.captured_at]
    found = [max(before, key=lambda one: one.captured_at, default=None)]
    found.append(min(after, key=lambda one: one.captured_at, default=None))
    return {one.content_digest for one in found if one is not None}


def find_versions(connection: Connection, needle: str, articles: Sequence[str]) -> list[Any]:
    """Rows (source_id, version) of the article that `needle` names, by number.

    A needle is a record id, a URL as stored, or one of `articles` (keys of its normalised URL).
    """
    rows = _named(connection, needle, articles) or _superseding(connection, needle)
    if not rows:
        return []
    first = rows[0]
    return [(first.source_id, version) for version in Versions(connection, first.source_id).history(first.article)]


def _named(connection: Connection, needle: str, articles: Sequence[str]) -> list[Any]:
    """A version that a needle names: by what there is an index for, and only then by the URLs as they stand."""
    every = select(sources.c.id)
    for condition in (
        versions.c.record_id == needle,
        and_(versions.c.source_id.in_(every), versions.c.article.in_(list(articles))),
        or_(versions.c.url == needle, versions.c.canonical_url == needle),
    ):
        query = select(versions.c.source_id, versions.c.article).where(condition)
        if rows := connection.execute(query).all():
            return [min(rows)]
    return []


def _superseding(connection: Connection, record_id: str) -> list[Any]:
    """The version whose record took the place of that one; looks at every line, after nothing else was found."""
    if not re.fullmatch("[0-9a-f]{32}", record_id):
        return []
    query = select(versions.c.source_id, versions.c.article)
    return list(connection.execute(query.where(versions.c.line.contains(f'"supersedes":"{record_id}"')).limit(1)))


def find_observations(connection: Connection, source_id: str, article: str) -> list[Observation]:
    """The observations of an article, oldest first."""
    columns = tuple(observations.c[name] for name in Observation.__dataclass_fields__)
    query = (
        select(*columns)
        .where(observations.c.source_id == source_id, observations.c.article == article)
        .order_by(observations.c.id)
    )
    return [Observation(*row) for row in connection.execute(query)]
