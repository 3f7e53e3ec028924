"""What an export is a table of: its columns, which rows were asked for, and how they are got."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import orjson
from sqlalchemy import Connection

from reading.exports.columns import Column
from reading.exports.selection import Row

OnStep = Callable[[], object]
"""Called for each step of the way; what it raises ends the export, of which nothing stays."""

ID_DIGITS = 32


def no_step() -> None:
    """Nobody wants to know how far it is."""


class Kind(ABC):
    """One kind of export with its query. Every row has an `id`, the same in every export that has the same row."""

    name: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    splits: ClassVar[tuple[str, ...]] = ("none", "month", "source")
    """By what its rows can be put into several files."""

    @classmethod
    @abstractmethod
    def from_json(cls, query: Mapping[str, Any]) -> Self:
        """The query that `as_json` told. Raises TypeError or ValueError for one that is none."""

    @abstractmethod
    def as_json(self) -> dict[str, Any]:
        """The query: what was asked for, and nothing else."""

    @property
    @abstractmethod
    def sources(self) -> Sequence[str] | None:
        """The sources that were asked for; None for all."""

    @abstractmethod
    def of_source(self, source: str) -> Self:
        """The same of one source."""

    @abstractmethod
    def steps(self, connection: Connection) -> int:
        """How often `rows` will call `on_step`, about."""

    @abstractmethod
    def rows(self, connection: Connection, on_step: OnStep = no_step) -> Iterator[Row]:
        """The rows in an order of their own, which a rebuild does not change."""

    def fates(self, connection: Connection, ids: Collection[str]) -> dict[str, str]:  # noqa: ARG002 - kinds that have fates want them
        """What is known of rows that are no longer selected, by id; none where nothing is."""
        return {}


def made_row(source: str, article: str | None, facts: Mapping[str, Any]) -> Row:
    """A row of these facts, whose `id` is a digest of them; what is None is left out."""
    told = {name: value for name, value in facts.items() if value is not None}
    data = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    record = {"id": hashlib.sha256(data).hexdigest()[:ID_DIGITS], **told}
    return Row(source, article or "", orjson.dumps(record).decode(), record)
