"""`newsark export`: records for researchers."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsark.console import counted, err, say, write_bytes
from newsark.home import Home
from newsark.options import ArchiveOption, EndpointOption
from storage.errors import WrongUse

if TYPE_CHECKING:
    from storage.archive import Archive


class Format(StrEnum):
    """The formats that can be written."""

    JSONL = "jsonl"


class Which(StrEnum):
    """Which versions of each article."""

    LATEST = "latest"
    ALL = "all"


def export(
    output: Annotated[str, typer.Option("--output", "-o", metavar="PATH", help="A file, or - for standard output.")],
    format: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.JSONL,  # noqa: A002, ARG001
    source: Annotated[
        list[str] | None, typer.Option("--source", metavar="SOURCE", help="Only this source. May be repeated.")
    ] = None,
    versions: Annotated[Which, typer.Option("--versions", help="Which versions of each article.")] = Which.LATEST,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Write the articles' records: one JSON object a line, oldest capture first."""
    home = Home.here(archive=archive, endpoint_url=endpoint_url)
    ids = [home.source_id(name) for name in source] if source else None
    with home.archive() as opened:
        if output == "-":
            _write(opened, write_bytes, ids, versions)
            return
        count = _write_file(opened, Path(output), ids, versions)
    say(f"Wrote {counted(count, 'record')} to {output}", to=err)


def _write_file(archive: Archive, path: Path, ids: list[str] | None, versions: Which) -> int:
    """How many records were written; the file is whole or as it was before."""
    if path.is_dir():
        raise WrongUse(f"{path} is a directory; name a file in it")
    if not path.parent.is_dir():
        raise WrongUse(f"{path} cannot be written: there is no directory {path.parent}")
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as to:
            count = _write(archive, to.write, ids, versions)
            to.flush()
            os.fsync(to.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _write(archive: Archive, write: Callable[[bytes], object], ids: list[str] | None, versions: Which) -> int:
    from reading.export import export_jsonl

    return export_jsonl(archive, write, ids, latest_only=versions is Which.LATEST)
