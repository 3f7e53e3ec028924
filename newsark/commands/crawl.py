"""`newsark crawl`: visit everything that is due, then stop."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsark.console import err, out, print_json
from newsark.home import Home, KnownFile
from newsark.options import AllowHostOption, ArchiveOption, ContactOption, JsonOption
from storage.errors import BadSetting, UnknownSource, WrongUse

if TYPE_CHECKING:
    from crawler.report import SourceReport
    from crawler.run import Errand

EXIT_ATTENTION = 1
EXIT_INTERRUPTED = 130


def crawl(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE|URL]…", help="Sources by id, or URLs; every known source without any."),
    ] = None,
    archive: ArchiveOption = None,
    source_file: Annotated[
        list[Path] | None, typer.Option("--source-file", help="A source file to crawl. May be repeated.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, help="Visit at most this many articles of each source.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DATE", help="Leave out articles that are known to be older."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Visit known articles too, due or not.")] = False,
    allow_host: AllowHostOption = None,
    delay: Annotated[
        float | None, typer.Option("--delay", min=0, help="Seconds between two requests to one host.")
    ] = None,
    contact: ContactOption = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", help="Longest time for one exchange, in seconds.")
    ] = None,
    progress: Annotated[bool, typer.Option("--progress/--no-progress", help="Show a live line.")] = True,
    json: JsonOption = False,
) -> None:
    """Visit everything that is due: discover, fetch, archive, extract, record. Then stop and report.

    Exit code 0 when every lead ended in a state, 1 when something needs your attention, 130 when you stopped it.
    """
    home = Home.here(
        archive=archive,
        allow_hosts=tuple(allow_host) if allow_host else None,
        delay_seconds=delay,
        contact=contact,
        fetch_timeout_seconds=timeout,
    )
    from newsark.crawling import crawl_errands

    errands = _errands(home, what or [], source_file or [])
    options: dict[str, Any] = {"limit": limit, "since": _date(since), "again": again}
    reports = crawl_errands(home, errands, options, show_progress=progress and not json and err.is_terminal)
    if json:
        print_json({"sources": [report.as_dict() for report in reports]})
    else:
        _print_reports(reports)
    if any(report.outcome == "interrupted" for report in reports):
        raise typer.Exit(EXIT_INTERRUPTED)
    if any(report.needs_attention for report in reports):
        raise typer.Exit(EXIT_ATTENTION)


def _date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise BadSetting("--since", text, "is not a date like 2026-11-23 or 2026-11-23T08:00+01:00") from None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _errands(home: Home, what: list[str], files: list[Path]) -> list[Errand]:
    from crawler.run import Errand
    from crawler.source import load_source
    from storage.archive import HEAD

    exists = (home.archive_path / HEAD).exists()
    if exists:
        with home.archive() as opened:
            known = home.known_sources(opened)
    else:
        known = home.source_files()
    errands = [Errand(load_source(path), file=path.read_text(encoding="utf-8")) for path in files]
    if not what and not files:
        if not known:
            raise WrongUse("there is no source yet; add one with: newsark sources add URL, or: newsark crawl URL")
        return [Errand(one.source, file=one.text) for one in known]
    for name in what:
        _add_errand(errands, name, known, home)
    return errands


def _add_errand(errands: list[Errand], name: str, known: list[KnownFile], home: Home) -> None:
    """One more errand, or one more place for a source that has one already."""
    from crawler.run import Errand
    from crawler.source import source_for_url

    match = next((one for one in known if name in (one.source.id, one.source.name)), None)
    if match is not None:
        errands.append(Errand(match.source, file=match.text))
        return
    if "://" not in name:
        raise UnknownSource(name, [one.source.id for one in known])
    owner = next((one for one in known if one.source.on_site(name).inside), None)
    source = owner.source if owner else source_for_url(name, delay_seconds=home.settings.delay_seconds or 1.0)
    extra = () if name.rstrip("/") == source.home.rstrip("/") else (("section", name),)
    for errand in errands:
        if errand.source.id == source.id:
            errand.extra += extra
            return
    errands.append(Errand(source, extra=extra, file=owner.text if owner else None))


def _print_reports(reports: list[SourceReport]) -> None:
    from newsark.commands.status import print_coverage, print_problems

    states = [{"id": report.id, "leads": report.leads} for report in reports if report.leads]
    if states:
        print_coverage(states)
    for report in reports:
        print_problems(report.id, report.problems)
    for report in reports:
        if report.outcome == "nothing-found":
            out.print(f"{report.id}: nothing was found to visit", style="red")
        elif report.outcome == "interrupted":
            out.print(f"{report.id}: stopped; run the same command to go on", style="yellow")
