"""`newsark crawl`: visit everything that is due, then stop."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsark.address import looks_like_host, source_at
from newsark.cluster.connection import refuse_unshared
from newsark.console import counted, err, human_bytes, print_json, say
from newsark.home import Home, KnownFile, unknown_source
from newsark.options import (
    AllowHostOption,
    ArchiveOption,
    ClusterOption,
    ContactOption,
    DelayOption,
    EndpointOption,
    JsonOption,
    LogFileOption,
    LogFormatOption,
    LogLevelOption,
    NoProgressOption,
    PlacesArgument,
    SourceFilesOption,
)
from newsark.report import backlog_json, print_backlogs, print_leads, print_name, print_problems, print_years
from storage.errors import BadSetting, WrongUse

if TYPE_CHECKING:
    from crawler.report import SourceReport
    from crawler.run import Errand


class Extract(StrEnum):
    """When articles are read."""

    now = "now"
    later = "later"


# Discovery sees for itself what a URL is; the command line cannot know.
ANY_KIND = ""


def crawl(
    what: PlacesArgument = None,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    source_file: SourceFilesOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=0, help="Visit at most N articles of each source.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DATE", help="Leave out articles that are known to be older."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Visit known articles too, due or not.")] = False,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Find all that a source ever published: every list, page by page.")
    ] = False,
    extract: Annotated[
        Extract | None,
        typer.Option("--extract", help="Read articles as they are fetched, or only keep them: see newsark reextract."),
    ] = None,
    allow_host: AllowHostOption = None,
    delay: DelayOption = None,
    contact: ContactOption = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", help="Longest time for one exchange.")
    ] = None,
    cluster: ClusterOption = None,
    log_level: LogLevelOption = None,
    log_format: LogFormatOption = None,
    log_file: LogFileOption = None,
    no_progress: NoProgressOption = False,
    json: JsonOption = False,
) -> None:
    """Visit everything that is due, then stop and report.

    Pages are discovered, fetched, archived, extracted and recorded.
    The URL of a home page or a section brings the whole newsroom;
    that of an article, a feed or a sitemap brings it and what it names.
    A sweep follows every list to its last page, the oldest articles
    first, and can be interrupted and repeated.

    Exit code 0 when every lead ended in a state, 1 when something
    needs your attention, 3 when nothing could be stored any more,
    4 when another process has a source, 130 when you stopped it.
    """
    home = Home.here(
        archive=archive,
        endpoint_url=endpoint_url,
        allow_hosts=tuple(allow_host) if allow_host else None,
        delay_seconds=delay,
        contact=contact,
        fetch_timeout_seconds=timeout,
        log_level=log_level,
        log_format=log_format,
        log_file=log_file,
    )
    options: dict[str, Any] = {"limit": limit, "since": _date(since), "again": again, "sweep": sweep}
    options["extract"] = extract.value if extract is not None else None
    if cluster is not None:
        refuse_unshared(home.settings, cluster)
    home.check_place()
    errands = errands_for(home, what or [], source_file or [])
    for source in (errand.source for errand in errands if errand.source.render and extract == Extract.later):
        raise WrongUse(f"{source.id} has render = true: what a browser shows is read at once, never later")
    from crawler.report import exit_code
    from newsark.crawling import crawling_on

    if home.settings.contact is None and err.is_terminal:
        say("No contact is set: newsrooms cannot ask who visits. See --contact.", "yellow", to=err)
    started = time.monotonic()
    reports, backlogs = crawling_on(cluster)(
        home, errands, options, show_progress=not no_progress and not json and err.is_terminal
    )
    years = _years(home, reports) if sweep else {}
    if json:
        held_up = [backlog_json(one) for one in backlogs]
        told = [report.as_dict() | ({"years": years[report.id]} if sweep else {}) for report in reports]
        print_json({"sources": told, "waiting": held_up})
    else:
        for report in reports:
            _print_report(report)
            print_years(years.get(report.id, []))
        _print_sum(home, reports, time.monotonic() - started)
        print_backlogs(backlogs)
    raise typer.Exit(exit_code(reports) or bool(backlogs))


def _years(home: Home, reports: list[SourceReport]) -> dict[str, list[dict[str, Any]]]:
    """How much of each year is saved, for each source that was swept."""
    from reading.coverage import saved_by_year

    with home.archive() as archive, archive.catalogue.begin() as connection:
        return {report.id: saved_by_year(connection, report.id) for report in reports}


def _date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        problem = f"{text!r} is no date like 2026-11-23 or 2026-11-23T08:00+01:00"
        raise BadSetting("option", "--since", problem) from None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def errands_for(home: Home, what: list[str], files: list[Path]) -> list[Errand]:
    """What is to be crawled, each source once."""
    from crawler.run import Errand
    from crawler.source import load_source

    known = home.known_sources()
    errands: dict[str, Errand] = {}
    for path in files:
        source = load_source(path)
        errands.setdefault(source.id, Errand(source, file=path.read_text(encoding="utf-8")))
    for name in what:
        _add_errand(errands, name, known)
    if not what and not files:
        errands = {one.source.id: Errand(one.source, file=one.text) for one in known}
    if not errands:
        raise WrongUse("there is no source yet; add one with: newsark sources add URL, or: newsark crawl URL")
    return list(errands.values())


def _add_errand(errands: dict[str, Errand], name: str, known: list[KnownFile]) -> None:
    """One more errand, or one more place for a source that has one already."""
    from crawler.run import Errand

    match = next((one for one in known if name in (one.source.id, one.source.name)), None)
    if match is not None:
        errands.setdefault(match.source.id, Errand(match.source, file=match.text))
        return
    if "://" not in name:
        raise _not_a_source(name, known)
    fresh = source_at(name)
    owner = next((one for one in known if one.source.on_site(name).inside), None)
    source = owner.source if owner else fresh
    errand = errands.setdefault(source.id, Errand(source, file=owner.text if owner else None))
    if name.rstrip("/") != source.home.rstrip("/"):
        errand.extra += ((ANY_KIND, name),)


def _not_a_source(name: str, known: list[KnownFile]) -> WrongUse:
    if Path(name).is_file():
        return WrongUse(f"{name!r} is a file; a source file is crawled with --source-file, a page read with extract")
    if looks_like_host(name):
        return WrongUse(f"no source is called {name!r}; if it is an address, write all of it: https://{name}")
    return unknown_source(name, [one.source.id for one in known])


def _print_report(report: SourceReport) -> None:
    print_name(report.id, report.name)
    if report.leads:
        print_leads(report.leads)
    print_problems(report.problems)
    if report.outcome == "nothing-found":
        say("nothing was found to visit", "red", indent=2)
    elif report.outcome == "interrupted":
        say("stopped; run the same command to go on", "yellow", indent=2)


def _print_sum(home: Home, reports: list[SourceReport], seconds: float) -> None:
    """What this run did, whatever is known from earlier ones."""
    requests = int(sum(report.run.get("requests", 0) for report in reports))
    size = sum(report.run.get("received_bytes", 0) for report in reports)
    clock = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
    say(
        f"{counted(requests, 'request')}, {human_bytes(size)} received in {clock}, kept in {home.short_name}",
        "dim",
    )
