"""The table in Arrow's terms, which Parquet and data frames share; needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from reading.exports.columns import Column
from reading.exports.selection import Row

ROWS_AT_ONCE = 500

_TYPES = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us", tz="UTC"),
    "list": pa.list_(pa.string()),
}


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The schema of a table with these columns: always the same, whatever the rows hold."""
    return pa.schema(
        [pa.field(one.name, _TYPES[one.type], metadata={"description": one.description}) for one in columns]
    )


class Batch:
    """Rows that become one table: `size_bytes` is how large it is so far.

    They become columns a few at a time, so that no more of them are in memory twice.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._of, self._schema = columns, arrow_schema(columns)
        self._waiting: list[list[Any]] = [[] for _ in columns]
        self._tables: list[pa.Table] = []
        self.rows, self.size_bytes = 0, 0

    def add(self, row: Row) -> None:
        """Take one row."""
        for values, column in zip(self._waiting, self._of, strict=True):
            values.append(column.of(row))
        self.rows += 1
        if len(self._waiting[0]) >= ROWS_AT_ONCE:
            self._turn()

    def taken(self) -> pa.Table:
        """The rows as a table; the batch is empty then."""
        self._turn()
        table = pa.concat_tables(self._tables)
        self._tables, self.rows, self.size_bytes = [], 0, 0
        return table

    def _turn(self) -> None:
        pairs = zip(self._waiting, self._schema, strict=True)
        table = pa.Table.from_arrays(
            [pa.array(values, type=field.type) for values, field in pairs], schema=self._schema
        )
        self._waiting = [[] for _ in self._of]
        self._tables.append(table)
        self.size_bytes += table.nbytes


def table_of(columns: Sequence[Column], rows: Iterable[Row]) -> pa.Table:
    """All rows in one table."""
    batch = Batch(columns)
    for row in rows:
        batch.add(row)
    return batch.taken()
