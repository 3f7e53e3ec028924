"""`newsark reextract`: the current extractor over stored captures; old records stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from newsark.cluster.connection import refuse_directories
from newsark.console import counted, err, plain, print_json, say, say_line
from newsark.home import Home
from newsark.options import ArchiveOption, ClusterOption, EndpointOption, JsonOption, SourcesArgument
from newsark.readers import Readers, readers_of

if TYPE_CHECKING:
    from crawler.finishing import Finished
    from reading.comparison import Tally
    from reading.reextract import Plan
    from storage.archive import Archive

LOOKED_AT_FIRST = 200
SHOWN_CHANGES = 50
STORES_BEHIND = 3
INTERRUPTED = 130


def reextract(
    names: SourcesArgument = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would change; write nothing.")] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE.html", help="Write a sample of changes, old and new side by side."),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            metavar="N",
            min=1,
            help=f"Look at so many articles, chosen at random: with --dry-run at no others, else first, not at "
            f"{LOOKED_AT_FIRST}.",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Read also what was read by this very version of the extractor.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before records are written.")] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Read so many pages at once.")
    ] = None,
    cluster: ClusterOption = None,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Read stored pages again with the current extractor, and keep a new record where it reads something else.

    What a crawl with extract = "later" kept and did not read is read first, as that crawl would have.

    The old records stay. On a terminal it shows first what would change, and asks.
    A run that was stopped goes on where it was: run the same command again.

    Exit code 1 when some articles could not be read again.
    """
    from reading.reextract import plan_of, recover_sources

    home = Home.here(archive=archive, endpoint_url=endpoint_url).with_logs()
    if cluster is not None:
        refuse_directories(home.settings, cluster)
    ids = [home.source_id(name) for name in names] if names else None
    with home.archive() as opened:
        run = _Run(home, opened, report, workers=workers, cluster=cluster)
        if not dry_run:
            opened.courier.start()
            recover_sources(opened, ids)
        if not run.finish(ids, dry_run=dry_run, json=json):
            raise typer.Exit(INTERRUPTED)
        with err.status("Looking for what to read …"):
            plan = plan_of(opened, ids, every=every)
        if dry_run:
            tally = run.compare(plan if sample is None else plan.sampled(sample))
        elif run.is_accepted(plan, sample or LOOKED_AT_FIRST, asks=not (yes or json) and err.is_terminal):
            tally = run.write(plan)
        else:
            raise typer.Exit
        run.print_json(tally, dry_run=dry_run) if json else run.print_text(tally, plan, dry_run=dry_run)
    run.end(tally)


