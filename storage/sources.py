"""Sources as rows of the catalogue: their files, who works on them, and their manifest chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from storage.catalogue import insert_new, sources
from storage.errors import SourceBusy
from storage.events import SourceFile
from storage.owners import is_dead

# A catalogue that is not whole yet must not be crawled with; the lease ends with the rebuild, whenever that is.
REBUILD_PERIOD = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A source as the catalogue knows it."""

    id: str
    name: str
    home: str
    toml: str
    revision: int
    added_at: datetime


_COLUMNS = tuple(sources.c[name] for name in KnownSource.__dataclass_fields__)


class Sources:
    """The sources of a catalogue, inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def known(self, ids: Sequence[str] | None = None) -> list[KnownSource]:
        """All sources, or those with these ids, by id."""
        query = select(*_COLUMNS).order_by(sources.c.id)
        if ids is not None:
            query = query.where(sources.c.id.in_(list(ids)))
        return [KnownSource(*row) for row in self.connection.execute(query)]

    def enlist(self, source_id: str, *, name: str, home: str, toml: str, now: datetime) -> int:
        """Make a source known, or note that its file changed; the number of its current revision, from 1."""
        values = {"id": source_id, "name": name, "home": home, "toml": toml, "revision": 1, "added_at": now}
        added = insert_new(self.connection, sources).values(**values).returning(sources.c.id)
        if self.connection.execute(added).first() is not None:
            return 1
        row = self._locked(source_id, sources.c.toml, sources.c.revision)
        if row.toml == toml:
            return int(row.revision)
        changed = {"name": name, "home": home, "toml": toml, "revision": row.revision + 1}
        self.connection.execute(update(sources).where(sources.c.id == source_id).values(**changed))
        return int(row.revision) + 1

    def place(
        self,
        source_id: str,
        *,
        name: str,
        home: str,
        toml: str,
        revision: int,
        now: datetime,
        owner: str | None = None,
    ) -> None:
        """Make a source known as its stored file says, held by `owner` if there is one; a known one stays as it is."""
        values = {"id": source_id, "name": name, "home": home, "toml": toml, "revision": revision, "added_at": now}
        if owner is not None:
            values |= {"owner": owner, "owned_until": now + REBUILD_PERIOD}
        self.connection.execute(insert_new(self.connection, sources).values(**values))

    def date(self, source_id: str, told: SourceFile) -> None:
        """Take over from an event when the source was added, and its name and home if the event is of its last file."""
        this = update(sources).where(sources.c.id == source_id)
        self.connection.execute(this.values(added_at=told.at))
        self.connection.execute(this.where(sources.c.revision == told.revision).values(name=told.name, home=told.home))

    def own(self, source_id: str, owner: str, now: datetime, period: timedelta) -> None:
        """Take or renew the lease on a source. Raises SourceBusy when a living process holds it."""
        row = self._locked(source_id, sources.c.owner, sources.c.owned_until)
        held = row.owner is not None and row.owner != owner and row.owned_until > now
        if held and not is_dead(row.owner, owner):
            raise SourceBusy(source_id, row.owner)
        # SQLite locks no rows: of two that looked at the same moment the second finds another lease than the one it saw
        seen = (
            sources.c.owner.is_not_distinct_from(row.owner),
            sources.c.owned_until.is_not_distinct_from(row.owned_until),
        )
        taken = update(sources).where(sources.c.id == source_id, *seen).values(owner=owner, owned_until=now + period)
        if self.connection.execute(taken).rowcount == 0:
            raise SourceBusy(source_id, "a process that began at the same moment")

    def hold(self, source_id: str, owner: str) -> None:
        """Let nobody else take the source before the transaction ends. Raises SourceBusy when somebody else has it.

        Whoever slept longer than its lease finds out here, before it writes into another's work.
        """
        query = select(sources.c.owner).where(sources.c.id == source_id).with_for_update(read=True)
        holder = self.connection.execute(query).scalar()
        if holder is not None and holder != owner:
            raise SourceBusy(source_id, holder)

    def _locked(self, source_id: str, *columns: Any) -> Any:
        """These columns of a source, which nobody else changes before the transaction ends, where the database can."""
        query = select(*columns).where(sources.c.id == source_id)
        return self.connection.execute(query.with_for_update(key_share=True)).one()

    def disown(self, source_id: str, owner: str) -> None:
        """Give the lease back, if it is this owner's."""
        self.connection.execute(
            update(sources)
            .where(sources.c.id == source_id, sources.c.owner == owner)
            .values(owner=None, owned_until=None)
        )

    def last_manifest_sha256(self, source_id: str) -> str | None:
        """The SHA-256 of the newest manifest of the source, in hex: what the next one refers to."""
        query = select(sources.c.last_manifest_sha256).where(sources.c.id == source_id)
        return self.connection.execute(query).scalar()

    def set_last_manifest(self, source_id: str, sha256: str) -> None:
        """Remember the newest manifest."""
        self.connection.execute(update(sources).where(sources.c.id == source_id).values(last_manifest_sha256=sha256))

    def follow(self, source_id: str, previous: str | None, sha256: str) -> bool:
        """Whether the newest manifest was `previous`, and is the one of that SHA-256 now."""
        this = sources.c.last_manifest_sha256.is_not_distinct_from(previous)
        changed = update(sources).where(sources.c.id == source_id, this).values(last_manifest_sha256=sha256)
        return self.connection.execute(changed).rowcount == 1
