"""`newsark sources`: find a newsroom's feeds, sitemaps and sections; list and check what is known."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsark.address import source_at
from newsark.console import err, print_json, say, say_line, short
from newsark.home import Home, KnownFile, find_source
from newsark.options import (
    AllowHostOption,
    ArchiveOption,
    ContactOption,
    DelayOption,
    JsonOption,
    PlainCommand,
    PlainGroup,
    SourcesArgument,
)
from newsark.places import found_json, is_well, print_found
from newsark.selectorreport import hits_json, print_hits
from newsark.storerows import StoreRows
from storage.errors import NothingFound, WrongUse

if TYPE_CHECKING:
    from crawler.discovery import Discovery
    from crawler.source import Source
    from reading.selectorcheck import SelectorHits

# What a look at a newsroom must not touch.
ASIDE: dict[str, Any] = {name: field.default for name, field in StoreRows.model_fields.items()} | {
    "catalogue": None,
    "state": None,
    "replicas": (),
    "copies_required": None,
}

app = typer.Typer(cls=PlainGroup, no_args_is_help=True, rich_markup_mode="rich", help="Find, list and check newsrooms.")


@app.command(cls=PlainCommand)
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="The newsroom's home page.")],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Its name, for people.")] = None,
    archive: ArchiveOption = None,
    allow_host: AllowHostOption = None,
    delay: DelayOption = None,
    contact: ContactOption = None,
    json: JsonOption = False,
) -> None:
    """Find a newsroom's feeds, sitemaps and sections, and write its source file.

    Shows what each place yields now. Nothing is kept of these visits:
    the first crawl makes them again.
    """
    home = _home(archive, allow_host, delay, contact)
    source = source_at(url, allow_hosts=tuple(allow_host or ()), delay_seconds=delay)
    home.check_place()
    _check_is_new(home, source)
    found = _survey_aside(home, source)
    usable = [place for place in found.all if place.yields]
    if not usable:
        raise NothingFound(url, _why_nothing(found))
    path = _write(home, _with_found(source, found, name))
    if json:
        print_json(found_json(source.id, found) | {"file": str(path)})
        return
    print_found(source.id, found)
    say_line(f"Wrote {short(path)}")
    say(f"Next: newsark crawl {source.id}")


@app.command("list", cls=PlainCommand)
def list_sources(archive: ArchiveOption = None, json: JsonOption = False) -> None:
    """List the known sources."""
    known = Home.here(archive=archive).known_sources()
    if json:
        print_json({"sources": [_row(one) for one in known]})
        return
    if not known:
        say("No source is known yet. Next: newsark sources add URL")
    widths = [max((len(text) for text in column), default=0) for column in zip(*map(_facts, known), strict=True)]
    for one in known:
        facts = [fact.ljust(width) for fact, width in zip(_facts(one), widths, strict=True)]
        say_line(f"{'  '.join(facts)}  {short(one.path) if one.path else 'no file: crawled by its URL'}")


@app.command(cls=PlainCommand)
def check(
    names: SourcesArgument = None,
    archive: ArchiveOption = None,
    allow_host: AllowHostOption = None,
    delay: DelayOption = None,
    contact: ContactOption = None,
    json: JsonOption = False,
) -> None:
    """Test what each source's feeds, sitemaps and sections yield now, and its selectors on the articles kept last.

    Exit code 1 when a place cannot be read, a source yields nothing at all, or a selector hits nothing.
    """
    home = _home(archive, allow_host, delay, contact)
    known = home.known_sources()
    chosen = [find_source(name, known) for name in dict.fromkeys(names)] if names else known
    if not chosen:
        raise WrongUse("there is no source to check; add one with: newsark sources add URL")
    surveys = _survey(home, chosen)
    hits = [_hits(home, one.source) for one in chosen]
    for one, found, hit in zip(chosen, surveys, hits, strict=True):
        if json:
            print_json(found_json(one.source.id, found) | ({"selectors": hits_json(hit)} if hit else {}))
        else:
            print_found(one.source.id, found)
            print_hits(hit)
    if not all(is_well(found) for found in surveys) or any(hit.idle for hit in hits if hit):
        raise typer.Exit(1)


def _hits(home: Home, source: Source) -> SelectorHits | None:
    """What the source's selectors hit on its stored articles; None when it has no selectors."""
    if source.selectors is None:
        return None
    from reading.selectorcheck import selector_hits

    with home.archive(is_public=True) as opened:
        return selector_hits(opened, source.id, source.selectors)


def _home(archive: str | None, allow_host: list[str] | None, delay: float | None, contact: str | None) -> Home:
    hosts = tuple(allow_host) if allow_host else None
    return Home.here(archive=archive, allow_hosts=hosts, delay_seconds=delay, contact=contact)


def _row(one: KnownFile) -> dict[str, str | None]:
    source = one.source
    file = str(one.path) if one.path else None
    return {"id": source.id, "name": source.name, "home": source.home, "risk": source.risk, "file": file}


def _facts(one: KnownFile) -> tuple[str, str, str]:
    return one.source.id, one.source.name, one.source.home


def _check_is_new(home: Home, source: Source) -> None:
    for one in home.source_files():
        assert one.path is not None
        if one.source.id == source.id or one.source.on_site(source.home).inside:
            raise WrongUse(f"{source.home} belongs to {one.source.id!r} already; edit or remove {short(one.path)}")


def _survey(home: Home, known: list[KnownFile]) -> list[Discovery]:
    from crawler.survey import survey_all
    from newsark.crawling import crawl_options, in_reactor, services_for

    with (
        services_for(home, crawl_options(home)) as services,
        err.status("Looking for feeds, sitemaps and sections …"),
    ):
        return in_reactor(lambda process: survey_all(process, services, [(one.source, one.text) for one in known]))


def _survey_aside(home: Home, source: Source) -> Discovery:
    """A survey in an archive of its own, thrown away: a mistyped address leaves no trace in the real one."""
    from crawler.source import dump_source

    with tempfile.TemporaryDirectory(prefix="newsark-") as directory:
        settings = home.settings.model_copy(update=ASIDE | {"archive": directory})
        aside = replace(home, settings=settings)
        return _survey(aside, [KnownFile(source, dump_source(source), None)])[0]


def _why_nothing(found: Discovery) -> str:
    return (
        "; ".join(dict.fromkeys(problem.detail for problem in found.problems)) or "its home page links to no articles"
    )


def _with_found(source: Source, found: Discovery, name: str | None) -> Source:
    title = name or found.title or next((place.title for place in found.feeds if place.title), "")
    one_line = " ".join("".join(sign if sign.isprintable() else " " for sign in title).split())
    values = {
        "name": one_line[:100] or source.name,
        "feeds": tuple(place.url for place in found.feeds if place.yields),
        "sitemaps": tuple(place.url for place in found.sitemaps if place.problem is None),
        "sections": tuple(place.url for place in found.sections if place.yields),
    }
    return source.model_copy(update=values)


def _write(home: Home, source: Source) -> Path:
    """The source file, whole or not at all. Raises BadSourceFile when it could not be read again."""
    from crawler.source import dump_source, parse_source

    path = home.sources_directory / f"{source.id}.toml"
    text = dump_source(source)
    parse_source(text, str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"_{path.name}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return path
