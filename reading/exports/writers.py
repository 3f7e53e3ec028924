"""The forms of an export: JSON Lines, CSV, Parquet, each written row by row to an open file."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import IO, Protocol, cast

from reading.exports.columns import Column
from reading.exports.selection import Row
from reading.spreadsheets import cell
from storage.errors import WrongUse

GROUP_ROWS = 20_000
GROUP_BYTES = 32_000_000
"""A row group is what a reader of a bucket asks for at once; it is held in memory until it is written."""


class Writer(Protocol):
    """Takes rows; then `close` writes what is left, or `drop` nothing more."""

    def write(self, row: Row) -> None:
        """Take one row."""

    def close(self) -> None:
        """Write what is left; the file stays open."""

    def drop(self) -> None:
        """Write nothing more: the file is given up."""


class JsonLines:
    """Each record as it stands in the store, one a line."""

    def __init__(self, to: IO[bytes], columns: Sequence[Column]) -> None:  # noqa: ARG002 - other writers want them
        self._to = to

    def write(self, row: Row) -> None:
        """Take one row."""
        self._to.write(row.line.rstrip("\n").encode() + b"\n")

    def close(self) -> None:
        """Nothing is left."""

    def drop(self) -> None:
        """Nothing is left."""


class PackedJsonLines(JsonLines):
    """The same, packed with gzip; equal records give equal bytes."""

    def __init__(self, to: IO[bytes], columns: Sequence[Column]) -> None:
        self._packed = gzip.GzipFile(filename="", mode="wb", fileobj=to, compresslevel=6, mtime=0)
        super().__init__(cast("IO[bytes]", self._packed), columns)

    def close(self) -> None:
        """Write the end of the packing."""
        self._packed.close()


class Csv:
    """The table as CSV (RFC 4180) in UTF-8 with a header; new lines stand inside quotes."""

    def __init__(self, to: IO[bytes], columns: Sequence[Column]) -> None:
        self._columns = columns
        self._text = io.TextIOWrapper(to, "utf-8", errors="replace", newline="", write_through=True)
        self._writer = csv.writer(self._text)
        self._writer.writerow([column.name for column in columns])

    def write(self, row: Row) -> None:
        """Take one row."""
        self._writer.writerow([cell(_told(column.of(row))) for column in self._columns])

    def close(self) -> None:
        """Give the file back."""
        self._text.flush()
        self._text.detach()

    def drop(self) -> None:
        """Give the file back as it is."""
        self._text.detach()


def _told(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


class Parquet:
    """The table as Parquet with an explicit schema, packed with Zstandard. Raises WrongUse where pyarrow is missing."""

    def __init__(self, to: IO[bytes], columns: Sequence[Column]) -> None:
        try:
            from pyarrow import parquet

            from reading.exports.arrow import Batch, arrow_schema
        except ModuleNotFoundError:
            raise WrongUse("Parquet is written with pyarrow: pip install 'newsark[parquet]'") from None
        self._file = parquet.ParquetWriter(to, arrow_schema(columns), compression="zstd", write_page_index=True)
        self._batch = Batch(columns)

    def write(self, row: Row) -> None:
        """Take one row; a whole row group is written."""
        self._batch.add(row)
        if self._batch.rows >= GROUP_ROWS or self._batch.size_bytes >= GROUP_BYTES:
            self._file.write_table(self._batch.taken())

    def close(self) -> None:
        """Write the last row group and the footer."""
        if self._batch.rows:
            self._file.write_table(self._batch.taken())
        self._file.close()

    def drop(self) -> None:
        """Write no footer, which pyarrow does at last when it forgets a file."""
        self._file.is_open = False


WRITERS: dict[str, Callable[[IO[bytes], Sequence[Column]], Writer]] = {
    "jsonl": JsonLines,
    "jsonl.gz": PackedJsonLines,
    "csv": Csv,
    "parquet": Parquet,
}
