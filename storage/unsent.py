"""Unsent segments as rows of the catalogue: which machine's disk holds what no store has yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from socket import gethostname

from sqlalchemy import Connection, delete, func, select, update

from storage.catalogue import insert_new, unsent


@dataclass(frozen=True, slots=True)
class UnsentSegment:
    """A segment, or a later reading of one, and the machine that has it; see `machine_of`."""

    stem: str
    source_id: str
    machine: str
    host: str
    since: datetime
    previous_sha256: str | None
    lost_at: datetime | None


@dataclass(frozen=True, slots=True)
class Losses:
    """What was given up with machines that are gone, and did not turn up since."""

    segments: int = 0
    captures: int = 0
    versions: int = 0


_COLUMNS = tuple(unsent.c[name] for name in UnsentSegment.__dataclass_fields__)


class Unsent:
    """The unsent segments of a catalogue, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def begin(self, stem: str, source_id: str, machine: str, since: datetime) -> None:
        """Note that a new segment lies on this machine; one that is noted stays as it is."""
        row = {"stem": stem, "source_id": source_id, "machine": machine, "host": gethostname(), "since": since}
        self.connection.execute(insert_new(self.connection, unsent).values(row))

    def chained(self, stem: str, source_id: str, machine: str, since: datetime, previous_sha256: str | None) -> None:
        """Note that a segment has its place in the chain, and that this machine has it: it is not lost, if it was."""
        self.begin(stem, source_id, machine, since)
        here = {"machine": machine, "host": gethostname(), "lost_at": None, "previous_sha256": previous_sha256}
        self.connection.execute(update(unsent).where(unsent.c.stem == stem).values(here))

    def remove(self, stem: str) -> None:
        """Forget a segment that enough stores have."""
        self.connection.execute(delete(unsent).where(unsent.c.stem == stem))

    def elsewhere(self, source_id: str, machines: Collection[str]) -> list[UnsentSegment]:
        """The source's segments that none of these machines has and that are not given up, oldest first."""
        query = select(*_COLUMNS).where(
            unsent.c.source_id == source_id, unsent.c.lost_at.is_(None), unsent.c.machine.not_in(list(machines))
        )
        return [UnsentSegment(*row) for row in self.connection.execute(query.order_by(unsent.c.since, unsent.c.stem))]

    def machines(self, source_ids: Sequence[str] | None = None) -> dict[str, set[str]]:
        """For each source the machines that have segments of it which are not given up."""
        query = select(unsent.c.source_id, unsent.c.machine).where(unsent.c.lost_at.is_(None)).distinct()
        if source_ids is not None:
            query = query.where(unsent.c.source_id.in_(list(source_ids)))
        found: dict[str, set[str]] = {}
        for source_id, machine in self.connection.execute(query):
            found.setdefault(source_id, set()).add(machine)
        return found

    def give_up(self, stem: str, now: datetime, captures: int, versions: int) -> None:
        """Note that a segment is lost with its machine, and how much it held."""
        lost = {"lost_at": now, "captures": captures, "versions": versions}
        self.connection.execute(update(unsent).where(unsent.c.stem == stem).values(lost))

    def lost_stems(self) -> set[str]:
        """The segments that were given up and may turn up yet; parts of some may be in a store."""
        return set(self.connection.execute(select(unsent.c.stem).where(unsent.c.lost_at.is_not(None))).scalars())

    def losses(self, source_id: str) -> Losses:
        """What of the source is lost."""
        query = select(
            func.count(), func.coalesce(func.sum(unsent.c.captures), 0), func.coalesce(func.sum(unsent.c.versions), 0)
        ).where(unsent.c.source_id == source_id, unsent.c.lost_at.is_not(None))
        return Losses(*map(int, self.connection.execute(query).one()))
