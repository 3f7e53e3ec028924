"""The ledger's rules: what makes a suspicion, what makes a fact, and what is no news."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading.life import CONFIRMATIONS, Entry, life_of
from reading.lifeline import lifeline
from reading.outages import outages_in
from reading.worddiff import paragraphs_between, words_between
from storage.versions import Observation, Version

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://example.org/a"


def version(number: int, days: float, body: str = "Text.", headline: str = "Hall sold", **more: object) -> Version:
    record = {
        "headline": headline,
        "articleBody": body,
        "archive": {"recordId": f"capture-{number}"},
        "metadata": {"judgement": "article"},
        **more,
    }
    return Version(
        "key",
        f"record-{number}",
        number,
        URL,
        f"{headline}{body}",
        START + timedelta(days=days),
        "records",
        json.dumps(record),
        headline=headline,
    )


def seen(outcome: str, days: float) -> Observation:
    return Observation(URL, START + timedelta(days=days), outcome, capture_record_id=f"{outcome}-{days:g}")


def told(versions: Sequence[Version], observations: Sequence[Observation]) -> list[tuple[str, str]]:
    return [(one.kind, one.state) for one in life_of("here", versions, observations)]


def test_an_edit_is_told_with_both_captures_and_its_size() -> None:
    old, new = version(1, 0, "The hall was sold."), version(2, 3, "The old hall was sold.")
    (entry,) = life_of("here", [old, new], [seen("edited", 3)])
    assert (entry.kind, entry.state, entry.at) == ("edited", "confirmed", START + timedelta(days=3))
    assert entry.captures == ("capture-1", "capture-2")
    assert entry.versions == ("record-1", "record-2")
    assert entry.detail == "1 words more, 0 fewer"


def test_a_change_with_the_old_modification_date_is_silent() -> None:
    stays = [version(1, 0, "One."), version(2, 1, "Two.")]
    moves = [version(1, 0, "One.", dateModified="2026-03-01"), version(2, 1, "Two.", dateModified="2026-03-02")]
    assert [one.silent for one in life_of("here", stays, [])] == [True]
    assert [one.silent for one in life_of("here", moves, [])] == [False]


def test_a_headline_is_its_own_entry_and_alone_where_nothing_else_changed() -> None:
    only = [version(1, 0), version(2, 1, headline="Hall not sold")]
    both = [version(1, 0), version(2, 1, "Other text.", headline="Hall not sold")]
    assert told(only, []) == [("headline", "confirmed")]
    assert sorted(told(both, [])) == [("edited", "confirmed"), ("headline", "confirmed")]


def test_the_whole_text_after_a_part_of_it_is_no_edit() -> None:
    part = version(1, 0, "The hall", metadata={"judgement": "paywalled"})
    assert told([part, version(2, 1, "The hall was sold.")], []) == [("restored", "confirmed")]


@pytest.mark.parametrize("kind", CONFIRMATIONS)
def test_one_visit_is_a_suspicion_and_enough_of_them_over_enough_time_a_fact(kind: str) -> None:
    need = CONFIRMATIONS[kind]
    step = need.over.total_seconds() / 86_400 / (need.visits - 1)
    visits = [seen(kind, 1 + place * step) for place in range(need.visits)]
    (first,) = life_of("here", [version(1, 0)], visits[:1])
    assert (first.kind, first.state, first.confirmed_at) == (kind, "suspected", None)
    assert first.captures == ("capture-1", visits[0].capture_record_id)
    assert told([version(1, 0)], visits[:-1]) == [(kind, "suspected")]
    (sure,) = life_of("here", [version(1, 0)], [*visits, seen(kind, 99)])
    assert (sure.state, sure.at, sure.confirmed_at) == ("confirmed", visits[0].at, visits[-1].at)
    assert sure.captures == ("capture-1", visits[0].capture_record_id, visits[-1].capture_record_id)


def test_many_visits_in_a_short_time_confirm_nothing() -> None:
    visits = [seen("removed", 1 + minute / 1440) for minute in range(30)]
    assert told([version(1, 0)], visits) == [("removed", "suspected")]


def test_a_good_visit_between_begins_the_count_anew() -> None:
    visits = [seen("removed", 1), seen("removed", 1.5), seen("unchanged", 1.9), seen("removed", 2.1)]
    assert told([version(1, 0)], visits) == [
        ("removed", "suspected"),
        ("restored", "confirmed"),
        ("removed", "suspected"),
    ]


@pytest.mark.parametrize("kind", ["unreachable", "blocked"])
def test_what_passed_before_it_was_sure_is_no_news(kind: str) -> None:
    assert told([version(1, 0)], [seen(kind, 1), seen(kind, 1.2), seen("unchanged", 1.5)]) == []


def test_a_restoration_names_what_was_gone_and_the_visit_that_found_it_again() -> None:
    removed, restored = life_of("here", [version(1, 0)], [seen("removed", 1), seen("unchanged", 5)])
    assert (removed.kind, restored.kind) == ("removed", "restored")
    assert restored.captures == ("removed-1", "unchanged-5")
    assert restored.at == START + timedelta(days=5)


def test_what_was_seen_before_there_was_a_copy_is_no_removal() -> None:
    assert told([version(1, 2)], [seen("removed", 1), seen("unchanged", 3)]) == []
    assert told([], [seen("removed", 1)]) == []


@given(st.lists(st.sampled_from(["unchanged", "removed", "unreachable", "blocked", "paywalled", "unreadable"])))
def test_every_life_can_be_told_and_more_visits_never_change_when_it_began(outcomes: list[str]) -> None:
    visits = [seen(outcome, 1 + place) for place, outcome in enumerate(outcomes)]
    entries = life_of("here", [version(1, 0)], visits)
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    assert len({(entry.at, entry.kind) for entry in entries}) == len(entries)
    restored = sum(entry.kind == "restored" for entry in entries)
    assert restored <= sum(outcome == "unchanged" for outcome in outcomes)
    later = life_of("here", [version(1, 0)], [*visits, seen("unreadable", 99)])
    assert later == entries


def hours(*rows: tuple[int, str, int]) -> list[tuple[datetime, str, int]]:
    return [(START + timedelta(hours=hour), outcome, count) for hour, outcome, count in rows]


def test_a_source_that_is_away_is_one_outage_and_its_articles_are_not() -> None:
    (outage,) = outages_in(
        hours((0, "unchanged", 9), (1, "unreachable", 6), (3, "unreachable", 5), (4, "unchanged", 8))
    )
    assert (outage.kind, outage.visits) == ("unreachable", 11)
    assert (outage.begins, outage.confirmed_at, outage.ended_at) == tuple(
        START + timedelta(hours=hour) for hour in (1, 3, 4)
    )
    away = [Observation(URL, START + timedelta(hours=1.5), "unreachable")]
    assert life_of("here", [version(1, -1)], away, outage.covers) == []


def test_a_few_articles_that_are_away_are_no_outage() -> None:
    assert outages_in(hours((0, "unreachable", 2), (1, "unreachable", 5), (1, "unchanged", 5))) == []


def test_the_life_is_drawn_in_the_order_of_time() -> None:
    visits = [seen("unchanged", 1), seen("removed", 4), *(seen("unchanged", 5 + day / 10) for day in range(20))]
    line, legend = lifeline([START, START + timedelta(days=2)], visits)
    assert line == "2026-03-01 ❶·❷✕·×20 2026-03-08"
    assert legend == "❶ version  · unchanged  ✕ removed"


def test_words_that_went_and_came_stand_where_they_stood() -> None:
    assert words_between("The hall was sold.", "The old hall was not sold.") == [
        ("same", "The"),
        ("new", " old"),
        ("same", " hall was "),
        ("new", "not "),
        ("same", "sold."),
    ]
    (one,) = paragraphs_between("First.\nSecond one.\nThird.", "First.\nSecond two.\nThird.")
    assert (one.place, one.words) == (2, (("same", "Second "), ("gone", "one"), ("new", "two"), ("same", ".")))


@given(st.text("ab .\n", max_size=40), st.text("ab .\n", max_size=40))
def test_both_texts_can_be_read_out_of_the_difference(old: str, new: str) -> None:
    words = words_between(old, new)
    assert "".join(text for kind, text in words if kind != "new") == old
    assert "".join(text for kind, text in words if kind != "gone") == new


def test_an_entry_says_in_json_what_the_interface_promises() -> None:
    (entry,) = life_of("here", [version(1, 0)], [seen("removed", 1)])
    assert isinstance(entry, Entry)
    assert entry.as_json() == {
        "at": "2026-03-02T12:00:00Z",
        "source": "here",
        "url": URL,
        "kind": "removed",
        "state": "suspected",
        "headline": "Hall sold",
        "captures": ["capture-1", "removed-1"],
        "versions": ["record-1"],
        "article": "key",
    }
