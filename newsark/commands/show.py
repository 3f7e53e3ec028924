"""`newsark show`: one article, its versions, its observations, where its bytes are."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer
from rich.text import Text

from newsark.console import out, print_json
from newsark.home import Home, normal_spelling
from newsark.options import ArchiveOption, JsonOption
from reading.article import ArticleHistory, history_of
from storage.errors import WrongUse


def show(
    article: Annotated[str, typer.Argument(metavar="URL|ID", help="The article's URL or a record's id.")],
    archive: ArchiveOption = None,
    record: Annotated[bool, typer.Option("--record", help="Print the latest JSON record, indented.")] = False,
    json: JsonOption = False,
) -> None:
    """Show one article with its versions, observations and provenance."""
    with Home.here(archive=archive).archive() as opened:
        history = history_of(opened, article, normal_spelling(article))
    if history is None:
        raise WrongUse(f"no article is known by {article!r}; `newsark export -o -` lists them all")
    if json:
        seen = [
            {"at": one.at.isoformat(), "outcome": one.outcome, "detail": one.detail} for one in history.observations
        ]
        print_json({"source": history.source, "versions": history.records, "observations": seen})
    elif record:
        out.print(Text(orjson.dumps(history.latest, option=orjson.OPT_INDENT_2).decode()))
    else:
        _print_history(history)


def _print_history(history: ArticleHistory) -> None:
    latest = history.latest
    out.print(Text(latest.get("headline") or "(no headline)", style="bold"))
    authors = ", ".join(author["name"] for author in latest.get("author") or [])
    facts = [
        authors,
        latest.get("datePublished"),
        latest.get("inLanguage"),
        latest.get("canonicalUrl") or latest["url"],
    ]
    out.print(Text("  ".join(str(fact) for fact in facts if fact), style="dim"))
    out.print()
    out.print(Text((latest.get("articleBody") or "(no text)").replace("\n", "\n\n")))
    out.print()
    for one in history.records:
        out.print(Text(_where(one)))
    for seen in history.observations:
        detail = f": {seen.detail}" if seen.detail else ""
        out.print(Text(f"{seen.at:%Y-%m-%d %H:%M} {seen.outcome}{detail}", style="dim"))


def _where(record: dict[str, Any]) -> str:
    archive = record.get("archive") or {}
    return (
        f"version {record.get('version')}: {archive.get('filename')} at {archive.get('offset')}"
        f" (+{archive.get('length')}), {archive.get('date')}, {archive.get('payloadDigest')}"
    )
