"""The columns of a table that CSV and Parquet have, named as in the record that a row is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from reading.exports.selection import Row

Type = Literal["string", "integer", "number", "boolean", "datetime", "list"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it is called, what it holds, and how it is got out of a row. A `list` is of strings."""

    name: str
    type: Type
    description: str
    of: Callable[[Row], Any]


def field(name: str, type_: Type, description: str) -> Column:
    """What the record has under that name."""
    return Column(name, type_, description, lambda row: row.record.get(name))


def inside(name: str, part: str, key: str, type_: Type, description: str) -> Column:
    """What a part of the record has under `key`."""
    return Column(name, type_, description, lambda row: part_of(row.record, part).get(key))


def moment(name: str, description: str) -> Column:
    """What the record has under that name, which is a moment in ISO 8601."""
    return Column(name, "datetime", description, lambda row: as_moment(row.record.get(name)))


def part_of(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a record; empty where it has none."""
    return record.get(name) or {}


def as_moment(text: str | None) -> datetime | None:
    """The moment that a text in ISO 8601 is."""
    return datetime.fromisoformat(text) if text else None
