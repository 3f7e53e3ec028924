"""`newsark show`: one article, its versions, its observations, where its bytes are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from newsark.address import normal_spelling
from newsark.console import print_json, say, say_line, write_bytes
from newsark.home import Home
from newsark.options import ArchiveOption, EndpointOption, JsonOption
from storage.errors import WrongUse
from storage.suppressionerrors import IsSuppressed

if TYPE_CHECKING:
    from reading.article import ArticleHistory
    from storage.archive import Archive


def show(
    article: Annotated[str, typer.Argument(metavar="URL|ID", help="The article's URL or a record's id.")],
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    record: Annotated[bool, typer.Option("--record", help="Print the latest JSON record, indented.")] = False,
    suppressed: Annotated[
        bool, typer.Option("--suppressed", help="Also what is suppressed, so that you can decide to lift it.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show one article with its versions, observations and provenance."""
    with Home.here(archive=archive, endpoint_url=endpoint_url).archive(is_public=not suppressed) as opened:
        history = article_history(opened, article)
    if json:
        seen = [
            {"at": one.at.isoformat(), "outcome": one.outcome, "detail": one.detail} for one in history.observations
        ]
        print_json({"source": history.source, "versions": history.records, "observations": seen})
    elif record:
        write_bytes(orjson.dumps(history.latest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    else:
        _print_history(history)


def article_history(archive: Archive, needle: str) -> ArticleHistory:
    """The article's history. Raises WrongUse with what is known of the URL when it showed no article."""
    from reading.article import history_of, lead_of
    from reading.suppressing import is_hidden

    spelled = normal_spelling(needle)
    history = history_of(archive, needle, spelled)
    if history is not None:
        return history
    if is_hidden(archive, needle, spelled):
        raise IsSuppressed(needle)
    lead = lead_of(archive, spelled) if spelled else None
    if lead is None:
        raise WrongUse(f"nothing is known by {needle!r}; newsark export -o - lists all articles")
    raise WrongUse(f"{lead.url} is known to {lead.source}, {lead.told}")


def _print_history(history: ArticleHistory) -> None:
    latest = history.latest
    say(latest.get("headline") or "(no headline)", "bold")
    authors = ", ".join(author["name"] for author in latest.get("author") or [])
    facts = [authors, latest.get("datePublished"), latest.get("inLanguage")]
    say("  ".join(str(fact) for fact in facts if fact), "dim")
    say_line(latest.get("canonicalUrl") or latest["url"], "dim")
    for paragraph in (latest.get("articleBody") or "(no text)").split("\n"):
        say()
        say(paragraph)
    say()
    for one in history.records:
        _print_place(one)
    _print_life(history)


def _print_life(history: ArticleHistory) -> None:
    """Versions and observations on a line, then what they tell."""
    from reading.lifeline import lifeline

    line, legend = lifeline(history.dates, history.observations)
    say()
    say_line(line)
    say(legend, "dim")
    for seen in history.observations:
        detail = f": {seen.detail}" if seen.detail else ""
        say(f"{seen.at:%Y-%m-%d %H:%M} {seen.outcome}{detail}", "dim")


def _print_place(record: dict[str, Any]) -> None:
    """Where a version's bytes are."""
    archive = record.get("archive") or {}
    say_line(f"version {record.get('version')}  captured {archive.get('date')}  record {record['id']}")
    say_line(f"  {archive.get('filename')} at {archive.get('offset')} (+{archive.get('length')})", "dim")
    say_line(f"  {archive.get('payloadDigest')}", "dim")
