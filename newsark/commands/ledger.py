"""`newsark ledger`: what happened to the articles, with what proves it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from newsark.console import counted, err, plain, print_json, say, say_line, write_bytes
from newsark.home import Home, utc_now
from newsark.moment import moment
from newsark.options import ArchiveOption, EndpointOption, SourcesArgument
from storage.errors import BadSetting

if TYPE_CHECKING:
    from reading.life import Entry

PLAIN = ("edited", "headline", "moved", "restored", "alert")
"""Kinds of which one look is proof."""

STYLES = {"removed": "red", "source-unreachable": "red", "restored": "green", "source-restored": "green"}


class Format(StrEnum):
    """How entries are written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    ATOM = "atom"


def ledger(
    source: SourcesArgument = None,
    of: Annotated[
        list[str] | None, typer.Option("--source", metavar="SOURCE", help="The same as a source. May be repeated.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="WHEN", help="What happened since a date, or 24h, 7d, 4w ago."),
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", metavar="KIND", help="Only this kind. May be repeated.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="WORDS", help="Only where headline, URL or detail have these words.")
    ] = None,
    chosen: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TEXT,
    json: Annotated[bool, typer.Option("--json", help="Print JSON Lines; the same as --format json.")] = False,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """List edits, removals, blocks and restorations, oldest first.

    Each entry is suspected or confirmed, and names the captures that
    prove it. newsark diff URL shows what an edit changed.
    """
    from reading.ledger import Wanted
    from reading.ledger import ledger as read_ledger

    home = Home.here(archive=archive, endpoint_url=endpoint_url)
    wanted = Wanted(
        [home.source_id(name) for name in (*(source or ()), *(of or ()))],
        frozenset(map(known_kind, kind or ())),
        None if since is None else moment(since, "--since", utc_now()),
        text,
    )
    with home.archive(is_public=True) as opened:
        entries = read_ledger(opened, wanted, home.confirmations)
    _write(entries, Format.JSON if json else chosen)


def known_kind(word: str) -> str:
    """The kind of entry that a word names. Raises BadSetting for one that is none."""
    from reading.life import KINDS

    if word not in KINDS:
        raise BadSetting("option", "--kind", f"{word!r} is no kind; there are {', '.join(KINDS)}")
    return word


def _write(entries: list[Entry], form: Format) -> None:
    from reading.ledgerfeed import atom, csv_text

    if form is Format.JSON:
        for entry in entries:
            print_json(entry.as_json())
    elif form is Format.CSV:
        write_bytes(csv_text(entries).encode("utf-8", "replace"))
    elif form is Format.ATOM:
        write_bytes(atom(entries, utc_now()))
    else:
        for entry in entries:
            _print(entry)
        say(f"{counted(len(entries), 'entry')}" if entries else "Nothing happened, as far as was seen.", to=err)


def _print(entry: Entry) -> None:
    state = "" if entry.kind in PLAIN else f" ({entry.state})"
    silent = " silently" if entry.silent else ""
    say(
        Text.assemble(
            (f"{entry.at:%Y-%m-%d %H:%M}  ", "dim"),
            (f"{entry.kind}{silent}{state}  ", STYLES.get(entry.kind, "yellow")),
            (plain(entry.headline or ""), "bold"),
        )
    )
    say_line(f"  {entry.source}  {entry.url}", "dim")
    if entry.detail:
        say(entry.detail, indent=2)
    if entry.captures:
        say_line(f"  captures {' '.join(entry.captures)}", "dim")
