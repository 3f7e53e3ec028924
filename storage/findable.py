"""What versions are found by: one narrow row for each beside its wide one, and its words in the full-text index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, delete, insert, select, update

from storage.catalogue import findable, observations, versions
from storage.wordindex import WordIndex

if TYPE_CHECKING:
    from storage.versions import Observation, Version

ARTICLES_PER_QUERY = 500


class Findable:
    """The findable rows of one source, inside one transaction."""

    def __init__(self, connection: Connection, source_id: str) -> None:
        self.connection = connection
        self.source_id = source_id

    def add(self, new: Sequence[Version]) -> None:
        """Make versions findable that were just recorded; one that is findable already is left as it is."""
        for start in range(0, len(new), ARTICLES_PER_QUERY):
            self._add(new[start : start + ARTICLES_PER_QUERY])

    def _add(self, new: Sequence[Version]) -> None:
        known = self._rows({one.article for one in new})
        ids = self._ids(new)
        rows = []
        for version in new:
            row = ids.get((version.article, version.version))
            of_article = known.setdefault(version.article, {})
            if row is not None and row not in of_article:
                of_article[row] = {"version_id": row, **self._facts(version), "latest": False, "outcome": None}
                rows.append((of_article[row], version))
        if not rows:
            return
        self._say_outcomes(known, {version.article for _, version in rows})
        self._say_latest(known, {version.article for _, version in rows}, {facts["version_id"] for facts, _ in rows})
        self.connection.execute(insert(findable), [facts for facts, _ in rows])
        WordIndex(self.connection).add((facts["version_id"], version.line) for facts, version in rows)

    def _rows(self, articles: Iterable[str]) -> dict[str, dict[int, dict[str, Any]]]:
        """The rows of articles by article and id."""
        query = select(findable).where(findable.c.source_id == self.source_id, findable.c.article.in_(list(articles)))
        found: dict[str, dict[int, dict[str, Any]]] = {}
        for row in self.connection.execute(query).mappings():
            found.setdefault(row["article"], {})[row["version_id"]] = dict(row)
        return found

    def _ids(self, new: Sequence[Version]) -> dict[tuple[str, int], int]:
        """The ids of those that were recorded as they are, not left out for another of that number."""
        # asked for the source too, SQLite would read all of its versions
        query = select(versions.c.id, versions.c.source_id, versions.c.article, versions.c.version).where(
            versions.c.record_id.in_({one.record_id for one in new})
        )
        rows = self.connection.execute(query)
        return {(row.article, row.version): row.id for row in rows if row.source_id == self.source_id}

    def _facts(self, version: Version) -> dict[str, Any]:
        published = version.date_published
        return {
            "source_id": self.source_id,
            "article": version.article,
            "version": version.version,
            "in_language": version.in_language,
            "published": published,
            "year": published[:4] if published else None,
            "captured_at": version.captured_at,
        }

    def _say_outcomes(self, known: dict[str, dict[int, dict[str, Any]]], articles: Iterable[str]) -> None:
        """Give new rows the outcome that their article has; where it had no row, that of its last observation."""
        fresh = []
        for article in articles:
            outcomes = [facts["outcome"] for facts in known[article].values() if facts["outcome"] is not None]
            if outcomes:
                for facts in known[article].values():
                    facts["outcome"] = outcomes[0]
            else:
                fresh.append(article)
        for article, outcome in self._last_outcomes(fresh).items():
            for facts in known[article].values():
                facts["outcome"] = outcome

    def _say_latest(self, known: dict[str, dict[int, dict[str, Any]]], articles: Iterable[str], new: set[int]) -> None:
        """Mark the version of each article that was captured last: an older capture may be imported after it."""
        dethroned = []
        for article in articles:
            rows = known[article].values()
            last = max(rows, key=lambda facts: (facts["captured_at"], facts["version"]))
            dethroned += [facts["version_id"] for facts in rows if facts["latest"] and facts is not last]
            for facts in rows:
                facts["latest"] = facts is last
        if old := [row for row in dethroned if row not in new]:
            self.connection.execute(update(findable).where(findable.c.version_id.in_(old)).values(latest=False))

    def supersede(self, reread: Sequence[tuple[int, str, Version]]) -> None:
        """Find versions, each given by its id and its old line, by what their new record says."""
        index = WordIndex(self.connection)
        index.remove([(row, line) for row, line, _ in reread])
        for row, _, version in reread:
            facts = {name: self._facts(version)[name] for name in ("in_language", "published", "year")}
            self.connection.execute(update(findable).where(findable.c.version_id == row).values(facts))
        index.add((row, version.line) for row, _, version in reread)

    def forget(self, gone: Sequence[tuple[int, str]]) -> None:
        """Find versions no more, each given by its id and its line; `tell_apart` what stays of their articles."""
        ids = [row for row, _ in gone]
        WordIndex(self.connection).remove(gone)
        for start in range(0, len(ids), ARTICLES_PER_QUERY):
            part = ids[start : start + ARTICLES_PER_QUERY]
            self.connection.execute(delete(findable).where(findable.c.version_id.in_(part)))

    def tell_apart(self, articles: Sequence[str]) -> None:
        """Say anew which version of each of these articles is the latest, and what its last visit found."""
        for start in range(0, len(articles), ARTICLES_PER_QUERY):
            known = self._rows(articles[start : start + ARTICLES_PER_QUERY])
            outcomes = self._last_outcomes(known)
            for article, rows in known.items():
                last = max(rows.values(), key=lambda facts: (facts["captured_at"], facts["version"]))
                mine = and_(findable.c.source_id == self.source_id, findable.c.article == article)
                self.connection.execute(
                    update(findable).where(mine).values(latest=False, outcome=outcomes.get(article))
                )
                this = findable.c.version_id == last["version_id"]
                self.connection.execute(update(findable).where(this).values(latest=True))

    def observe(self, seen: Sequence[Observation]) -> None:
        """Take in what visits found, after it was recorded; nothing is written for what is as it was."""
        said = [(one.article, one.outcome) for one in seen if one.article is not None]
        for start in range(0, len(said), ARTICLES_PER_QUERY):
            part = said[start : start + ARTICLES_PER_QUERY]
            mine = and_(
                findable.c.source_id == self.source_id, findable.c.article.in_({article for article, _ in part})
            )
            query = select(findable.c.article, findable.c.outcome).where(mine)
            standing = {row.article: row.outcome for row in self.connection.execute(query)}
            changed = {article for article, outcome in part if standing.get(article, outcome) != outcome}
            for article, outcome in self._last_outcomes(changed).items():
                if standing[article] != outcome:
                    of_article = and_(findable.c.source_id == self.source_id, findable.c.article == article)
                    self.connection.execute(update(findable).where(of_article).values(outcome=outcome))

    def _last_outcomes(self, articles: Iterable[str]) -> dict[str, str]:
        """What the last visit of each article found, by time: an older observation may be imported after it."""
        wanted = list(articles)
        if not wanted:
            return {}
        query = select(observations.c.article, observations.c.outcome, observations.c.at, observations.c.id).where(
            observations.c.source_id == self.source_id, observations.c.article.in_(wanted)
        )
        rows = sorted(self.connection.execute(query), key=lambda row: (row.at, row.id))
        return {row.article: row.outcome for row in rows}
