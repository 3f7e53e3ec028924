"""Events: what happened to a source, one JSON object a line, in the order in which the catalogue took it in.

A step is the lines up to a `settled` line: together they are one transaction of the catalogue. Lines after the last
`settled` line were never completed and count for nothing, and so does a step that an `undone` line follows. What is
null or empty, and a depth, rank or number of attempts that is 0, is left out of a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson

from storage import erasure, suppression
from storage.eventfields import lead_identity_of, lead_name, moment_of, time_text
from storage.suppression import Suppressed, SuppressionLifted

Facts = Mapping[str, Any]
LeadState = Literal["captured", "unchanged", "failed", "refused", "pending"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """Which state of its file the source has: `at` is when the source was added; told first in every segment."""

    at: datetime
    revision: int
    sha256: str
    name: str
    home: str


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A crawl of the source began."""

    at: datetime


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The crawl that began then has ended."""

    began: datetime
    at: datetime
    outcome: str
    counts: Facts
    problems: Sequence[Facts]


@dataclass(frozen=True, slots=True)
class LeadFound:
    """A URL became known. `identity` is what makes two spellings one lead: SHA-256 of the normal spelling, in hex."""

    at: datetime
    url: str
    identity: str
    kind: str
    priority: int
    via: str | None = None
    method: str | None = None
    depth: int = 0
    rank: int = 0
    hints: Mapping[str, str] = field(default_factory=dict)
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class LeadFetched:
    """Exchanges that were kept for a lead whose visit is not over: `captures` are their offsets in the WARC."""

    url: str
    identity: str
    captures: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LeadVisited:
    """What a visit found out. `captures` are the offsets of its exchanges in this segment's WARC.

    `response` names the one that later visits refer to, by its offset, or by its record id where it stands in another
    segment. `version` is the id of the record that it added, `observed` the outcome of its observation, `article` the
    key of the article of both, `observed_article` that of the observation where one moved. `unread` names, so too, what
    is read later ("none" for no exchange), `absence` what is observed then; a visit of the same time `finishes` it.
    """

    at: datetime
    url: str
    identity: str
    state: LeadState
    reason: str | None = None
    detail: str | None = None
    attempts: int = 0
    due_seconds: float | None = None
    etag: str | None = None
    last_modified: str | None = None
    captures: tuple[int, ...] = ()
    response: int | str | None = None
    version: str | None = None
    observed: str | None = None
    article: str | None = None
    observed_article: str | None = None
    unread: int | str | None = None
    absence: str | None = None
    finishes: bool = False


@dataclass(frozen=True, slots=True)
class FurnitureLearned:
    """A paragraph was seen in so many articles of the source that it is none of them."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class FileImported:
    """A file that others made was taken in: its key, and what its provenance says in short."""

    at: datetime
    key: str
    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class CaptureImported:
    """An exchange in an imported file: the facts of its Capture, those that are None left out."""

    facts: Facts


@dataclass(frozen=True, slots=True)
class ArticleImported:
    """What an imported page holds: `version` is the id of the record that it added, `observed` an outcome."""

    at: datetime
    url: str
    article: str
    version: str | None = None
    observed: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The lines since the `settled` before are one step. `warc_bytes` is how much of the WARC it took in, if any."""

    at: datetime
    warc_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    """The step before did not come to be; it was tried again, or is told again below."""

    at: datetime


Event = (
    SourceFile
    | RunBegan
    | RunEnded
    | LeadFound
    | LeadFetched
    | LeadVisited
    | FurnitureLearned
    | FileImported
    | CaptureImported
    | ArticleImported
    | Suppressed
    | SuppressionLifted
    | erasure.Erased
    | Settled
    | Undone
)


def to_line(event: Event) -> bytes:
    """The event as one line of JSON, without a line end."""
    kind, write, _ = _SHAPES[type(event)]
    facts: dict[str, Any] = {"type": kind, **write(event)}
    return orjson.dumps({name: value for name, value in facts.items() if value not in _NOTHING})


def from_line(line: bytes) -> Event | str:
    """The event of a line; of a type that is not known here, the type's name. Raises ValueError for any other line."""
    try:
        facts = orjson.loads(line)
        kind = str(facts["type"])
        read = _READERS.get(kind)
        return kind if read is None else read(facts)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{line[:80]!r} is no event: {error!r}") from error


_NOTHING: tuple[Any, ...] = (None, {}, [], ())


def _write_source(event: SourceFile) -> dict[str, Any]:
    facts = {"at": time_text(event.at), "revision": event.revision, "sha256": event.sha256}
    return facts | {"name": event.name, "home": event.home}


def _read_source(facts: Facts) -> SourceFile:
    return SourceFile(moment_of(facts["at"]), facts["revision"], facts["sha256"], facts["name"], facts["home"])


def _write_began(event: RunBegan) -> dict[str, Any]:
    return {"at": time_text(event.at)}


def _read_began(facts: Facts) -> RunBegan:
    return RunBegan(moment_of(facts["at"]))


def _write_ended(event: RunEnded) -> dict[str, Any]:
    facts = {"at": time_text(event.at), "began": time_text(event.began), "outcome": event.outcome}
    return facts | {"counts": dict(event.counts), "problems": [dict(problem) for problem in event.problems]}


def _read_ended(facts: Facts) -> RunEnded:
    began, at = moment_of(facts["began"]), moment_of(facts["at"])
    return RunEnded(began, at, facts["outcome"], facts.get("counts", {}), facts.get("problems", []))


