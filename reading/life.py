"""An article's life as its versions and observations tell it: edits, removals, restorations, with what proves them.

Nothing of this is stored: the ledger is a reading of what is, so that no crash can lose an entry or make one twice,
and a better reading applies to the past too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson

from pipelines.article import WHOLE
from storage.versions import Observation, Version

State = Literal["suspected", "confirmed"]

KINDS = (
    *("edited", "headline", "moved", "removed", "unreachable", "blocked", "paywalled", "restored"),
    *("source-unreachable", "source-blocked", "source-restored", "alert"),
)
MOVED = "moved"
GOOD = frozenset({"unchanged", "edited", MOVED})
LASTING = frozenset({"removed", "paywalled"})
"""What is told although it was over before it was confirmed; a timeout that passed is no news."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """So many visits, over so long a time, turn a suspicion into a fact."""

    visits: int
    over: timedelta

    def __str__(self) -> str:
        hours = self.over // timedelta(hours=1)
        return f"{self.visits} visits over " + (f"{hours}h" if hours % 24 else f"{hours // 24}d")


CONFIRMATIONS: Mapping[str, Confirmation] = {
    "removed": Confirmation(3, timedelta(days=1)),
    "paywalled": Confirmation(2, timedelta(days=1)),
    "blocked": Confirmation(3, timedelta(days=3)),
    "unreachable": Confirmation(5, timedelta(days=7)),
}
"""A server that says that a page is gone is believed sooner than one that says nothing."""

_CONFIRMATION = re.compile(r"([1-9]\d?) visits? over (\d{1,3}) ?([hd])")


def confirmation(text: str) -> Confirmation:
    """The confirmation that a text such as `3 visits over 24h` or `5 visits over 7d` asks for. Raises ValueError."""
    parts = _CONFIRMATION.fullmatch(text)
    if parts is None:
        raise ValueError("must be like '3 visits over 24h' or '5 visits over 7d'")
    unit = timedelta(hours=1) if parts[3] == "h" else timedelta(days=1)
    return Confirmation(int(parts[1]), int(parts[2]) * unit)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger. `at` is when it was first seen, `confirmed_at` when it was sure.

    `captures` are WARC-Record-IDs: of the last good capture, then of those that show what happened. `versions` are
    the ids of the records before and after. `silent` tells of a change whether `dateModified` stayed what it was.
    """

    at: datetime
    source: str
    url: str
    kind: str
    state: State
    article: str | None = None
    headline: str | None = None
    confirmed_at: datetime | None = None
    detail: str | None = None
    captures: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    silent: bool | None = None

    @property
    def newest(self) -> datetime:
        """When something new was seen of it last: one that was confirmed is new again."""
        return max(filter(None, (self.at, self.confirmed_at)))

    def as_json(self) -> dict[str, Any]:
        """The entry as JSON-ready values, what is unknown left out."""
        told = {
            "at": _iso(self.at),
            "source": self.source,
            "url": self.url,
            "kind": self.kind,
            "state": self.state,
            "confirmedAt": _iso(self.confirmed_at) if self.confirmed_at else None,
            "headline": self.headline,
            "detail": self.detail,
            "silent": self.silent,
            "captures": list(self.captures),
            "versions": list(self.versions),
            "article": self.article,
        }
        return {name: value for name, value in told.items() if value is not None}


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class _Absence:
    """Visits in a row that found the same wrong thing."""

    entry: Entry
    need: Confirmation
    visits: int = 0
    captures: list[str] = field(default_factory=list)

    def seen(self, one: Observation) -> None:
        self.visits += 1
        if one.capture_record_id and self.entry.state == "suspected":
            self.captures.append(one.capture_record_id)
        is_sure = self.visits >= self.need.visits and one.at - self.entry.at >= self.need.over
        if is_sure and self.entry.state == "suspected":
            self.entry = replace(self.entry, state="confirmed", confirmed_at=one.at)

    def told(self) -> Entry:
        proof = self.captures if len(self.captures) < 2 else [self.captures[0], self.captures[-1]]
        return replace(self.entry, captures=(*self.entry.captures, *proof))


def life_of(
    source: str,
    versions: Sequence[Version],
    observations: Sequence[Observation],
    is_outage: Callable[[datetime], bool] = lambda _: False,
    confirmations: Mapping[str, Confirmation] = CONFIRMATIONS,
) -> list[Entry]:
    """What happened to one article, oldest first. `versions` are in the order of their capture.

    `is_outage` says whether the whole source was away at a moment: what was seen then says nothing of the article.
    """
    if not versions:
        return []
    seen = [one for one in sorted(observations, key=lambda one: one.at) if one.at >= versions[0].captured_at]
    counts = [one for one in seen if one.outcome not in CONFIRMATIONS or not is_outage(one.at)]
    entries = [*_edits(source, versions), *_moves(source, versions, seen)]
    entries += _absences(source, versions, counts, confirmations)
    return sorted(entries, key=lambda entry: entry.at)


