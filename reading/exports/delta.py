"""What is new since an earlier export, and what is gone: a difference of two sets of ids.

Nothing else tells it exactly: rows of the catalogue have other numbers after a rebuild, captures that are imported are
older than what was exported, and a record that was read again takes the place of another.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from typing import IO

from sqlalchemy import Connection

from reading.exports.earlier import Earlier
from reading.exports.kind import Kind
from reading.exports.selection import Row
from storage.archive import Archive
from storage.publicview import hidden_from

GONE_FIELDS = {
    "id": "Id of a row that the query does not choose any more.",
    "fate": "`withdrawn` from what is shown: drop it; `superseded` by a later reading, `not-selected` but kept, or"
    " `not-held` by the catalogue.",
    "by": "Id of the row that superseded it.",
}


class Delta:
    """Notes the rows that a query chooses, and lets those pass that an earlier export lacks; without one all."""

    def __init__(self, earlier: Earlier | None) -> None:
        self._held = earlier.ids if earlier else frozenset()
        self._chosen: set[str] = set()
        self._superseded: dict[str, str] = {}

    def new(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows that are new."""
        for row in rows:
            name = row.record["id"]
            self._chosen.add(name)
            if name not in self._held:
                if (old := row.record.get("supersedes")) in self._held:
                    self._superseded[str(old)] = name
                yield row

    def write_ids(self, to: IO[bytes]) -> int:
        """How many ids of all that the query chose were written, sorted and packed, one a line."""
        with gzip.GzipFile(filename="", mode="wb", fileobj=to, compresslevel=6, mtime=0) as packed:
            packed.writelines(f"{name}\n".encode() for name in sorted(self._chosen))
        return len(self._chosen)

    def write_gone(self, archive: Archive, connection: Connection, kind: Kind, to: IO[bytes]) -> int:
        """How many rows that the earlier export holds are gone; a line of CSV for each, with what became of it."""
        gone = sorted(self._held - self._chosen)
        fates = kind.fates(connection, [name for name in gone if name not in self._superseded])
        fates |= dict.fromkeys(_withdrawn(archive, connection, kind, set(gone)), "withdrawn")
        text = io.TextIOWrapper(to, "utf-8", newline="", write_through=True)
        writer = csv.writer(text)
        writer.writerow(GONE_FIELDS)
        for name in gone:
            by = self._superseded.get(name)
            writer.writerow([name, "superseded" if by else fates.get(name, ""), by or ""])
        text.detach()
        return len(gone)


def _withdrawn(archive: Archive, connection: Connection, kind: Kind, gone: set[str]) -> set[str]:
    """Those of the rows that the query would choose if nothing was suppressed."""
    if not gone or hidden_from(connection) is None:
        return set()
    with archive.catalogue.whole() as whole:
        return gone & {row.record["id"] for row in kind.rows(whole)}
