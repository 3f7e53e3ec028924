"""An export from beginning to end: one file, or a directory of files that describe themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Literal

import orjson
from sqlalchemy import Connection, func, select

from reading.exports.package import CROISSANT, PACKAGE, ExportedFile, Told, croissant, data_package
from reading.exports.selection import Row, Selection, stream
from reading.exports.writers import WRITERS, WholeFile
from storage.archive import Archive
from storage.catalogue import versions
from storage.durable import write_durably
from storage.sources import Sources

Split = Literal["none", "month", "source"]
OnRow = Callable[[], object]
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be written: a selection, in a form of WRITERS."""

    selection: Selection
    form: str
    split: Split = "none"


def export_to(archive: Archive, export: Export, to: IO[bytes], on_row: OnRow = lambda: None) -> int:
    """How many rows were written to an open file or pipe."""
    writer, count = WRITERS[export.form](to), 0
    with archive.catalogue.begin() as connection:
        for row in stream(connection, export.selection):
            writer.write(row)
            on_row()
            count += 1
    writer.close()
    return count


def export_file(archive: Archive, export: Export, path: Path, on_row: OnRow = lambda: None) -> int:
    """How many rows were written to a file, which is whole or as it was before."""
    with archive.catalogue.begin() as connection, _whole(path, export.form) as file:
        for row in stream(connection, export.selection):
            file.write(row)
            on_row()
    return file.rows


def export_directory(
    archive: Archive, name: str, export: Export, directory: Path, on_row: OnRow = lambda: None
) -> list[ExportedFile]:
    """The files of an export, written into an empty directory with their description, which comes last.

    `name` is what the archive is called there. One file at a time is open: months are those of capture, the order in
    which versions come.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with archive.catalogue.begin() as connection:
        told = _told(connection, archive, name, export)
        files = [*_files(connection, export, directory, on_row)]
    for path, facts in ((PACKAGE, data_package(files, told)), (CROISSANT, croissant(files, told))):
        write_durably(directory / path, [orjson.dumps(facts, option=orjson.OPT_INDENT_2) + b"\n"])
    return files


def _files(connection: Connection, export: Export, directory: Path, on_row: OnRow) -> Iterator[ExportedFile]:
    for rows, part in _parts(connection, export):
        path = directory / f"articles{part}.{export.form}"
        with _whole(path, export.form) as file:
            for row in rows:
                file.write(row)
                on_row()
        yield ExportedFile(path.name, file.rows, path.stat().st_size, _sha256(path))


def _parts(connection: Connection, export: Export) -> Iterator[tuple[Iterator[Row], str]]:
    """The rows of each file, and what its name has after `articles`."""
    selection = export.selection
    if export.split == "source":
        ids = selection.sources or [source.id for source in Sources(connection).known()]
        for source in ids:
            yield stream(connection, replace(selection, sources=[source])), f"-{source}"
    elif export.split == "month":
        yield from _by_month(stream(connection, selection))
    else:
        yield stream(connection, selection), ""


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
    date = (row.record.get("archive") or {}).get("date") or (row.record.get("metadata") or {}).get("dateDownloaded")
    return str(date or "undated")[:7]


@contextmanager
def _whole(path: Path, form: str) -> Iterator[WholeFile]:
    file = WholeFile(path, form)
    done = False
    try:
        yield file
        file.finish()
        done = True
    finally:
        if not done:
            file.drop()


def _told(connection: Connection, archive: Archive, name: str, export: Export) -> Told:
    held, newest = connection.execute(select(func.count(), func.max(versions.c.captured_at))).one()
    query: dict[str, Any] = {**export.selection.as_json(), "split": export.split}
    software = f"newsark {version('newsark')}"
    return Told(export.form, query, archive.clock(), name, software, held, newest)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
