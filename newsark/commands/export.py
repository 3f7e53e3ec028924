"""`newsark export`: articles, observations and the ledger for researchers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from newsark.commands.ledger import known_kind
from newsark.console import counted, err, human_bytes, say, write_bytes
from newsark.exportplaces import earlier_export, target_directory, target_file
from newsark.exportquery import kind_of
from newsark.filters import Which, known_state, published_day
from newsark.home import Home, utc_now
from newsark.moment import moment
from newsark.options import (
    ArchiveOption,
    EndpointOption,
    LanguageFilter,
    PublishedSinceFilter,
    PublishedUntilFilter,
    SourceFilter,
    StateFilter,
)
from storage.errors import WrongUse

if TYPE_CHECKING:
    from reading.exports.earlier import Earlier
    from reading.exports.kind import Kind
    from reading.exports.run import Export, Split
    from storage.archive import Archive


NOUNS = {"articles": "record", "observations": "observation", "ledger": "entry"}


class Format(StrEnum):
    """The formats that can be written."""

    JSONL = "jsonl"
    JSONL_GZ = "jsonl.gz"
    CSV = "csv"
    PARQUET = "parquet"
    WARC = "warc"
    WACZ = "wacz"


class What(StrEnum):
    """What is exported."""

    ARTICLES = "articles"
    OBSERVATIONS = "observations"
    LEDGER = "ledger"


class Splitting(StrEnum):
    """What each file of a directory has."""

    NONE = "none"
    MONTH = "month"
    SOURCE = "source"


def export(
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A file, a directory that ends in /, the same at s3://bucket/prefix, or - for standard output.",
        ),
    ],
    chosen: Annotated[
        Format | None, typer.Option("--format", help="What to write; else as the file's name ends, or jsonl.")
    ] = None,
    source: SourceFilter = None,
    versions: Annotated[
        Which | None, typer.Option("--versions", help="Which versions of each article; the latest, if nothing else.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Captured or seen since a date, or 24h, 7d, 4w ago.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Captured or seen before that.")] = None,
    published_since: PublishedSinceFilter = None,
    published_until: PublishedUntilFilter = None,
    language: LanguageFilter = None,
    state: StateFilter = None,
    text: Annotated[str | None, typer.Option("--text", metavar="WORDS", help="With these words.")] = None,
    query: Annotated[
        str | None, typer.Option("--query", metavar="QUERY", help="What newsark search finds with this query.")
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option("--min-confidence", min=0, max=1, help="Texts that are at least so certain.")
    ] = None,
    split: Annotated[
        Splitting | None, typer.Option("--split", help="Files by month (of capture, of what happened) or by source.")
    ] = None,
    what: Annotated[What | None, typer.Option("--what", help="What is exported; articles, if nothing else.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", metavar="KIND", help="Of the ledger, this kind. May be repeated.")
    ] = None,
    again: Annotated[
        str | None, typer.Option("--again", metavar="EXPORT", help="What that export asked for, as it is now.")
    ] = None,
    delta_since: Annotated[
        str | None, typer.Option("--delta-since", metavar="EXPORT", help="Only what is new since that export.")
    ] = None,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Write articles, observations or the ledger, oldest first.

    A file gets the rows alone. A directory gets them with a data
    package (Frictionless), Croissant metadata, SHA-256 sums and the query.
    WARC and WACZ get the pages as they were captured, with what they need.
    """
    home = Home.here(archive=archive, endpoint_url=endpoint_url)
    given = {
        "source": [home.source_id(name) for name in source] if source else None,
        "versions": None if versions is None else versions is Which.LATEST,
        "since": None if since is None else moment(since, "--since", utc_now()).isoformat(),
        "until": None if until is None else moment(until, "--until", utc_now()).isoformat(),
        "published-since": published_day(published_since, "--published-since"),
        "published-until": published_day(published_until, "--published-until"),
        "language": language or None,
        "state": known_state(state),
        "text": text,
        "query": query,
        "min-confidence": min_confidence,
        "kind": [known_kind(one) for one in kind] if kind else None,
    }
    asked = _Asked(home, output, again, delta_since)
    with home.archive(is_public=True) as opened:
        wanted = asked.export(opened, what, given, chosen, split)
        if wanted.form in (Format.WARC, Format.WACZ):
            _write_pages(home, opened, wanted, output)
        else:
            _write(home, opened, wanted, output)


