"""Events: what is written is what is read, in few bytes, and what a later version writes is passed over."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.eventfields import identity_of
from storage.events import (
    Event,
    LeadFetched,
    LeadFound,
    LeadVisited,
    RunBegan,
    RunEnded,
    Settled,
    SourceFile,
    Undone,
    from_line,
    to_line,
)

AT = datetime(2026, 3, 12, 12, 0, 0, 250, UTC)
URL = "http://l.example/a"
SELF, OTHER = identity_of(URL), identity_of("http://l.example/b")
WHEN = '"at":"2026-03-12T12:00:00.000250Z"'

GOLDEN: list[tuple[Event, str]] = [
    (
        SourceFile(AT, 2, "ab", "The Lantern", "http://l.example/"),
        f'{{"type":"source-file",{WHEN},"revision":2,"sha256":"ab","name":"The Lantern","home":"http://l.example/"}}',
    ),
    (RunBegan(AT), f'{{"type":"run-began",{WHEN}}}'),
    (
        RunEnded(AT, AT, "finished", {"requests": 3}, []),
        f'{{"type":"run-ended",{WHEN},"began":"2026-03-12T12:00:00.000250Z","outcome":"finished","counts":{{"requests":3}}}}',
    ),
    (
        LeadFound(AT, URL, SELF, "article", 50, "http://l.example/feed", "feed", 1, -5, {"title": "T"}),
        f'{{"type":"lead-found",{WHEN},"url":"{URL}","kind":"article","priority":50,"via":"http://l.example/feed",'
        '"method":"feed","depth":1,"rank":-5,"hints":{"title":"T"}}',
    ),
    (
        LeadFound(AT, URL, OTHER, "article", 70, refusal="scope: another site"),
        f'{{"type":"lead-found",{WHEN},"url":"{URL}","identity":"{OTHER}","kind":"article","priority":70,'
        '"refusal":"scope: another site"}',
    ),
    (LeadFetched(URL, SELF, (7, 9)), f'{{"type":"lead-fetched","url":"{URL}","captures":[7,9]}}'),
    (
        LeadVisited(AT, URL, SELF, "captured", etag='"e"', captures=(7, 9), response=9, version="r", article=SELF),
        f'{{"type":"lead-visited",{WHEN},"url":"{URL}","state":"captured","etag":"\\"e\\"","captures":[7,9],'
        '"response":"last","version":"r"}',
    ),
    (
        LeadVisited(AT, URL, SELF, "failed", "http-410", "", 1, 0.0, observed="removed", article=OTHER),
        f'{{"type":"lead-visited",{WHEN},"url":"{URL}","state":"failed","reason":"http-410","detail":"","attempts":1,'
        f'"dueSeconds":0.0,"observed":"removed","article":"{OTHER}"}}',
    ),
    (
        LeadVisited(AT, URL, SELF, "captured", "unread", captures=(7, 9), response=9, unread=9),
        f'{{"type":"lead-visited",{WHEN},"url":"{URL}","state":"captured","reason":"unread","captures":[7,9],'
        '"response":"last","unread":"last"}',
    ),
    (
        LeadVisited(AT, URL, SELF, "failed", "dns", unread="none", absence="unreachable"),
        f'{{"type":"lead-visited",{WHEN},"url":"{URL}","state":"failed","reason":"dns","unread":"none",'
        '"absence":"unreachable"}',
    ),
    (
        LeadVisited(AT, URL, SELF, "captured", version="r", article=SELF, finishes=True),
        f'{{"type":"lead-visited",{WHEN},"url":"{URL}","state":"captured","version":"r","finishes":true}}',
    ),
    (Settled(AT, 1234), f'{{"type":"settled",{WHEN},"warcBytes":1234}}'),
    (Undone(AT), f'{{"type":"undone",{WHEN}}}'),
]


@pytest.mark.parametrize(("event", "line"), GOLDEN, ids=[type(event).__name__ for event, _ in GOLDEN])
def test_each_event_has_one_line(event: Event, line: str) -> None:
    assert to_line(event).decode() == line
    assert from_line(line.encode()) == event


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MAYBE = st.none() | TEXT
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the offset
IDENTITIES = st.sampled_from([SELF, OTHER])
OFFSETS = st.lists(st.integers(0, 2**40), max_size=3).map(tuple)
VISITS = st.builds(
    LeadVisited,
    at=MOMENTS,
    url=st.just(URL) | TEXT,
    identity=IDENTITIES,
    state=st.sampled_from(["captured", "unchanged", "failed", "refused", "pending"]),
    reason=MAYBE,
    detail=MAYBE,
    attempts=st.integers(0, 9),
    due_seconds=st.none() | st.floats(0, 1e6),
    etag=MAYBE,
    last_modified=MAYBE,
    captures=OFFSETS,
    response=st.none() | st.integers(0, 2**40) | st.just("<urn:uuid:1>"),
    version=st.just("r1"),
    observed=MAYBE,
    article=IDENTITIES,
    unread=st.none() | st.integers(0, 2**40) | st.sampled_from(["<urn:uuid:1>", "none"]),
    absence=MAYBE,
    finishes=st.booleans(),
)
FOUND = st.builds(
    LeadFound,
    at=MOMENTS,
    url=TEXT,
    identity=IDENTITIES,
    kind=TEXT,
    priority=st.integers(0, 99),
    via=MAYBE,
    method=MAYBE,
    depth=st.integers(0, 9),
    rank=st.integers(-(2**60), 2**60),
    hints=st.dictionaries(TEXT, TEXT, max_size=3),
    refusal=MAYBE,
)


@given(VISITS | FOUND)
def test_what_is_written_is_read(event: Event) -> None:
    line = to_line(event)
    assert b"\n" not in line
    assert from_line(line) == event


def test_a_type_of_a_later_version_is_named_and_more_facts_are_passed_over() -> None:
    assert from_line(b'{"type":"lead-forgotten","why":1}') == "lead-forgotten"
    line = orjson.dumps(orjson.loads(to_line(RunBegan(AT))) | {"mood": "good"})
    assert from_line(line) == RunBegan(AT)


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"type":"settled"}', b'{"type":"undone","at":"noon"}', b"\xff"])
def test_a_line_that_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="is no event"):
        from_line(line)
