"""An article's page: its text, its versions, what happened to it, where its bytes are; and two versions compared."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import HTTPException, Query, Request
from fastapi.responses import RedirectResponse

from reading.article import ArticleHistory, history_of, lead_of
from reading.exports.selection import state_of
from reading.ledger import source_outages
from reading.life import Entry, life_of
from reading.lifeline import lifeline
from reading.provenance import check_record
from reading.web.facts import Facts, captured_of
from reading.web.pace import Searching
from reading.web.room import Room, TheRoom
from reading.worddiff import Word, fields_between, paragraphs_of
from storage.timestamps import timestamp14
from storage.unread import Unread
from storage.versions import Versions


class VersionLine(Facts):
    """One version of an article."""

    id: str
    version: int
    captured: str | None
    headline: str | None
    words: int | None


class Moment(Facts):
    """Something that happened to the article: a version, a finding of a visit, or an entry of the ledger."""

    at: datetime
    kind: str
    text: str
    state: str | None = None
    until: datetime | None = None
    times: int = 1


class Told(Facts):
    """One version with everything known of its article. `record` is the JSON record as it stands in the store;
    `unread` visits are kept and not read yet, so that nobody knows what they will say of it."""

    id: str
    source: str
    source_name: str
    record: dict[str, Any]
    versions: list[VersionLine]
    timeline: list[Moment]
    lifeline: str
    legend: str
    state: str
    unread: int
    replay: str | None
    no_replay: str


def article(room: TheRoom, request: Request, record_id: str) -> Told:
    """The article that has a record of this id: that version's text, all versions, what visits found, its bytes."""
    history, record = version_of(room, record_id)
    entries = _life(room, history)
    line, legend = lifeline(history.dates, history.observations)
    return Told(
        id=record["id"],
        source=history.source,
        source_name=room.source_names().get(history.source, history.source),
        record=record,
        versions=[_line(one) for one in history.records],
        timeline=_timeline(history, entries),
        lifeline=line,
        legend=legend,
        state=state_of(history.observations[-1].outcome if history.observations else None),
        unread=room.with_catalogue(lambda one: Unread(one, history.source).of_article(history.article)),
        replay=replay_address(room, request, record),
        no_replay=room.no_replay,
    )


def version_of(room: Room, record_id: str) -> tuple[ArticleHistory, dict[str, Any]]:
    """The article with the record of that id, or with one that superseded it. Raises HTTPException 404."""
    history = history_of(room.archive, record_id)
    if history is None:
        raise HTTPException(404, f"there is no record {record_id!r}; /find?url= finds an article by its address")
    named = (record for record in history.records if record_id in (record["id"], record.get("supersedes")))
    return history, next(named, history.latest)


def _line(record: dict[str, Any]) -> VersionLine:
    return VersionLine(
        id=record["id"],
        version=record["version"],
        captured=captured_of(record),
        headline=record.get("headline"),
        words=record.get("wordCount"),
    )


def _life(room: Room, history: ArticleHistory) -> list[Entry]:
    """What happened to the article, as the ledger has it."""
    with room.archive.catalogue.begin() as connection:
        rows = Versions(connection, history.source).history(history.article)
        outages = source_outages(connection, history.source)
    seen = history.observations
    return life_of(history.source, rows, seen, lambda at: any(one.covers(at) for one in outages), room.confirmations)


def _timeline(history: ArticleHistory, entries: list[Entry]) -> list[Moment]:
    """Everything in the order of time; visits in a row that found the same stand as one."""
    moments = [
        Moment(at=at, kind="version", text=f"version {record['version']} captured")
        for at, record in zip(history.dates, history.records, strict=True)
    ]
    moments += [
        Moment(at=entry.at, kind=entry.kind, text=entry.detail or entry.headline or "", state=entry.state)
        for entry in entries
    ]
    seen = [
        Moment(at=one.at, kind="visit", text=f"{one.outcome}{f': {one.detail}' if one.detail else ''}")
        for one in history.observations
        if one.outcome != "edited"  # that is a version, and an entry
    ]
    merged: list[Moment] = []
    for one in sorted([*moments, *seen], key=lambda moment: moment.at):
        before = merged[-1] if merged else None
        if before is not None and one.kind == before.kind == "visit" and one.text == before.text:
            merged[-1] = before.model_copy(update={"until": one.at, "times": before.times + 1})
        else:
            merged.append(one)
    return merged


