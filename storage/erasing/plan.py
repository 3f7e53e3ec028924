"""What an erasure takes out: every capture of an article or an address, with all that was read and told of it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from storage.archive import Archive
from storage.captures import capture_columns, capture_from_row
from storage.catalogue import alerts, captures, leads, versions
from storage.erasing.erasureerrors import NotErasable
from storage.hidden import Hidden, hidden_by
from storage.importnames import is_imported
from storage.suppression import Scope, Suppression
from storage.versions import article_key
from storage.wholeexchange import exchange_members

ID_DIGITS = 12
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Group:
    """The records of one exchange: `length` bytes from `offset` on in the WARC under `key`; `main` and `record_id` are
    those of its capture's record."""

    key: str
    offset: int
    length: int
    main: int
    record_id: str


@dataclass(slots=True)
class SourcePlan:
    """What goes of one source, by names that hold in the store too: `records` are ids of JSON records, `captures`
    WARC-Record-IDs, `leads` identities, `articles` keys, `alerts` keys. `kept` counts captures that stay, since records
    of other pages refer to them (an error page, say)."""

    source_id: str
    groups: list[Group] = field(default_factory=list)
    records: set[str] = field(default_factory=set)
    captures: set[str] = field(default_factory=set)
    urls: set[str] = field(default_factory=set)
    articles: set[str] = field(default_factory=set)
    leads: set[str] = field(default_factory=set)
    alerts: set[str] = field(default_factory=set)
    versions: int = 0
    kept: int = 0

    def spots(self) -> dict[tuple[str, int], str]:
        """Where captures stand that go: file names and offsets, as indexes have them, with their WARC-Record-IDs."""
        return {(one.key.rpartition("/")[2], one.main): one.record_id for one in self.groups}


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole of it; `id` is the same as long as nothing is added or goes."""

    id: str
    url: str
    sources: tuple[SourcePlan, ...]

    @property
    def records(self) -> int:
        """How many exchanges go."""
        return sum(len(one.groups) for one in self.sources)


def plan_erasure(
    archive: Archive, named: str, url: str, source_id: str, scope: Scope, target: str, also: Collection[str] = ()
) -> Plan:
    """What goes when that article or address is erased, and `also` the captures with these WARC-Record-IDs.

    Raises NotErasable.
    """
    wanted = Suppression("", source_id, scope, target, None, archive.clock(), None, "", "")
    with archive.catalogue.whole() as connection:
        found = _Search(connection, archive, named, hidden_by(connection, [wanted])).sources(also)
    told = sorted(f"{one.key} {one.offset} {one.length}" for part in found for one in part.groups)
    told += sorted(record for part in found for record in part.records)
    digest = hashlib.sha256("\n".join([target, *told]).encode()).hexdigest()[:ID_DIGITS]
    return Plan(digest, url, tuple(found))


def concerned(archive: Archive, source_id: str, scope: Scope, target: str) -> list[str]:
    """The sources of which something may go: these are to be owned before it is planned."""
    wanted = Suppression("", source_id, scope, target, None, archive.clock(), None, "", "")
    with archive.catalogue.whole() as connection:
        search = _Search(connection, archive, target, hidden_by(connection, [wanted]))
        return sorted({source_id, *search.source_ids()})


class _Search:
    def __init__(self, connection: Connection, archive: Archive, named: str, hidden: Hidden) -> None:
        self._connection, self._archive, self._named, self._hidden = connection, archive, named, hidden
        self._of: dict[str, SourcePlan] = {}

    def _plan(self, source_id: str) -> SourcePlan:
        if source_id not in self._of:
            hidden = self._hidden
            self._of[source_id] = SourcePlan(
                source_id, records=set(hidden.records), urls=set(hidden.urls), articles=set(hidden.articles)
            )
        return self._of[source_id]

    def source_ids(self) -> set[str]:
        """The sources of which there is something."""
        hidden = self._hidden
        tables = ((captures, hidden.captures), (versions, hidden.versions), (leads, hidden.leads))
        return {row.source_id for table, ids in tables for row in self._rows((table.c.source_id,), table.c.id, ids)}

    def sources(self, also: Collection[str]) -> list[SourcePlan]:
        """Each source of which something goes."""
        own = [row for row in self._captures(captures.c.id, self._hidden.captures) if self._is_its_own(row)]
        more = [row for row in self._captures(captures.c.record_id, also) if row.id not in self._hidden.captures]
        chosen = self._with_revisits(own + more)
        for row in chosen:
            capture = capture_from_row(row[3:])
            assert capture is not None
            if is_imported(capture.key):
                problem = f"it stands in {capture.key}, a file of others that is kept as it came; suppress it instead"
                raise NotErasable(self._named, problem)
            plan = self._plan(row.source_id)
            length = sum(map(len, exchange_members(self._archive.holdings, capture)))
            end = capture.offset + capture.length
            plan.groups.append(Group(capture.key, end - length, length, capture.offset, capture.record_id))
            plan.captures.add(capture.record_id)
        for row in self._rows((versions.c.source_id,), versions.c.id, self._hidden.versions):
            self._plan(row.source_id).versions += 1
        for row in self._rows((leads.c.source_id, leads.c.identity), leads.c.id, self._hidden.leads):
            self._plan(row.source_id).leads.add(row.identity)
        for row in self._rows((alerts.c.source_id, alerts.c.key), alerts.c.id, self._hidden.alerts):
            self._plan(row.source_id or next(iter(self._of))).alerts.add(row.key)
        return [self._of[name] for name in sorted(self._of)]

    def _with_revisits(self, chosen: list[Any]) -> list[Any]:
        """With the captures that stand for the same bytes, without those whose bytes are others' error page too."""
        ids = {row.record_id for row in chosen}
        others = [row for row in self._captures(captures.c.refers_to, ids) if row.record_id not in ids]
        referred = {row.refers_to for row in others}
        kept = {row.record_id for row in chosen if row.record_id in referred and (row.status or 0) // 100 != 2}
        same = [row for row in others if row.refers_to not in kept]
        self._refuse_shared(same)
        for row in chosen:
            self._plan(row.source_id).kept += row.record_id in kept
        return [row for row in chosen if row.record_id not in kept] + same

    def _refuse_shared(self, same: list[Any]) -> None:
        """What was read from the same bytes under another address is an article of its own."""
        urls = {row.url for row in same}
        for row in self._rows((versions.c.id, versions.c.url), versions.c.article, map(article_key, urls)):
            if row.id not in self._hidden.versions:
                problem = f"{row.url} is an article of the very same bytes; erase that one first, or suppress both"
                raise NotErasable(self._named, problem)

    def _captures(self, column: Any, values: Any) -> list[Any]:
        # refers_to has no index: a look at all captures, once for an erasure
        own = (captures.c.id, captures.c.source_id, captures.c.lead_id)
        return self._rows((*own, *capture_columns()), column, values)

    def _is_its_own(self, row: Any) -> bool:
        """Whether a capture is of these very addresses: what is replayed under one key may be several, that differ in
        the case of a letter, say."""
        hidden, (_, mark, rest) = self._hidden, row.url.partition("://")
        spellings = {row.url, f"http{mark}{rest}", f"https{mark}{rest}"}
        return row.lead_id in hidden.leads or row.record_id in hidden.pages or bool(spellings & hidden.urls)

    def _rows(self, columns: Any, column: Any, values: Any, *more: Any) -> list[Any]:
        wanted = sorted(values)
        found: list[Any] = []
        for start in range(0, len(wanted), AT_ONCE):
            part = column.in_(wanted[start : start + AT_ONCE])
            found += self._connection.execute(select(*columns).where(part, *more)).all()
        return found


def counted_by_key(groups: list[Group]) -> dict[str, int]:
    """How many exchanges go of each WARC."""
    found: dict[str, int] = defaultdict(int)
    for one in groups:
        found[one.key] += 1
    return dict(sorted(found.items()))
