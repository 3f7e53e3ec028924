"""`newsark import`: WARC, ARC and WACZ files made by others, taken in as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from newsark.console import counted, err, human_bytes, plain, print_json, say, say_line
from newsark.home import Home
from newsark.incoming import incoming_files
from newsark.options import ArchiveOption, ClusterOption, EndpointOption, JsonOption
from newsark.readers import Readers, readers_of
from storage.errors import Refused, WrongUse

if TYPE_CHECKING:
    from reading.importing.articles import Rules
    from reading.importing.filereport import FileReport
    from reading.importing.importer import Incoming
    from storage.archive import Archive

COLLECTION = "imports"
MOST_SHOWN = 5
STORES_BEHIND = 3
INTERRUPTED = 130


def import_files(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="WARC, ARC and WACZ files, packed or not, directories of them, s3://bucket/key or s3://bucket/prefix/.",
            show_default=False,
        ),
    ],
    source: Annotated[
        str,
        typer.Option(
            "--source",
            metavar="SOURCE",
            help="The newsroom they are of, by id or name; any other id makes a collection of that name.",
        ),
    ] = COLLECTION,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be taken; keep nothing.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Read so many pages at once.")
    ] = None,
    cluster: ClusterOption = None,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Take in files that others made: kept as they came, every exchange indexed, every article read and recorded.

    What cannot be read of a file is listed with its place and the reason; the rest is taken.
    Each file is taken whole or not at all: a run that was stopped begins again with the file it was at.

    Exit code 1 when a file, or a part of one, could not be read.
    """
    home = Home.here(archive=archive, endpoint_url=endpoint_url).with_logs()
    chosen = incoming_files(files)
    home.check_place()
    reports: list[FileReport] = []
    is_stopped = is_waiting = False
    with home.archive(create=not dry_run) as opened:
        run = _Run(home, opened, source, workers=workers, cluster=cluster, dry_run=dry_run)
        try:
            for report in run.reports(chosen):
                reports.append(report)
                if not json:
                    _print_report(report)
        except KeyboardInterrupt:
            is_stopped = True
        if not dry_run and not is_stopped:
            is_waiting = run.is_behind()
    if json:
        print_json({"dryRun": dry_run, "files": [one.as_json() for one in reports], "stored": not is_waiting})
    else:
        _print_sum(reports, dry_run=dry_run, is_stopped=is_stopped, is_waiting=is_waiting)
    _end(reports, is_stopped=is_stopped, is_waiting=is_waiting)


class _Run:
    """One import into one source of an open archive."""

    def __init__(
        self, home: Home, archive: Archive, source: str, *, workers: int | None, cluster: str | None, dry_run: bool
    ) -> None:
        self._home, self._archive = home, archive
        self._workers, self._cluster = workers, cluster
        self._dry_run = dry_run
        self._source_id, self._rules = self._enlisted(source)

    def reports(self, chosen: list[tuple[Incoming, int]]) -> Iterator[FileReport]:
        """What came of each file."""
        from reading.importing.importer import Importer
        from reading.reextract import recover_sources

        if not self._dry_run:
            self._archive.courier.start()
            recover_sources(self._archive, [self._source_id])
        with self._readers() as readers, _bar(chosen) as on_bytes:
            importer = Importer(
                self._archive,
                self._source_id,
                readers.pool,
                self._rules,
                workers=readers.count,
                dry_run=self._dry_run,
                on_bytes=on_bytes,
            )
            for incoming, _ in chosen:
                yield importer.take(incoming)

    def _readers(self) -> AbstractContextManager[Readers]:
        return readers_of(self._home, workers=self._workers, cluster=self._cluster)

    def is_behind(self) -> bool:
        """Whether not all of it has reached the stores when patience ends."""
        from newsark.delivering import wait_for_stores

        if self._archive.place.is_one_directory:
            return False
        patience = self._home.settings.upload_patience_seconds
        return bool(wait_for_stores(self._archive, patience, show_progress=err.is_terminal))

    def _enlisted(self, name: str) -> tuple[str, Rules]:
        """The source, made when there is none of that id, and what the crawl knows of it."""
        from crawler.links import normalise
        from reading.importing.articles import Rules

        def address(url: str) -> str:
            try:
                return normalise(url)
            except Refused:
                return url

        found = next((one for one in self._home.source_files() if name in (one.source.id, one.source.name)), None)
        if found is not None:
            newsroom = found.source
            if not self._dry_run:
                self._archive.enlist(newsroom.id, name=newsroom.name, home=newsroom.home, toml=found.text)
            return newsroom.id, Rules(address, lambda url: newsroom.on_site(url).inside, newsroom.selectors)
        known = self._known(name)
        if known is not None:
            return known, Rules(address, lambda _: False)
        self._refuse_bad_id(name)
        if not self._dry_run:
            told = f'# Files that others made; nothing is visited.\nid = "{name}"\nname = "{name}"\n'
            self._archive.enlist(name, name=name, home="", toml=told)
        return name, Rules(address, lambda _: False)

    def _known(self, name: str) -> str | None:
        from storage.sources import Sources

        with self._archive.catalogue.begin() as connection:
            rows = Sources(connection).known()
        return next((row.id for row in rows if name in (row.id, row.name)), None)

    def _refuse_bad_id(self, name: str) -> None:
        from crawler.sourcevalues import is_source_id

        if not is_source_id(name):
            problem = "is neither a source here nor the id of a collection: lower-case letters, digits and hyphens"
            raise WrongUse(f"--source {name!r} {problem}")


