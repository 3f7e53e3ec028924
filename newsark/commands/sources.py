"""`newsark sources`: find a newsroom's feeds, sitemaps and sections; list and check what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from newsark.console import err, out, print_json
from newsark.home import Home, KnownFile, find_source
from newsark.options import AllowHostOption, ArchiveOption, ContactOption, JsonOption
from storage.archive import HEAD
from storage.errors import WrongUse

if TYPE_CHECKING:
    from crawler.discovery import Discovery, Found
    from crawler.source import Source

app = typer.Typer(help="Find, list and check newsrooms.", no_args_is_help=True, rich_markup_mode="rich")

Delay = Annotated[float | None, typer.Option("--delay", min=0, help="Seconds between two requests to one host.")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="The newsroom's home page.")],
    name: Annotated[str | None, typer.Option("--name", help="Its name, for people.")] = None,
    archive: ArchiveOption = None,
    allow_host: AllowHostOption = None,
    delay: Delay = None,
    contact: ContactOption = None,
    json: JsonOption = False,
) -> None:
    """Find a newsroom's feeds, sitemaps and sections, show what each yields, and write its source file."""
    from crawler.source import dump_source, source_for_url

    home = _home(archive, allow_host, delay, contact)
    source = source_for_url(url, allow_hosts=tuple(allow_host or ()), delay_seconds=home.settings.delay_seconds or 1.0)
    path = home.sources_directory / f"{source.id}.toml"
    if path.exists():
        raise WrongUse(f"{path} is there already; edit it, or remove it first")
    found = _survey(home, [KnownFile(source, dump_source(source), None)])[0]
    if not found.all and found.problems:
        raise WrongUse(f"{url}: nothing was found: {found.problems[0].detail}")
    chosen = _with_found(source, found, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump_source(chosen), encoding="utf-8")
    if json:
        print_json(_found_json(chosen.id, found) | {"file": str(path)})
        return
    _print_found(chosen.id, found)
    out.print(f"Wrote {path}. Next: newsark crawl {chosen.id}")


@app.command("list")
def list_sources(archive: ArchiveOption = None, json: JsonOption = False) -> None:
    """List the known sources."""
    home = Home.here(archive=archive)
    known = _known(home)
    if json:
        rows = [{"id": one.source.id, "name": one.source.name, "home": one.source.home} for one in known]
        print_json(
            {
                "sources": [
                    row | {"file": str(one.path) if one.path else None} for row, one in zip(rows, known, strict=True)
                ]
            }
        )
        return
    if not known:
        out.print("No source is known yet. Next: newsark sources add URL")
        return
    table = Table("id", "name", "home", "file", box=None, pad_edge=False, header_style="bold")
    for one in known:
        table.add_row(one.source.id, one.source.name, one.source.home, str(one.path or "(made on the fly)"))
    out.print(table)


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[SOURCE]…", help="Only these sources.")] = None,
    archive: ArchiveOption = None,
    allow_host: AllowHostOption = None,
    delay: Delay = None,
    contact: ContactOption = None,
    json: JsonOption = False,
) -> None:
    """Test what each source's feeds, sitemaps and sections yield now. Exit code 1 when one yields nothing."""
    home = _home(archive, allow_host, delay, contact)
    known = _known(home)
    chosen = [find_source(name, known) for name in names] if names else known
    if not chosen:
        raise WrongUse("there is no source to check; add one with: newsark sources add URL")
    surveys = _survey(home, chosen)
    for one, found in zip(chosen, surveys, strict=True):
        if json:
            print_json(_found_json(one.source.id, found))
        else:
            _print_found(one.source.id, found)
    if any(found.problems or not found.all or any(place.problem for place in found.all) for found in surveys):
        raise typer.Exit(1)


def _home(archive: str | None, allow_host: list[str] | None, delay: float | None, contact: str | None) -> Home:
    hosts = tuple(allow_host) if allow_host else None
    return Home.here(archive=archive, allow_hosts=hosts, delay_seconds=delay, contact=contact)


def _known(home: Home) -> list[KnownFile]:
    if not (home.archive_path / HEAD).exists():
        return home.source_files()
    with home.archive() as opened:
        return home.known_sources(opened)


def _survey(home: Home, known: list[KnownFile]) -> list[Discovery]:
    from crawler.survey import survey_all
    from newsark.crawling import crawl_options, in_reactor, services_for

    with (
        services_for(home, crawl_options(home)) as services,
        err.status("Looking for feeds, sitemaps and sections …"),
    ):
        return in_reactor(lambda process: survey_all(process, services, [(one.source, one.text) for one in known]))


def _with_found(source: Source, found: Discovery, name: str | None) -> Source:
    title = name or found.title or source.name
    values = {
        "name": " ".join(title.split())[:100],
        "feeds": tuple(place.url for place in found.feeds if place.problem is None),
        "sitemaps": tuple(place.url for place in found.sitemaps if place.problem is None),
        "sections": tuple(place.url for place in found.sections if place.problem is None),
    }
    return source.model_copy(update=values)


def _found_json(source_id: str, found: Discovery) -> dict[str, Any]:
    def place(one: Found) -> dict[str, Any]:
        return {
            "kind": one.kind,
            "url": one.url,
            "via": one.via,
            "entries": one.entries,
            "title": one.title,
            "newest": one.newest,
            "problem": one.problem,
        }

    problems = [{"kind": problem.kind, "detail": problem.detail} for problem in found.problems]
    return {"id": source_id, "found": [place(one) for one in found.all], "problems": problems}


def _print_found(source_id: str, found: Discovery) -> None:
    table = Table("", "yields", "newest", "named by", "url", box=None, pad_edge=False, header_style="bold")
    for one in found.all:
        yields = one.problem or f"{one.entries} links"
        table.add_row(one.kind, yields, one.newest or "", one.via, one.url, style="red" if one.problem else None)
    out.print(f"{source_id}: {len(found.feeds)} feeds, {len(found.sitemaps)} sitemaps, {len(found.sections)} sections")
    if found.all:
        out.print(table)
    for problem in found.problems:
        out.print(f"{source_id}: {problem.kind}: {problem.detail}", style="red", markup=False)