class _Run:
    """One re-extraction of an open archive."""

    def __init__(
        self, home: Home, archive: Archive, report: Path | None, *, workers: int | None, cluster: str | None
    ) -> None:
        self._home = home
        self._archive = archive
        self._workers, self._cluster = workers, cluster
        self._report = report
        self._is_waiting = False
        self._unread: dict[str, dict[str, int]] = {}
        self._finished: Finished | None = None

    def finish(self, ids: list[str] | None, *, dry_run: bool, json: bool) -> bool:
        """Read what was kept and not read, or only count it; False when that was interrupted."""
        from crawler.finishing import finish_visits, unread_counts

        self._unread = unread_counts(self._archive, ids)
        visits = sum(one["visits"] for one in self._unread.values())
        if visits and not dry_run:
            with self._readers() as readers, _bar("reading", visits) as advance:
                self._finished = finish_visits(self._archive, readers.pool, ids, advance)
        if not json:
            self._print_unread(visits, dry_run=dry_run)
        elif self._finished is not None and self._finished.interrupted:
            print_json({"dryRun": dry_run, "finished": self._finished.as_json()})
        return self._finished is None or not self._finished.interrupted

    def _print_unread(self, visits: int, *, dry_run: bool) -> None:
        if visits and dry_run:
            pages = sum(one["pages"] for one in self._unread.values())
            say(f"{counted(visits, 'visit')} of {counted(pages, 'page')} would be read that were kept and not read.")
        if (done := self._finished) is None:
            return
        for problem in done.problems:
            say(f"not read: {plain(problem)}", "yellow")
        if done.left:
            say(f"{counted(done.left, 'visit')} cannot be read now; the next run tries again", "yellow")
        say(f"{counted(done.visits, 'visit')} read that waited: {counted(done.versions, 'new version')}.")
        if done.found:
            say(f"{counted(done.found, 'file')} of their pages became known: the next crawl fetches them.")
        if done.interrupted:
            say("Stopped. The next run goes on with what is left.", "yellow")

    def compare(self, plan: Plan) -> Tally:
        """What would change."""
        from reading.reextract import Reextraction

        with self._readers() as readers, _bar("comparing", plan.records) as advance:
            work = Reextraction(self._archive, readers.parts, advance=advance, keep=SHOWN_CHANGES)
            return self._reported(work.compare(plan))

    def write(self, plan: Plan) -> Tally:
        """Write what changed, and wait until the stores have it."""
        from newsark.delivering import wait_for_stores
        from reading.reextract import Reextraction

        with self._readers() as readers, _bar("reading again", plan.records) as advance:
            work = Reextraction(self._archive, readers.parts, advance=advance, keep=SHOWN_CHANGES)
            tally = self._reported(work.write(plan))
        if not self._archive.place.is_one_directory:
            patience = self._home.settings.upload_patience_seconds
            waiting = wait_for_stores(self._archive, patience, show_progress=err.is_terminal)
            self._is_waiting = bool(waiting)
        return tally

    def _readers(self) -> AbstractContextManager[Readers]:
        return readers_of(self._home, workers=self._workers, cluster=self._cluster)

    def _reported(self, tally: Tally) -> Tally:
        if self._report is not None:
            from reading.sidebyside import side_by_side

            with self._report.open("w", encoding="utf-8", errors="replace") as file:
                file.writelines(side_by_side(tally))
        return tally

    def is_accepted(self, plan: Plan, sample: int, *, asks: bool) -> bool:
        """Whether to go on: what a sample shows is shown first when somebody is to be asked."""
        if not asks or not plan.records:
            return True
        looked_at = plan.sampled(sample)
        tally = self.compare(looked_at)
        if tally.interrupted:
            return False
        self.print_text(tally, looked_at, dry_run=True)
        if looked_at is not plan:
            say(f"This is a sample of {counted(looked_at.records, 'article')} out of {plan.records:,}.", "dim")
        return typer.confirm(f"Read {counted(plan.records, 'article')} again, and write what changed?")

    # what people and programs see

    def print_json(self, tally: Tally, *, dry_run: bool) -> None:
        """The tally as one JSON object."""
        visits, pages = (sum(one[name] for one in self._unread.values()) for name in ("visits", "pages"))
        facts: dict[str, object] = {"dryRun": dry_run, "waited": {"visits": visits, "pages": pages}}
        if self._finished is not None:
            facts |= {"finished": self._finished.as_json()}
        print_json({**facts, **tally.as_json(), "stored": not self._is_waiting})

    def print_text(self, tally: Tally, plan: Plan, *, dry_run: bool) -> None:
        """The tally for people: fields, lost texts, what could not be read, the sum."""
        if not plan.records:
            say(f"Nothing to do: {counted(tally.skipped, 'article')} read by this extractor already.", "green")
            return
        for name, count in tally.by_field.most_common():
            say_line(f"  {count:>9,}  {name}")
        for problem in tally.problems:
            say(f"not read again: {plain(problem)}", "yellow")
        if tally.unread > len(tally.problems):
            say(f"and {tally.unread - len(tally.problems):,} more not read again", "yellow")
        self._print_lost(tally, dry_run=dry_run)
        would = "would get" if dry_run else "got"
        likeness = "" if tally.likeness is None else f"; texts are alike by {tally.likeness:.1%} on average"
        records = f"{counted(tally.changed, 'article')} {would} a new record"
        say(f"{counted(tally.read, 'article')} read again, {records}{likeness}.")
        if tally.gained:
            say(f"{counted(tally.gained, 'article')} {'would gain' if dry_run else 'gained'} a text.")
        if self._report is not None:
            left_out = f"; {counted(tally.withheld, 'suppressed article')} left out" if tally.withheld else ""
            say_line(f"Side by side: {self._report}{left_out}")
        if tally.interrupted:
            say("Stopped. The next run goes on with what is left.", "yellow")
        if self._is_waiting:
            say("Not all of it has reached the stores yet: the next crawl or re-extraction sends it.", "yellow")

    def _print_lost(self, tally: Tally, *, dry_run: bool) -> None:
        if not tally.lost:
            return
        what = "would lose" if dry_run else "lost"
        say(Text(f"{counted(tally.lost, 'article')} {what} their text:", "bold red"))
        for url in tally.lost_urls:
            say_line(Text(f"  {plain(url)}", "red"))
        if tally.lost > len(tally.lost_urls):
            say(f"and {tally.lost - len(tally.lost_urls):,} more", "red", indent=2)

    def end(self, tally: Tally) -> None:
        """End with the exit code that says how it went."""
        if tally.interrupted:
            raise typer.Exit(INTERRUPTED)
        if self._is_waiting:
            raise typer.Exit(STORES_BEHIND)
        if tally.unread or (self._finished is not None and self._finished.left):
            raise typer.Exit(1)


@contextmanager
def _bar(what: str, records: int) -> Iterator[Callable[[], object]]:
    """What is called for each record: a progress bar with an estimate on a terminal, else nothing."""
    if not err.is_terminal or not records:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress("{task.description}", *columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=records)
        yield lambda: bar.advance(task)