def _moves(source: str, versions: Sequence[Version], seen: Sequence[Observation]) -> Iterator[Entry]:
    """Each move once, however often its redirect was followed again."""
    told: str | None = None
    for one in seen:
        if one.outcome == MOVED and one.detail != told:
            told = one.detail
            entry = _begun(source, versions, one)
            proof = (*entry.captures, *filter(None, (one.capture_record_id,)))
            yield replace(entry, state="confirmed", confirmed_at=one.at, captures=proof)


def _edits(source: str, versions: Sequence[Version]) -> Iterator[Entry]:
    before: tuple[Version, dict[str, Any]] | None = None
    for version in versions:
        record = orjson.loads(version.line)
        if before is not None and before[0].content_digest != version.content_digest:
            yield from _changes(source, before, (version, record))
        before = version, record


def _changes(source: str, old: tuple[Version, Any], new: tuple[Version, Any]) -> Iterator[Entry]:
    (first, was), (second, now) = old, new
    entry = Entry(
        at=second.captured_at,
        source=source,
        url=second.url,
        kind="edited",
        state="confirmed",
        article=second.article,
        headline=second.headline,
        confirmed_at=second.captured_at,
        captures=tuple(filter(None, (_capture_of(was), _capture_of(now)))),
        versions=(first.record_id, second.record_id),
        silent=was.get("dateModified") == now.get("dateModified"),
    )
    if not _is_whole(was) and _is_whole(now):
        yield replace(entry, kind="restored", silent=None, detail="the whole text, of which there was a part")
        return
    if was.get("headline") != now.get("headline"):
        yield replace(entry, kind="headline", detail=f"{was.get('headline')} → {now.get('headline')}")
    added, gone = _word_changes(was, now)
    if added or gone or was.get("headline") == now.get("headline"):
        yield replace(entry, detail=f"{added} words more, {gone} fewer")


def _word_changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[int, int]:
    """How many words of text and authors are new, and how many are gone."""
    first, second = Counter(_told(was).split()), Counter(_told(now).split())
    return (second - first).total(), (first - second).total()


def _told(record: Mapping[str, Any]) -> str:
    authors = " ".join(str(author.get("name")) for author in record.get("author") or ())
    return f"{record.get('articleBody') or ''} {authors}"


def _is_whole(record: Mapping[str, Any]) -> bool:
    judgement = (record.get("metadata") or {}).get("judgement")
    return judgement is None or judgement in WHOLE


def _capture_of(record: Mapping[str, Any]) -> str | None:
    return (record.get("archive") or {}).get("recordId")


def _absences(
    source: str,
    versions: Sequence[Version],
    seen: Sequence[Observation],
    confirmations: Mapping[str, Confirmation],
) -> Iterator[Entry]:
    absences: list[_Absence] = []
    for one in seen:
        if one.outcome in GOOD:
            yield from _ended(absences, one)
            absences = []
        elif one.outcome in confirmations:
            if not absences or absences[-1].entry.kind != one.outcome:
                absences.append(_Absence(_begun(source, versions, one), confirmations[one.outcome]))
            absences[-1].seen(one)
    yield from (absence.told() for absence in absences)


def _begun(source: str, versions: Sequence[Version], one: Observation) -> Entry:
    good = [version for version in versions if version.captured_at <= one.at][-1]
    capture = _capture_of(orjson.loads(good.line))
    return Entry(
        at=one.at,
        source=source,
        url=one.url,
        kind=one.outcome,
        state="suspected",
        article=good.article,
        headline=good.headline,
        detail=one.detail,
        captures=(capture,) if capture else (),
        versions=(good.record_id,),
    )


def _ended(absences: Sequence[_Absence], good: Observation) -> Iterator[Entry]:
    """What was away and is back: each absence that is worth telling, and one restoration."""
    told = [one.told() for one in absences if one.entry.state == "confirmed" or one.entry.kind in LASTING]
    yield from told
    if told:
        proof = (*told[-1].captures[-1:], *filter(None, (good.capture_record_id,)))
        detail = f"after it was {told[-1].kind}"
        last = replace(told[-1], at=good.at, url=good.url, kind="restored", state="confirmed")
        yield replace(last, confirmed_at=good.at, detail=detail, captures=proof)
