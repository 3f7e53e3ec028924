"""A source's learned furniture as rows of the catalogue: paragraphs that stand in several of its articles."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from storage.catalogue import furniture, insert_new
from storage.digests import sha256_hex


class Furniture:
    """The furniture of one source, inside one transaction."""

    def __init__(self, connection: Connection, source_id: str) -> None:
        self.connection = connection
        self.source_id = source_id

    def texts(self) -> list[str]:
        """The paragraphs, in the order in which they were learned."""
        query = select(furniture.c.text).where(furniture.c.source_id == self.source_id).order_by(furniture.c.id)
        return list(self.connection.execute(query).scalars())

    def add(self, learned: Iterable[tuple[str, datetime]]) -> None:
        """Record paragraphs with the time at which each was learned; known ones are left as they are."""
        rows = [
            {
                "source_id": self.source_id,
                "digest": sha256_hex(text.encode("utf-8", "surrogatepass")),
                "text": text,
                "learned_at": at,
            }
            for text, at in learned
        ]
        if rows:
            self.connection.execute(insert_new(self.connection, furniture), rows)
