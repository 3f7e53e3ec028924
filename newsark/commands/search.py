"""`newsark search`: the articles with these words, the best first."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from newsark.console import counted, err, plain, print_json, say, say_line
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

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reading.search import Found, Hit, Piece

FOUND_STYLE = "bold yellow"


class Order(StrEnum):
    """What comes first."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"


def search(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORDS", help='Words; also "a phrase", a OR b, -not, pref*, title:word.'),
    ] = None,
    source: SourceFilter = None,
    versions: Annotated[Which, typer.Option("--versions", help="Which versions of each article.")] = Which.LATEST,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Captured since a date, or 24h, 7d, 4w ago.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Captured before that.")] = None,
    published_since: PublishedSinceFilter = None,
    published_until: PublishedUntilFilter = None,
    language: LanguageFilter = None,
    state: StateFilter = None,
    sort: Annotated[Order, typer.Option("--sort", help="What comes first; times are those of capture.")] = (
        Order.RELEVANCE
    ),
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Show so many.")] = 20,
    offset: Annotated[int, typer.Option("--offset", min=0, help="Leave out so many that come first.")] = 0,
    facets: Annotated[
        bool, typer.Option("--facets", help="Count what was found by source, language, year and state.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON Lines instead of text.")] = False,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Find articles by their words, the best first.

    All of the words must be there, in any of their forms where the
    language has some; "a phrase" as it stands. Without words everything
    is listed, the newest capture first. Put -- before a word that begins
    with -, or the whole query in quotes.
    """
    from reading.exports.selection import Selection
    from reading.search import Search
    from reading.search import search as find

    home = Home.here(archive=archive, endpoint_url=endpoint_url)
    selection = Selection(
        sources=[home.source_id(name) for name in source] if source else None,
        captured_since=None if since is None else moment(since, "--since", utc_now()),
        captured_until=None if until is None else moment(until, "--until", utc_now()),
        published_since=published_day(published_since, "--published-since"),
        published_until=published_day(published_until, "--published-until"),
        languages=tuple(language or ()),
        state=known_state(state),
        query=" ".join(words or ()) or None,
        latest_only=versions is Which.LATEST,
    )
    wanted = Search(selection, sort.value, offset, limit)
    began = time.monotonic()
    with home.archive(is_public=True) as opened, opened.catalogue.begin() as connection:
        found = find(connection, wanted, facets=facets)
    seconds = time.monotonic() - began
    for hit in found.hits:
        if json:
            print_json(_as_json(hit))
        else:
            _print(hit)
    _conclude(found, offset, seconds)


def _as_json(hit: Hit) -> dict[str, Any]:
    record = hit.record
    return {
        "id": record.get("id"),
        "source": hit.source,
        "url": record.get("url"),
        "headline": record.get("headline"),
        "datePublished": record.get("datePublished"),
        "captured": (record.get("archive") or {}).get("date"),
        "state": hit.state,
        "score": hit.score,
        "snippet": "".join(text for _, text in hit.snippet),
    }


def _print(hit: Hit) -> None:
    record = hit.record
    published = (record.get("datePublished") or "")[:10]
    gone = Text.assemble(("  ", ""), (hit.state, "red")) if hit.state != "present" else Text()
    headline = _marked(hit.headline, "bold") if hit.headline else Text("(no headline)", "dim")
    say(headline + gone)
    say_line(f"  {hit.source}  {published or 'no date'}  {record.get('url')}", "dim")
    if hit.snippet:
        say(_marked(hit.snippet, ""), indent=2)
    say()


def _marked(pieces: Iterable[Piece], style: str) -> Text:
    return Text.assemble(*((plain(text), FOUND_STYLE if is_found else style) for is_found, text in pieces))


def _conclude(found: Found, offset: int, seconds: float) -> None:
    """Counts and time, where they are in nobody's way."""
    for name, counts in found.facets.items():
        told = ", ".join(f"{plain(value)} {number:,}" for value, number in counts[:12])
        say(f"{name}: {told or 'none'}", to=err)
    if not found.total:
        say("Nothing was found; try fewer words, word* for its beginning, or --versions all.", to=err)
        return
    shown = f"{offset + 1:,} to {offset + len(found.hits):,} of " if len(found.hits) < found.total else ""
    if not found.hits:
        shown = f"none after {offset:,} of "
    say(f"{shown}{counted(found.total, 'article')} in {seconds * 1000:.0f} ms", to=err)
