"""The table in Arrow's terms, which Parquet and data frames share; needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from reading.exports.columns import Column
from reading.exports.selection import Row

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
    """Rows that become one table: `size_bytes` is how long their records are."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._of, self._schema = columns, arrow_schema(columns)
        self._columns: list[list[Any]] = [[] for _ in columns]
        self.size_bytes = 0

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self._columns[0])

    def add(self, row: Row) -> None:
        """Take one row."""
        for values, column in zip(self._columns, self._of, strict=True):
            values.append(column.of(row))
        self.size_bytes += len(row.line)

    def taken(self) -> pa.Table:
        """The rows as a table; the batch is empty then."""
        pairs = zip(self._columns, self._schema, strict=True)
        arrays = [pa.array(values, type=field.type) for values, field in pairs]
        self._columns, self.size_bytes = [[] for _ in self._of], 0
        return pa.Table.from_arrays(arrays, schema=self._schema)


def table_of(columns: Sequence[Column], rows: Iterable[Row]) -> pa.Table:
    """All rows in one table; a batch is turned into columns before the next is read."""
    batch, tables = Batch(columns), [arrow_schema(columns).empty_table()]
    for row in rows:
        batch.add(row)
        if batch.rows >= 2_000:
            tables.append(batch.taken())
    return pa.concat_tables([*tables, batch.taken()])