def replay_address(room: Room, request: Request, record: dict[str, Any]) -> str | None:
    """Where the page is shown as it was when this record was made; None where nothing of it can be."""
    captured = captured_of(record)
    if room.replay is None or not record.get("archive") or captured is None:
        return None
    return room.replay.address(request, timestamp14(datetime.fromisoformat(captured)), record["url"])


class Replayed(Facts):
    """A page as it was, in a frame whose address is another origin."""

    id: str
    headline: str | None
    url: str
    captured: str | None
    replay: str | None
    no_replay: str


def replayed(room: TheRoom, request: Request, record_id: str) -> Replayed:
    """The page of a record as it was, where replay shows it."""
    _, record = version_of(room, record_id)
    return Replayed(
        id=record["id"],
        headline=record.get("headline"),
        url=record["url"],
        captured=captured_of(record),
        replay=replay_address(room, request, record),
        no_replay=room.no_replay,
    )


class Line(Facts):
    """A paragraph of both versions: the words of each, marked same, gone or new."""

    differs: bool
    old: list[Word]
    new: list[Word]


class FieldChange(Facts):
    """A field that differs, as its words."""

    name: str
    old: str
    new: str


class Compared(Facts):
    """Two versions side by side."""

    id: str
    source: str
    headline: str | None
    versions: list[VersionLine]
    old: VersionLine
    new: VersionLine
    fields: list[FieldChange]
    lines: list[Line]
    changed: int


Number = Annotated[int | None, Query(ge=1, le=1_000_000, description="The number of a version; the last two without.")]


def compare(room: TheRoom, record_id: str, old: Number = None, new: Number = None) -> Compared:
    """What changed between two versions, word by word; without numbers between the last two."""
    history, _ = version_of(room, record_id)
    numbers = [record["version"] for record in history.records]
    if len(numbers) < 2:
        raise HTTPException(404, "this article has one version, so there is nothing to compare it with")
    later = numbers[-1] if new is None else new
    earlier = next((one for one in reversed(numbers) if one < later), later) if old is None else old
    for number in (earlier, later):
        if number not in numbers:
            raise HTTPException(404, f"there is no version {number}; there are {', '.join(map(str, numbers))}")
    before, after = (history.records[numbers.index(number)] for number in (earlier, later))
    lines = [
        Line(
            differs=one.differs,
            old=[word for word in one.words if word[0] != "new"],
            new=[word for word in one.words if word[0] != "gone"],
        )
        for one in paragraphs_of(before.get("articleBody") or "", after.get("articleBody") or "")
    ]
    fields = fields_between(before, after)
    return Compared(
        id=after["id"],
        source=history.source,
        headline=after.get("headline"),
        versions=[_line(record) for record in history.records],
        old=_line(before),
        new=_line(after),
        fields=[FieldChange(name=name, old=was, new=now) for name, (was, now) in fields.items()],
        lines=lines,
        changed=sum(line.differs for line in lines),
    )


class CheckLine(Facts):
    """One thing that was looked at; `holds` is null when it cannot be said."""

    what: str
    holds: bool | None
    found: str


class Checked(Facts):
    """A record held against its bytes."""

    id: str
    checks: list[CheckLine]


def check(room: TheRoom, record_id: str, _: Searching) -> Checked:
    """Read the bytes of a record now, hold them against their digests, and read the article out of them again."""
    history, record = version_of(room, record_id)
    found = check_record(room.archive, history.source, record, room.pool)
    checks = [CheckLine(what=one.what, holds=one.holds, found=one.found) for one in found]
    return Checked(id=record["id"], checks=checks)


def find_url(room: TheRoom, url: Annotated[str, Query(max_length=8000)]) -> RedirectResponse:
    """Lead to the page of the article at an address, however it is spelled; 404 says what is known of the address."""
    wanted = url.strip().replace("\0", "")
    spelled = room.spelled(wanted)
    history = history_of(room.archive, wanted, spelled)
    if history is not None:
        return RedirectResponse(f"/articles/{history.latest['id']}", 303)
    lead = lead_of(room.archive, spelled) if spelled else None
    if lead is None:
        raise HTTPException(404, "nothing is known of that address; search for words of the article's headline")
    raise HTTPException(404, f"that address is known, {lead.told}")
