"""The ledger as a table: a row for each entry, in the state in which it is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from sqlalchemy import Connection

from reading import ledger
from reading.exports import columns
from reading.exports.columns import Column, as_moment, moment
from reading.exports.kind import Kind, OnStep, made_row, no_step
from reading.exports.selection import Row
from reading.ledger import Wanted
from reading.life import CONFIRMATIONS, Confirmation, confirmation


@dataclass(frozen=True, slots=True)
class Ledger(Kind):
    """The entries that are wanted and that nothing new was seen of at `until` or later.

    They are sorted in memory, about a kilobyte each. Steps are articles that something happened to.
    """

    name: ClassVar[str] = "ledger"
    # an entry about the whole archive is of no source
    splits: ClassVar[tuple[str, ...]] = ("none", "month")
    columns: ClassVar[tuple[Column, ...]] = (
        columns.field("id", "string", "Digest of the rest: an entry that is told otherwise has another."),
        columns.field("source", "string", "Id of the source in the archive."),
        columns.field("article", "string", "Names the article; none for an entry about a whole source."),
        columns.field("url", "string", "The address that it happened at."),
        columns.field("kind", "string", "What happened: edited, removed, restored …"),
        columns.field("state", "string", "`suspected` or `confirmed`."),
        moment("at", "When it was first seen, in UTC."),
        moment("confirmedAt", "When it was sure, in UTC."),
        columns.field("headline", "string", "The article's headline then, or the source's name."),
        columns.field("detail", "string", "What more there is to say, for people."),
        columns.field("silent", "boolean", "Of a change, whether the page's own date stayed what it was."),
        columns.field("captures", "list", "WARC-Record-IDs of the last good capture, then of those that prove it."),
        columns.field("versions", "list", "Ids of the records before and after."),
    )

    wanted: Wanted = field(default_factory=Wanted)
    until: datetime | None = None
    confirmations: Mapping[str, Confirmation] = field(default_factory=lambda: CONFIRMATIONS)

    @classmethod
    def from_json(cls, query: Mapping[str, Any]) -> Self:
        """The query that `as_json` told."""
        rest = dict(query)
        until, told = as_moment(rest.pop("until", None)), rest.pop("confirmations", {})
        wanted = Wanted(
            sources=rest.pop("sources", None) or (),
            kinds=frozenset(rest.pop("kinds", ())),
            since=as_moment(rest.pop("since", None)),
            **rest,
        )
        return cls(wanted, until, {**CONFIRMATIONS, **{kind: confirmation(text) for kind, text in told.items()}})

    def as_json(self) -> dict[str, Any]:
        """What was asked for, and what makes a fact of a suspicion."""
        told = {
            "sources": list(self.wanted.sources),
            "kinds": sorted(self.wanted.kinds),
            "since": self.wanted.since.isoformat() if self.wanted.since else None,
            "until": self.until.isoformat() if self.until else None,
            "text": self.wanted.text,
            "confirmations": {kind: str(one) for kind, one in self.confirmations.items()},
        }
        return {name: value for name, value in told.items() if value}

    @property
    def sources(self) -> Sequence[str] | None:
        """The sources that were asked for."""
        return self.wanted.sources or None

    def of_source(self, source: str) -> Self:
        """The same of one source."""
        return replace(self, wanted=replace(self.wanted, sources=(source,)))

    def steps(self, connection: Connection) -> int:
        """How many articles will be looked at."""
        return ledger.count_of(connection, self.wanted)

    def rows(self, connection: Connection, on_step: OnStep = no_step) -> Iterator[Row]:
        """The entries, oldest first."""
        for entry in ledger.entries(connection, self.wanted, self.confirmations, on_step):
            if self.until is None or entry.newest < self.until:
                yield made_row(entry.source, entry.article, entry.as_json())
