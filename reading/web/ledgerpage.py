"""The ledger's page: what happened to the articles, newest first; and as Atom and CSV."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, HTTPException, Query
from fastapi.responses import Response

from reading.ledger import Wanted, ledger
from reading.ledgerfeed import atom, csv_text
from reading.life import KINDS, Entry
from reading.web.facts import Facts, LedgerLine
from reading.web.pace import Searching
from reading.web.room import Room, TheRoom

PER_PAGE = 50
IN_FEED = 500
"""A feed is asked for again and again; what is older is in the table."""
Kind = Literal[KINDS]  # type: ignore[valid-type]  # the words stand in one place


class LedgerAsked(Facts):
    """What is asked of the ledger; what is empty asks for all."""

    kind: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    state: str = ""
    since: str = ""
    text: str = ""

    def as_query(self) -> dict[str, Any]:
        """The form's fields that say something."""
        return {name: value for name, value in self.model_dump().items() if value}


def ledger_asked(
    kind: Annotated[list[Kind | Literal[""]] | None, Query(description="Only these kinds.")] = None,
    source: Annotated[list[str] | None, Query(description="Only these sources, by id.")] = None,
    state: Annotated[Literal["", "suspected", "confirmed"], Query(description="How sure it is.")] = "",
    since: Annotated[date | Literal[""], Query(description="What happened on that day or later.")] = "",
    text: Annotated[str, Query(max_length=500, description="Where headline, address or detail have these words.")] = "",
) -> LedgerAsked:
    """What a form or an address asks for."""
    return LedgerAsked(
        kind=tuple(one for one in kind or () if one),
        source=tuple(one for one in source or () if one),
        state=state,
        since=str(since),
        text=text.strip(),
    )


TheLedgerQuestion = Annotated[LedgerAsked, Depends(ledger_asked)]


class LedgerPage(Facts):
    """One page of entries, the newest first."""

    asked: LedgerAsked
    kinds: tuple[str, ...]
    sources: dict[str, str]
    total: int
    page: int
    pages: int
    entries: list[LedgerLine]


def ledger_page(
    room: TheRoom, wanted: TheLedgerQuestion, _: Searching, page: Annotated[int, Query(ge=1, le=100_000)] = 1
) -> LedgerPage:
    """Edits, removals, blocks and restorations, newest first, fifty to a page, each with what proves it."""
    names = room.source_names()
    entries = _entries(room, wanted)
    shown = entries[::-1][(page - 1) * PER_PAGE : page * PER_PAGE]
    return LedgerPage(
        asked=wanted,
        kinds=KINDS,
        sources=names,
        total=len(entries),
        page=page,
        pages=-(-len(entries) // PER_PAGE),
        entries=[LedgerLine.of(entry, names) for entry in shown],
    )


def ledger_atom(room: TheRoom, wanted: TheLedgerQuestion, _: Searching) -> Response:
    """The newest of them as an Atom feed (RFC 4287)."""
    data = atom(_entries(room, wanted)[-IN_FEED:], room.archive.clock())
    return Response(data, media_type="application/atom+xml")


def ledger_csv(room: TheRoom, wanted: TheLedgerQuestion, _: Searching) -> Response:
    """The same as CSV (RFC 4180), safe for spreadsheets."""
    data = csv_text(_entries(room, wanted)).encode("utf-8", "replace")
    return Response(data, media_type="text/csv", headers={"Content-Disposition": 'attachment; filename="ledger.csv"'})


def _entries(room: Room, wanted: LedgerAsked) -> list[Entry]:
    """The entries that are asked for, oldest first."""
    unknown = set(wanted.source) - set(room.source_names())
    if unknown:
        raise HTTPException(404, f"no source is called {min(unknown)!r}; /sources lists them")
    try:
        since = datetime.fromisoformat(wanted.since).replace(tzinfo=UTC) if wanted.since else None
    except ValueError as problem:
        raise HTTPException(400, f"there is no such day: {problem}") from problem
    asked = Wanted(wanted.source, frozenset(wanted.kind), since, wanted.text or None)
    # of each question a ledger of its own would fill the memory, and take as long as the whole
    found = room.remembered.get("ledger", lambda: ledger(room.archive, confirmations=room.confirmations))
    return [
        entry
        for entry in found
        if wanted.state in ("", entry.state)
        and (not wanted.source or entry.source in wanted.source)
        and asked.takes(entry)
    ]
