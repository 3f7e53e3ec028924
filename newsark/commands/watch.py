"""`newsark watch`: visit what falls due, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from newsark.cluster.connection import refuse_unshared
from newsark.commands.crawl import errands_for
from newsark.console import counted, err, say
from newsark.home import Home
from newsark.options import (
    AllowHostOption,
    ArchiveOption,
    ClusterOption,
    ContactOption,
    DelayOption,
    EndpointOption,
    LogFileOption,
    LogFormatOption,
    LogLevelOption,
    NoProgressOption,
    PlacesArgument,
    SourceFilesOption,
)
from newsark.report import print_backlogs, print_name, print_problems

if TYPE_CHECKING:
    from crawler.report import SourceReport

STOPPED = ("finished", "interrupted", "nothing-found")


def watch(
    what: PlacesArgument = None,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    source_file: SourceFilesOption = None,
    allow_host: AllowHostOption = None,
    delay: DelayOption = None,
    contact: ContactOption = None,
    cluster: ClusterOption = None,
    metrics: Annotated[
        str | None,
        typer.Option("--metrics", metavar="[HOST:]PORT", help="Show metrics for Prometheus there; off without it."),
    ] = None,
    log_level: LogLevelOption = None,
    log_format: LogFormatOption = None,
    log_file: LogFileOption = None,
    no_progress: NoProgressOption = False,
) -> None:
    """Visit feeds, sitemaps, sections and articles when they fall due, until stopped.

    SIGTERM or Ctrl-C ends it within seconds with nothing lost.

    Exit code 0 when it was stopped, 3 when nothing could be stored
    any more, 4 when another process has a source.
    """
    home = Home.here(
        archive=archive,
        endpoint_url=endpoint_url,
        allow_hosts=tuple(allow_host) if allow_host else None,
        delay_seconds=delay,
        contact=contact,
        log_level=log_level,
        log_format=log_format,
        log_file=log_file,
        metrics=metrics,
    )
    if cluster is not None:
        refuse_unshared(home.settings, cluster)
    home.check_place()
    errands = errands_for(home, what or [], source_file or [])
    from crawler.report import exit_code
    from newsark.crawling import crawling_on

    say(f"Watching {counted(len(errands), 'source')}; Ctrl-C stops.", to=err)
    shows = not no_progress and err.is_terminal
    reports, backlogs = crawling_on(cluster)(home, errands, {"watch": True}, show_progress=shows)
    for report in reports:
        _print(report)
    print_backlogs(backlogs)
    failed = [report for report in reports if report.outcome not in STOPPED]
    raise typer.Exit(exit_code(failed) if failed else 0)


def _print(report: SourceReport) -> None:
    """What the watch came to, in a line, and what ended it when nobody asked it to."""
    print_name(report.id, report.name)
    visits = sum(
        int(count) for name, count in report.run.items() if name.startswith("leads_") and name != "leads_found"
    )
    say(f"{counted(visits, 'visit')}, {counted(int(report.run.get('leads_found', 0)), 'lead')} found", indent=2)
    if report.outcome not in STOPPED:
        print_problems(report.problems)
