"""`newsark export`: records for researchers."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from newsark.console import err
from newsark.home import Home, find_source
from newsark.options import ArchiveOption
from reading.export import export_jsonl


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
    source: Annotated[list[str] | None, typer.Option("--source", help="Only this source. May be repeated.")] = None,
    versions: Annotated[Which, typer.Option("--versions", help="Which versions of each article.")] = Which.LATEST,
    archive: ArchiveOption = None,
) -> None:
    """Write the articles' records: one JSON object a line."""
    home = Home.here(archive=archive)
    with home.archive() as opened:
        known = home.known_sources(opened)
        ids = [find_source(name, known).source.id for name in source] if source else None
        latest = versions is Which.LATEST
        if output == "-":
            export_jsonl(opened, sys.stdout.buffer, ids, latest_only=latest)
            sys.stdout.buffer.flush()
            return
        path = Path(output)
        partial = path.with_name(path.name + ".part")
        with partial.open("wb") as to:
            count = export_jsonl(opened, to, ids, latest_only=latest)
            to.flush()
            os.fsync(to.fileno())
        partial.replace(path)
    err.print(f"Wrote {count} records to {path}")