class _Asked:
    """What the options ask for together with an earlier export, if one is named."""

    def __init__(self, home: Home, output: str, again: str | None, delta_since: str | None) -> None:
        if again is not None and delta_since is not None:
            raise WrongUse("--again makes the whole export anew and --delta-since a part of it; use one of them")
        self._home, self._output, self._is_delta = home, output, delta_since is not None
        self._place = again or delta_since
        self._earlier = earlier_export(home, self._place) if self._place is not None else None

    def export(
        self,
        archive: Archive,
        what: What | None,
        given: Mapping[str, Any],
        form: Format | None,
        split: Splitting | None,
    ) -> Export:
        """The export. Raises WrongUse for what does not go together."""
        from reading.exports.run import Export

        earlier = self._earlier
        chosen = what.value if what else earlier.what if earlier else "articles"
        before = dict(earlier.query) if earlier else {}
        if earlier is not None:
            self._check(archive, earlier, chosen)
        elif chosen == What.LEDGER:
            before["confirmations"] = {kind: str(one) for kind, one in self._home.confirmations.items()}
        written = form.value if form else _form_of(self._output) or (earlier.form if earlier else Format.JSONL.value)
        parts = split.value if split else earlier.split if earlier and self._is_directory else "none"
        if self._is_delta and (written in (Format.WARC, Format.WACZ) or not self._is_directory):
            raise WrongUse("what is new and what is gone are several files; name a directory: -o changes/")
        return Export(
            kind_of(chosen, given, before), written, cast("Split", parts), earlier if self._is_delta else None
        )

    @property
    def _is_directory(self) -> bool:
        return self._output.endswith("/")

    def _check(self, archive: Archive, earlier: Earlier, what: str) -> None:
        from reading.exports.run import archive_created

        if what != earlier.what:
            raise WrongUse(f"{self._place} has {earlier.what}, not {what}")
        if earlier.archive_created != archive_created(archive):
            raise WrongUse(f"{self._place} is of another archive than {self._home.short_name}")


def _form_of(output: str) -> str | None:
    """The format that a file's name tells."""
    named = output.removesuffix(".gz") if output.endswith(".warc.gz") else output
    return next((one.value for one in reversed(Format) if named.endswith(f".{one}")), None)


def _write_pages(home: Home, archive: Archive, wanted: Export, output: str) -> None:
    """The pages of a selection as WARC or WACZ, into a file that is whole or not there."""
    from reading.exports.articles import Articles
    from reading.exports.hashed import Hashed
    from reading.exports.wacz import export_wacz, export_warc

    if not isinstance(wanted.kind, Articles):
        raise WrongUse(f"{wanted.form} has pages of articles; {wanted.kind.name} are written as jsonl, csv or parquet")
    selection = wanted.kind.selection

    def write(to: IO[bytes], name: str, on_row: Callable[[], object] = lambda: None) -> tuple[int, list[str]]:
        if wanted.form == "warc":
            return export_warc(archive, selection, to, name, on_row)
        return export_wacz(archive, home.short_name, selection, to, on_row)

    if wanted.split != "none" or output.endswith("/") or Path(output).is_dir():
        raise WrongUse(f"{wanted.form} is one file; name it, such as -o articles.{wanted.form}, without --split")
    if output == "-":
        write(io.BufferedWriter(_StandardOutput(), 1 << 16), "selection.warc.gz")
        return
    target, name = target_file(home, output)
    with _progress(archive, wanted.kind) as on_row, target, target.file(name) as to:
        file = Hashed(to)
        count, missing = write(cast("IO[bytes]", file), name, on_row)
    for problem in missing:
        say(f"left out: {problem}", to=err)
    say(f"Wrote {counted(count, 'page')}, {human_bytes(file.size_bytes)}, to {output}", to=err)
    if missing:
        raise typer.Exit(1)


def _write(home: Home, archive: Archive, wanted: Export, output: str) -> None:
    from reading.exports.run import export_directory, export_file, export_to

    if output == "-":
        if wanted.form == "parquet" or wanted.split != "none":
            raise WrongUse("standard output takes one stream of jsonl, jsonl.gz or csv; name a file or a directory")
        export_to(archive, wanted, io.BufferedWriter(_StandardOutput(), 1 << 16))
        return
    noun = NOUNS[wanted.kind.name]
    if output.endswith("/"):
        place = target_directory(home, output)
        with _progress(archive, wanted.kind) as on_step:
            done = export_directory(archive, home.short_name, wanted, place, on_step)
        gone = f", {done.gone} gone," if wanted.since else ""
        files = counted(len(done.tables), "file")
        say(f"Wrote {counted(done.rows, noun)}{gone} in {files}, {human_bytes(done.size_bytes)}, to {output}", to=err)
        return
    if wanted.split != "none":
        raise WrongUse(f"--split makes several files; name a directory: {output}/")
    target, name = target_file(home, output)
    with _progress(archive, wanted.kind) as on_step:
        count = export_file(archive, wanted, target, name, on_step)
    say(f"Wrote {counted(count, noun)} to {output}", to=err)


@contextmanager
def _progress(archive: Archive, kind: Kind) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, with how long it will take."""
    if not err.is_terminal:
        yield lambda: None
        return
    with archive.catalogue.begin() as connection:
        total = kind.steps(connection)
    columns: tuple[Any, ...] = (TextColumn(kind.name), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(kind.name, total=total)
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