def _write_found(event: LeadFound) -> dict[str, Any]:
    return {
        "at": time_text(event.at),
        **lead_name(event.url, event.identity),
        "kind": event.kind,
        "priority": event.priority,
        "via": event.via,
        "method": event.method,
        "depth": event.depth or None,
        "rank": event.rank or None,
        "hints": dict(event.hints),
        "refusal": event.refusal,
    }


def _read_found(facts: Facts) -> LeadFound:
    return LeadFound(
        at=moment_of(facts["at"]),
        url=facts["url"],
        identity=lead_identity_of(facts),
        kind=facts["kind"],
        priority=facts.get("priority", 0),
        via=facts.get("via"),
        method=facts.get("method"),
        depth=facts.get("depth", 0),
        rank=facts.get("rank", 0),
        hints=facts.get("hints", {}),
        refusal=facts.get("refusal"),
    )


def _write_fetched(event: LeadFetched) -> dict[str, Any]:
    return {**lead_name(event.url, event.identity), "captures": event.captures}


def _read_fetched(facts: Facts) -> LeadFetched:
    return LeadFetched(facts["url"], lead_identity_of(facts), tuple(facts["captures"]))


def _write_visited(event: LeadVisited) -> dict[str, Any]:
    last = event.captures[-1:]
    return {
        "at": time_text(event.at),
        **lead_name(event.url, event.identity),
        "state": event.state,
        "reason": event.reason,
        "detail": event.detail,
        "attempts": event.attempts or None,
        "dueSeconds": event.due_seconds,
        "etag": event.etag,
        "lastModified": event.last_modified,
        "captures": event.captures,
        # the usual case in the fewest bytes: the last of them
        "response": "last" if last == (event.response,) else event.response,
        "version": event.version,
        "observed": event.observed,
        "article": None if event.article == event.identity else event.article,
        "observedArticle": event.observed_article,
        "unread": "last" if last == (event.unread,) else event.unread,
        "absence": event.absence,
        "finishes": event.finishes or None,
    }


def _read_visited(facts: Facts) -> LeadVisited:
    captures, identity = tuple(facts.get("captures", ())), lead_identity_of(facts)
    response, unread = facts.get("response"), facts.get("unread")
    return LeadVisited(
        at=moment_of(facts["at"]),
        url=facts["url"],
        identity=identity,
        state=facts["state"],
        reason=facts.get("reason"),
        detail=facts.get("detail"),
        attempts=facts.get("attempts", 0),
        due_seconds=facts.get("dueSeconds"),
        etag=facts.get("etag"),
        last_modified=facts.get("lastModified"),
        captures=captures,
        response=captures[-1] if response == "last" else response,
        version=facts.get("version"),
        observed=facts.get("observed"),
        article=facts.get("article", identity if facts.keys() & {"version", "observed"} else None),
        observed_article=facts.get("observedArticle"),
        unread=captures[-1] if unread == "last" else unread,
        absence=facts.get("absence"),
        finishes=bool(facts.get("finishes")),
    )


def _write_learned(event: FurnitureLearned) -> dict[str, Any]:
    return {"at": time_text(event.at), "text": event.text}


def _read_learned(facts: Facts) -> FurnitureLearned:
    return FurnitureLearned(moment_of(facts["at"]), facts["text"])


def _write_file(event: FileImported) -> dict[str, Any]:
    return {"at": time_text(event.at), "key": event.key, "name": event.name, "bytes": event.size_bytes}


def _read_file(facts: Facts) -> FileImported:
    return FileImported(moment_of(facts["at"]), facts["key"], facts["name"], facts["bytes"])


def _write_capture(event: CaptureImported) -> dict[str, Any]:
    return {"capture": dict(event.facts)}


def _read_capture(facts: Facts) -> CaptureImported:
    return CaptureImported(dict(facts["capture"]))


def _write_article(event: ArticleImported) -> dict[str, Any]:
    facts = {"at": time_text(event.at), "url": event.url, "article": event.article}
    return facts | {"version": event.version, "observed": event.observed}


def _read_article(facts: Facts) -> ArticleImported:
    shown = (facts.get("version"), facts.get("observed"))
    return ArticleImported(moment_of(facts["at"]), facts["url"], facts["article"], *shown)


def _write_settled(event: Settled) -> dict[str, Any]:
    return {"at": time_text(event.at), "warcBytes": event.warc_bytes}


def _read_settled(facts: Facts) -> Settled:
    return Settled(moment_of(facts["at"]), facts.get("warcBytes"))


def _write_undone(event: Undone) -> dict[str, Any]:
    return {"at": time_text(event.at)}


def _read_undone(facts: Facts) -> Undone:
    return Undone(moment_of(facts["at"]))


_SHAPES: dict[type[Any], tuple[str, Callable[[Any], dict[str, Any]], Callable[[Facts], Event]]] = {
    SourceFile: ("source-file", _write_source, _read_source),
    RunBegan: ("run-began", _write_began, _read_began),
    RunEnded: ("run-ended", _write_ended, _read_ended),
    LeadFound: ("lead-found", _write_found, _read_found),
    LeadFetched: ("lead-fetched", _write_fetched, _read_fetched),
    LeadVisited: ("lead-visited", _write_visited, _read_visited),
    FurnitureLearned: ("furniture-learned", _write_learned, _read_learned),
    FileImported: ("file-imported", _write_file, _read_file),
    CaptureImported: ("capture-imported", _write_capture, _read_capture),
    ArticleImported: ("article-imported", _write_article, _read_article),
    Settled: ("settled", _write_settled, _read_settled),
    Undone: ("undone", _write_undone, _read_undone),
    **suppression.SHAPES,
    **erasure.SHAPES,
}
_READERS = {kind: read for kind, _, read in _SHAPES.values()}
