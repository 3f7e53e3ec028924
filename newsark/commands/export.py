"""`newsark export`: records for researchers."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from newsark.console import counted, err, human_bytes, say, write_bytes
from newsark.home import Home, utc_now
from newsark.moment import moment
from newsark.options import ArchiveOption, EndpointOption
from storage.errors import BadSetting, WrongUse

if TYPE_CHECKING:
    from reading.exports.run import Export
    from reading.exports.selection import Selection
    from storage.archive import Archive


_DAY = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


class Format(StrEnum):
    """The formats that can be written."""

    JSONL = "jsonl"
    JSONL_GZ = "jsonl.gz"
    CSV = "csv"
    PARQUET = "parquet"
    WARC = "warc"
    WACZ = "wacz"


class Which(StrEnum):
    """Which versions of each article."""

    LATEST = "latest"
    ALL = "all"


class Splitting(StrEnum):
    """What each file of a directory has."""

    NONE = "none"
    MONTH = "month"
    SOURCE = "source"


def export(
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="PATH", help="A file, a directory that ends in /, or - for standard output."
        ),
    ],
    format: Annotated[  # noqa: A002
        Format | None, typer.Option("--format", help="What to write; else as the file's name ends, or jsonl.")
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option("--source", metavar="SOURCE", help="Only this source. May be repeated.")
    ] = None,
    versions: Annotated[Which, typer.Option("--versions", help="Which versions of each article.")] = Which.LATEST,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Captured since a date, or 24h, 7d, 4w ago.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Captured before that.")] = None,
    published_since: Annotated[
        str | None, typer.Option("--published-since", metavar="DAY", help="Published on that day or later.")
    ] = None,
    published_until: Annotated[
        str | None, typer.Option("--published-until", metavar="DAY", help="Published before that day.")
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option("--language", metavar="TAG", help="In this language. May be repeated.")
    ] = None,
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="What the last visit found: present, removed, …")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", metavar="WORDS", help="With these words.")] = None,
    query: Annotated[
        str | None, typer.Option("--query", metavar="QUERY", help="What newsark search finds with this query.")
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option("--min-confidence", min=0, max=1, help="Texts that are at least so certain.")
    ] = None,
    split: Annotated[Splitting, typer.Option("--split", help="Files by month of capture or by source.")] = (
        Splitting.NONE
    ),
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Write the articles' records, oldest capture first.

    A file gets the records alone. A directory gets them with a data
    package (Frictionless), Croissant metadata, SHA-256 sums and the query.
    WARC and WACZ get the pages as they were captured, with what they need.
    """
    from reading.exports.run import Export
    from reading.exports.selection import Selection

    home = Home.here(archive=archive, endpoint_url=endpoint_url)
    selection = Selection(
        sources=[home.source_id(name) for name in source] if source else None,
        captured_since=None if since is None else moment(since, "--since", utc_now()),
        captured_until=None if until is None else moment(until, "--until", utc_now()),
        published_since=_day(published_since, "--published-since"),
        published_until=_day(published_until, "--published-until"),
        languages=tuple(language or ()),
        state=_state(state),
        text=text,
        query=query,
        min_confidence=min_confidence,
        latest_only=versions is Which.LATEST,
    )
    named = output.removesuffix(".gz") if output.endswith(".warc.gz") else output
    form = format or next((one for one in reversed(Format) if named.endswith(f".{one}")), Format.JSONL)
    wanted = Export(selection, form.value, split.value)
    with home.archive() as opened:
        if form in (Format.WARC, Format.WACZ):
            _write_pages(home, opened, wanted, output)
        else:
            _write(home, opened, wanted, output)


def _write_pages(home: Home, archive: Archive, wanted: Export, output: str) -> None:
    """The pages of a selection as WARC or WACZ, into a file that is whole or not there."""
    from reading.exports.wacz import export_wacz, export_warc
    from storage.durable import whole_file

    def write(to: IO[bytes], name: str, on_row: Callable[[], object] = lambda: None) -> tuple[int, list[str]]:
        if wanted.form == "warc":
            return export_warc(archive, wanted.selection, to, name, on_row)
        return export_wacz(archive, home.short_name, wanted.selection, to, on_row)

    if wanted.split != "none" or output.endswith("/") or Path(output).is_dir():
        raise WrongUse(f"{wanted.form} is one file; name it, such as -o articles.{wanted.form}, without --split")
    if output == "-":
        write(io.BufferedWriter(_StandardOutput(), 1 << 16), "selection.warc.gz")
        return
    path = Path(output)
    if not path.parent.is_dir():
        raise WrongUse(f"{path} cannot be written: there is no directory {path.parent}")
    with _progress(archive, wanted.selection) as on_row, whole_file(path) as file:
        count, missing = write(file, path.name, on_row)
    for problem in missing:
        say(f"left out: {problem}", to=err)
    say(f"Wrote {counted(count, 'page')}, {human_bytes(path.stat().st_size)}, to {output}", to=err)
    if missing:
        raise typer.Exit(1)


def _write(home: Home, archive: Archive, wanted: Export, output: str) -> None:
    from reading.exports.run import export_directory, export_file, export_to

    if output == "-":
        if wanted.form == "parquet" or wanted.split != "none":
            raise WrongUse("standard output takes one stream of jsonl, jsonl.gz or csv; name a file or a directory")
        export_to(archive, wanted, io.BufferedWriter(_StandardOutput(), 1 << 16))
        return
    path = Path(output)
    if output.endswith("/"):
        if path.is_dir() and any(path.iterdir()):
            raise WrongUse(f"{path} is not empty; an export gets a directory of its own")
        with _progress(archive, wanted.selection) as on_row:
            files = export_directory(archive, home.short_name, wanted, path, on_row)
        size = sum(file.size_bytes for file in files)
        rows = counted(sum(file.rows for file in files), "record")
        say(f"Wrote {rows} in {counted(len(files), 'file')}, {human_bytes(size)}, to {output}", to=err)
        return
    if wanted.split != "none":
        raise WrongUse(f"--split makes several files; name a directory: {output}/")
    if path.is_dir():
        raise WrongUse(f"{path} is a directory; name a file in it, or {path}/ for an export that describes itself")
    if not path.parent.is_dir():
        raise WrongUse(f"{path} cannot be written: there is no directory {path.parent}")
    with _progress(archive, wanted.selection) as on_row:
        count = export_file(archive, wanted, path, on_row)
    say(f"Wrote {counted(count, 'record')} to {output}", to=err)


def _state(word: str | None) -> str | None:
    from reading.exports.selection import STATES

    if word is not None and word not in STATES:
        raise BadSetting("option", "--state", f"{word!r} is no state; there are {', '.join(STATES)}")
    return word


def _day(text: str | None, option: str) -> str | None:
    """A day, or a month, or a year, as text: so they are compared."""
    if text is not None and not _DAY.fullmatch(text):
        raise BadSetting("option", option, f"{text!r} is no day like 2026-11-23, month like 2026-11 or year")
    return text


@contextmanager
def _progress(archive: Archive, selection: Selection) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, with how long it will take."""
    from reading.exports.selection import count_of

    if not err.is_terminal:
        yield lambda: None
        return
    with archive.catalogue.begin() as connection:
        total = count_of(connection, selection)
    columns: tuple[Any, ...] = (TextColumn("records"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("records", total=total)
        yield lambda: bar.advance(task)


class _StandardOutput(io.RawIOBase):
    """Standard output as a file that only takes bytes."""

    def writable(self) -> bool:
        """It does."""
        return True

    def write(self, data: Any) -> int:
        """Pass them on."""
        write_bytes(bytes(data))
        return len(data)
