"""An export from beginning to end: one file, or a directory of files that describe themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import IO, Any, Literal, cast

import orjson
from sqlalchemy import Connection, func, select

from reading.exports.columns import Column, field
from reading.exports.delta import GONE_FIELDS, Delta
from reading.exports.earlier import Earlier
from reading.exports.hashed import Hashed
from reading.exports.kind import Kind, OnStep, no_step
from reading.exports.package import CROISSANT, GONE, IDS, PACKAGE, ExportedFile, Told, croissant, data_package
from reading.exports.selection import Row
from reading.exports.target import Target
from reading.exports.writers import WRITERS
from storage.archive import Archive
from storage.catalogue import versions
from storage.errors import WrongUse
from storage.sources import Sources

Split = Literal["none", "month", "source"]
GONE_COLUMNS = tuple(field(name, "string", description) for name, description in GONE_FIELDS.items())


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be written: the rows of a kind, in a form of WRITERS; only what is new since an earlier export, if
    there is one. Raises WrongUse for a split that the kind does not have."""

    kind: Kind
    form: str
    split: Split = "none"
    since: Earlier | None = None

    def __post_init__(self) -> None:
        if self.split not in self.kind.splits:
            raise WrongUse(f"{self.kind.name} can be split by {' or '.join(self.kind.splits[1:])}, not by {self.split}")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the table's files, and the lists beside them (PACKAGE and CROISSANT are not among these)."""

    tables: tuple[ExportedFile, ...]
    lists: tuple[ExportedFile, ...]

    @property
    def rows(self) -> int:
        """How many rows the table has."""
        return sum(file.rows for file in self.tables)

    @property
    def gone(self) -> int:
        """How many rows that the earlier export holds are gone."""
        return sum(file.rows for file in self.lists if file.name == GONE)

    @property
    def size_bytes(self) -> int:
        """How large all of them are."""
        return sum(file.size_bytes for file in (*self.tables, *self.lists))


def export_to(archive: Archive, export: Export, to: IO[bytes], on_step: OnStep = no_step) -> int:
    """How many rows were written to an open file or pipe."""
    with archive.catalogue.begin() as connection:
        return _write(export, export.kind.rows(connection, on_step), to)


def export_file(archive: Archive, export: Export, target: Target, name: str, on_step: OnStep = no_step) -> int:
    """How many rows were written to a file, which is whole or as it was before."""
    with target, target.file(name) as to:
        return export_to(archive, export, to, on_step)


def export_directory(
    archive: Archive, name: str, export: Export, target: Target, on_step: OnStep = no_step
) -> Exported:
    """What was written of an export, into an empty place with their description, which comes last.

    `name` is what the archive is called there. One file at a time is open: months are those of capture or of what
    happened, the order in which rows come. What `on_step` raises ends it, and leaves nothing.
    """
    with archive.catalogue.begin() as connection, target:
        told = _told(connection, archive, name, export)
        delta = Delta(export.since)
        files = [*_tables(connection, export, delta, target, on_step)]
        lists = [_file(target, IDS, (), delta.write_ids)]
        if export.since is not None:
            lists += [_file(target, GONE, GONE_COLUMNS, partial(delta.write_gone, archive, connection, export.kind))]
        described = (CROISSANT, croissant([*files, *lists], told)), (PACKAGE, data_package(files, lists, told))
        for path, facts in described:
            with target.file(path) as to:
                to.write(orjson.dumps(facts, option=orjson.OPT_INDENT_2) + b"\n")
    return Exported(tuple(files), tuple(lists))


def _tables(
    connection: Connection, export: Export, delta: Delta, target: Target, on_step: OnStep
) -> Iterator[ExportedFile]:
    columns = () if export.form.startswith("jsonl") else export.kind.columns
    for rows, part in _parts(connection, export, delta, on_step):
        yield _file(target, f"{export.kind.name}{part}.{export.form}", columns, partial(_write, export, rows))


def _file(target: Target, name: str, columns: Sequence[Column], write: Callable[[IO[bytes]], int]) -> ExportedFile:
    with target.file(name) as to:
        summed = Hashed(to)
        rows = write(cast("IO[bytes]", summed))
    return ExportedFile(name, rows, summed.size_bytes, summed.sha256, tuple(columns))


def _write(export: Export, rows: Iterable[Row], to: IO[bytes]) -> int:
    writer, count = WRITERS[export.form](to, export.kind.columns), 0
    try:
        for row in rows:
            writer.write(row)
            count += 1
        writer.close()
    except BaseException:
        writer.drop()
        raise
    return count


def _parts(
    connection: Connection, export: Export, delta: Delta, on_step: OnStep
) -> Iterator[tuple[Iterator[Row], str]]:
    """The rows of each file, and what its name has after that of the kind."""
    kind = export.kind
    if export.split == "source":
        for source in kind.sources or [source.id for source in Sources(connection).known()]:
            yield delta.new(kind.of_source(source).rows(connection, on_step)), f"-{source}"
    elif export.split == "month":
        yield from _by_month(delta.new(kind.rows(connection, on_step)))
    else:
        yield delta.new(kind.rows(connection, on_step)), ""


def _by_month(rows: Iterator[Row]) -> Iterator[tuple[Iterator[Row], str]]:
    following = next(rows, None)

    def of(month: str) -> Iterator[Row]:
        nonlocal following
        while following is not None and _month(following) == month:
            yield following
            following = next(rows, None)

    while following is not None:
        month = _month(following)
        yield of(month), f"-{month}"


def _month(row: Row) -> str:
    record = row.record
    captured = (record.get("archive") or {}).get("date") or (record.get("metadata") or {}).get("dateDownloaded")
    return str(record.get("at") or captured or "undated")[:7]


def _told(connection: Connection, archive: Archive, name: str, export: Export) -> Told:
    held, newest = connection.execute(select(func.count(), func.max(versions.c.captured_at))).one()
    query: dict[str, Any] = {**export.kind.as_json(), "split": export.split}
    since = export.since
    return Told(
        what=export.kind.name,
        form=export.form,
        query=query,
        asked_at=archive.clock(),
        archive=name,
        archive_created=archive_created(archive),
        software=f"newsark {version('newsark')}",
        versions_held=held,
        newest_capture=newest,
        since={"created": since.created, "ids": f"sha256:{since.ids_sha256}"} if since else None,
    )


def archive_created(archive: Archive) -> str | None:
    """When the archive was made, as it says itself: with it an archive is known again wherever it lies."""
    return (archive.place.head() or {}).get("created")