def _print_report(report: FileReport) -> None:
    mark, style = ("✗", "red") if report.state == "refused" else ("✓", "yellow" if report.problem_count else "green")
    facts = [report.reason or ""]
    if report.state in ("imported", "read only"):
        pages = ", ".join(f"{count:,} {kind}" for kind, count in report.pages.most_common())
        facts = [counted(sum(report.records.values()), "record"), counted(report.captures, "capture")]
        facts += [f"pages: {pages}"] if pages else ["no pages"]
        counts = {"new": report.new, "in another version": report.edited, "known": report.unchanged}
        known = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
        facts += [f"articles: {known}"] if known else []
    say_line(Text.assemble((mark, f"bold {style}"), f" {plain(report.name)}  {'; '.join(facts)}"))
    for problem in report.problems[:MOST_SHOWN]:
        say(f"offset {problem.offset:,}: {plain(problem.reason)}", "yellow", indent=4)
    if report.problem_count > MOST_SHOWN:
        say(f"and {report.problem_count - MOST_SHOWN:,} more: --json lists them", "dim", indent=4)


def _print_sum(reports: list[FileReport], *, dry_run: bool, is_stopped: bool, is_waiting: bool) -> None:
    taken = [one for one in reports if one.state in ("imported", "read only")]
    what = "would be imported" if dry_run else "imported"
    size = human_bytes(sum(one.bytes for one in taken))
    say(f"{counted(len(taken), 'file')} ({size}) {what}, with {counted(sum(one.new for one in taken), 'new article')}.")
    here = sum(one.state == "already here" for one in reports)
    if here:
        say(f"{counted(here, 'file')} here already.")
    if is_stopped:
        say("Stopped. The next run begins with the file it was at.", "yellow")
    if is_waiting:
        say("Not all of it has reached the stores yet: the next crawl or import sends it.", "yellow")


def _end(reports: list[FileReport], *, is_stopped: bool, is_waiting: bool) -> None:
    if is_stopped:
        raise typer.Exit(INTERRUPTED)
    if is_waiting:
        raise typer.Exit(STORES_BEHIND)
    if any(one.state == "refused" or one.problem_count for one in reports):
        raise typer.Exit(1)


@contextmanager
def _bar(chosen: list[tuple[Incoming, int]]) -> Iterator[Callable[[int], object]]:
    """What is told of bytes that were read: a progress bar with an estimate on a terminal, else nothing."""
    if not err.is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress("{task.description}", *columns, console=err, transient=True) as bar:
        task = bar.add_task("importing", total=sum(size for _, size in chosen))
        yield lambda count: bar.advance(task, count)
