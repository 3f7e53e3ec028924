"""`newsark rebuild`: the catalogue from the store alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from newsark.console import counted, err, plain, print_json, say, say_line
from newsark.home import Home, utc_now
from newsark.options import ArchiveOption, EndpointOption, JsonOption
from storage.errors import WrongUse

if TYPE_CHECKING:
    from pathlib import Path

    from storage.rebuilding.rebuild import RebuildProgress, RebuildReport

MOST_SHOWN = 50
SHOWN_TABLES = ("sources", "leads", "captures", "versions", "observations", "segments", "runs")


def rebuild(
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a catalogue that knows something; the old one is kept beside.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Read so many segments at once.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Fill an empty catalogue from the store alone.

    After it every question has the same answer as before; only due times start afresh.
    One that was stopped goes on where it was: run the same command again.

    Exit code 1 when something in the store is damaged or missing; the rest is there.
    """
    from storage.place import HEAD
    from storage.rebuilding.rebuild import RebuildProgress

    home = Home.here(archive=archive, endpoint_url=endpoint_url).with_logs()
    if not home.has_archive:
        raise WrongUse(f"there is no archive at {home.archive_name}: it has no {HEAD}. Name another with --archive")
    progress, started = RebuildProgress(), time.monotonic()
    with _shown(progress, show=not json and err.is_terminal):
        report, kept = _rebuild(home, workers or os.cpu_count() or 1, progress, replace=replace)
    if json:
        print_json({"archive": home.archive_name, "kept": str(kept) if kept else None, **report.as_json()})
    else:
        _print(report, kept, time.monotonic() - started)
    if not report.ok:
        raise typer.Exit(1)


def _rebuild(
    home: Home, workers: int, progress: RebuildProgress, *, replace: bool
) -> tuple[RebuildReport, Path | None]:
    from sqlalchemy.exc import SQLAlchemyError

    from newsark.archiveplace import store_settings
    from storage.database import catalogue_problem
    from storage.owners import owner_name
    from storage.rebuilding.rebuild import rebuild
    from storage.rebuilding.replacement import replacing
    from storage.stores import open_stores

    place = home.place
    opening = partial(open_stores, store_settings(home.settings))
    url = home.settings.catalogue or place.catalogue_url
    try:
        with replacing(url, utc_now, owner_name(), replace=replace) as replacement:
            report = rebuild(
                opening, replacement.catalogue, place.state / "rebuild", workers=workers, progress=progress
            )
    except SQLAlchemyError as problem:
        raise catalogue_problem(problem, home.settings.catalogue) from problem
    progress.doing = "what is still on this disk"
    _resume(home, report)
    return report, replacement.kept


def _resume(home: Home, report: RebuildReport) -> None:
    """Take in what never reached the store: segments that a crash left, and objects on their way."""
    from storage.rebuilding.onthisdisk import take_in

    with home.archive() as opened:
        take_in(opened, report)


@contextmanager
def _shown(progress: RebuildProgress, *, show: bool) -> Iterator[None]:
    """Keep a bar on standard error up to date while the block runs."""
    if not show:
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    done = Event()
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=None)
        watching = Thread(target=_watch, args=(partial(bar.update, task), progress, done), daemon=True)
        watching.start()
        try:
            yield
        finally:
            done.set()
            watching.join()


def _watch(update: Callable[..., Any], progress: RebuildProgress, done: Event) -> None:
    while not done.wait(0.1):
        update(
            description=f"segment {progress.segments_done + 1} of {progress.segments}: {plain(progress.doing)}",
            total=progress.bytes or None,
            completed=progress.bytes_done,
        )


def _print(report: RebuildReport, kept: Path | None, seconds: float) -> None:
    rows = ", ".join(counted(report.rows[name], name.removesuffix("s")) for name in SHOWN_TABLES)
    say(f"{rows} in {int(seconds) // 60}:{int(seconds) % 60:02d}")
    if report.resumed:
        say(f"{counted(report.resumed, 'segment')} had been read by an earlier try", "dim")
    for kind, count in sorted(report.unknown_events.items()):
        say(f"passed over: {counted(count, 'event')} of a type not known here: {plain(kind)}", "yellow")
    for finding in report.findings[:MOST_SHOWN]:
        say_line(f"  {finding.kind}: {finding.object}", "red")
        say(finding.message, "dim", indent=4)
    if len(report.findings) > MOST_SHOWN:
        say(f"and {len(report.findings) - MOST_SHOWN} more: --json has them all", indent=2)
    if report.findings:
        say("→ newsark verify shows which other store has the right bytes; repair, then rebuild again", indent=2)
    if kept is not None:
        say(f"the catalogue until now is kept as {kept}; remove it when you need it no more", "dim")
