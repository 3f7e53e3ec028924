"""What suppressions hide: the rows of the catalogue that nobody is shown as long as they are in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, select

from storage.catalogue import alerts, captures, findable, leads, observations, sources, versions
from storage.suppression import Suppression
from storage.uris import urlkey
from storage.versions import article_key

AT_ONCE = 500
_MOVED = "moved"
_VERSION_COLUMNS = (
    versions.c.id,
    versions.c.source_id,
    versions.c.article,
    versions.c.version,
    versions.c.record_id,
    versions.c.lead_id,
    versions.c.url,
    versions.c.canonical_url,
    versions.c.headline,
    versions.c.captured_at,
)


@dataclass(slots=True)
class Hidden:
    """Rows by their ids, and what they are about. `sources` are hidden as a whole and are not among the rows.

    `articles` are keys of articles of which nothing is shown; `records` ids of records, `pages` WARC-Record-IDs of
    their pages, `urls` addresses, `titles` headlines that are not to be told; `latest` versions that are the last to
    be seen of their articles now.
    """

    sources: set[str] = field(default_factory=set)
    articles: set[str] = field(default_factory=set)
    versions: set[int] = field(default_factory=set)
    leads: set[int] = field(default_factory=set)
    captures: set[int] = field(default_factory=set)
    alerts: set[int] = field(default_factory=set)
    latest: set[int] = field(default_factory=set)
    records: set[str] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)
    urls: set[str] = field(default_factory=set)
    titles: set[str] = field(default_factory=set)


def hidden_by(connection: Connection, holding: Sequence[Suppression]) -> Hidden:
    """What these suppressions hide of the rows that there are. The connection must show every row."""
    return _Search(connection, holding).found


class _Search:
    def __init__(self, connection: Connection, holding: Sequence[Suppression]) -> None:
        self._connection = connection
        self.found = Hidden()
        targets = {scope: {one.target for one in holding if one.scope == scope} for scope in _SCOPES}
        self.found.sources = targets["source"]
        self.found.urls |= targets["url"]
        self.found.articles = self._with_moves(targets["article"] | {article_key(url) for url in targets["url"]})
        self._hide_articles()
        for one in holding:
            if one.scope == "version":
                self._hide_version(one)
        self._hide_captures(captures.c.urlkey, {urlkey(url) for url in self.found.urls})
        self._hide_captures(captures.c.lead_id, self.found.leads)
        self._choose_latest(one.target.rpartition("/")[0] for one in holding if one.scope == "version")
        self._hide_alerts()

    # articles

    def _with_moves(self, keys: set[str]) -> set[str]:
        """These articles, and what they were before they moved and have been since."""
        found, new = set(keys), set(keys)
        while new:
            rows = self._versions_of(new)
            shared = self._versions(versions.c.lead_id, {row.lead_id for row in rows if row.lead_id is not None})
            others = {row.article for row in shared} - found
            moved = {row.lead_id for row in self._observed(new | others) if row.outcome == _MOVED}
            new = {row.article for row in shared if row.lead_id in moved} - found
            found |= new
        return found

    def _hide_articles(self) -> None:
        found = self.found
        rows = self._versions_of(found.articles)
        observed = self._observed(found.articles)
        of_articles = {row.lead_id for row in (*rows, *observed) if row.lead_id is not None}
        # a lead that led elsewhere at another time is not the article's own
        shown = self._versions(versions.c.lead_id, of_articles)
        shared = {row.lead_id for row in shown if row.article not in found.articles}
        own = self._rows((leads.c.id, leads.c.url), leads.c.id, of_articles - shared)
        known = (leads.c.source_id.in_(select(sources.c.id)),)
        own += self._rows((leads.c.id, leads.c.url), leads.c.identity, found.articles, *known)
        found.leads |= {row.id for row in own}
        found.urls |= {row.url for row in own}
        self._hide_rows(rows)
        for row in rows:
            found.urls.add(row.url)
            if row.canonical_url and article_key(row.canonical_url) == row.article:
                found.urls.add(row.canonical_url)

    def _hide_rows(self, rows: Iterable[Any]) -> None:
        """Hide versions with the records of their pages."""
        rows = list(rows)
        self.found.versions |= {row.id for row in rows}
        self.found.records |= {row.record_id for row in rows}
        self.found.titles |= {row.headline for row in rows if row.headline}
        pages: set[str | None] = set()
        for row in self._rows((versions.c.line,), versions.c.id, {row.id for row in rows}):
            record = orjson.loads(row.line)
            pages.add((record.get("archive") or {}).get("recordId"))
            self.found.records |= {record["supersedes"]} if record.get("supersedes") else set()
        self.found.pages |= {page for page in pages if page}
        self._hide_captures(captures.c.record_id, self.found.pages)

    # single versions

    def _hide_version(self, one: Suppression) -> None:
        """Hide a version, and what was captured of its page until another one was."""
        article, _, number = one.target.rpartition("/")
        rows = [row for row in self._versions_of({article}) if row.source_id == one.source_id]
        chosen = [row for row in rows if row.version == int(number)]
        self._hide_rows(chosen)
        for row in chosen:
            later = [other.captured_at for other in rows if other.captured_at > row.captured_at]
            while_shown = [captures.c.date >= row.captured_at]
            while_shown += [captures.c.date < min(later)] if later else []
            self._hide_captures(captures.c.urlkey, {urlkey(row.url)}, *while_shown)
            self._hide_captures(captures.c.lead_id, {row.lead_id} - {None}, *while_shown)

    def _choose_latest(self, articles: Iterable[str]) -> None:
        """Of articles of which a version is hidden, the one that is now the last to be seen."""
        columns = (findable.c.version_id, findable.c.source_id, findable.c.article, findable.c.latest)
        order = (findable.c.captured_at, findable.c.version)
        known = (findable.c.source_id.in_(select(sources.c.id)),)
        last: dict[tuple[str, str], Any] = {}
        for row in sorted(
            self._rows((*columns, *order), findable.c.article, set(articles), *known), key=lambda row: row[-2:]
        ):
            if row.version_id not in self.found.versions:
                last[row.source_id, row.article] = row
        self.found.latest = {row.version_id for row in last.values() if not row.latest}

    # the rest

    def _hide_captures(self, column: Any, values: Iterable[Any], *more: ColumnElement[bool]) -> None:
        rows = self._rows((captures.c.id, captures.c.record_id), column, set(values), *more)
        self.found.captures |= {row.id for row in rows}

    def _hide_alerts(self) -> None:
        found = self.found
        for row in self._connection.execute(select(alerts.c.id, alerts.c.key, alerts.c.url, alerts.c.title)):
            about = row.key.split(":")
            named = any(f"“{title}”" in row.title for title in found.titles)
            if row.url in found.urls or named or (len(about) > 2 and about[2] in found.articles):
                found.alerts.add(row.id)

    def _observed(self, articles: Iterable[str]) -> list[Any]:
        columns = (observations.c.lead_id, observations.c.url, observations.c.outcome)
        known = observations.c.source_id.in_(select(sources.c.id))
        return self._rows(columns, observations.c.article, set(articles), known)

    def _versions_of(self, articles: Iterable[str]) -> list[Any]:
        return self._versions(versions.c.article, articles, versions.c.source_id.in_(select(sources.c.id)))

    def _versions(self, column: Any, values: Iterable[Any], *more: ColumnElement[bool]) -> list[Any]:
        return self._rows(_VERSION_COLUMNS, column, set(values), *more)

    def _rows(
        self, columns: Sequence[Any], column: Any, values: Iterable[Any], *more: ColumnElement[bool]
    ) -> list[Any]:
        """The rows with one of these values; `more` names the source first where an index begins with it."""
        return [
            row
            for part in _parts(sorted(values))
            for row in self._connection.execute(select(*columns).where(and_(*more, column.in_(part))))
        ]


_SCOPES = ("article", "version", "url", "source")


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
