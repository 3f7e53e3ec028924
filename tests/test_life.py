"""The ledger's rules: what makes a suspicion, what makes a fact, and what is no news."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading.life import CONFIRMATIONS, Confirmation, Entry, confirmation, life_of
from reading.lifeline import lifeline
from reading.outages import Away, Others, Outage, outages_in
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


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def outages(*rows: tuple[float, str]) -> list[Outage]:
    """The outages in visits at these hours, each of another article."""
    away = [Away(at(hour), word, f"{number}") for number, (hour, word) in enumerate(rows) if word != "unchanged"]
    hours: dict[int, list[float]] = {}
    for hour, word in rows:
        if word == "unchanged":
            hours.setdefault(int(hour), []).append(hour)
    return outages_in(away, [Others(at(hour), at(min(some)), at(max(some))) for hour, some in sorted(hours.items())])


def spread(start: float, end: float, word: str, count: int) -> list[tuple[float, str]]:
    return [(start + (end - start) * number / count, word) for number in range(count)]


def test_a_source_that_is_away_is_one_outage_and_its_articles_are_not() -> None:
    away = [*spread(1.5, 2, "unreachable", 6), (3.1, "unreachable"), *spread(7, 8, "unreachable", 4)]
    (outage,) = outages(*spread(0, 1.4, "unchanged", 9), *away, (9.5, "unchanged"))
    assert (outage.kind, outage.visits, outage.is_told) == ("unreachable", 11, True)
    assert (outage.begins, outage.confirmed_at, outage.ended_at) == (at(1.5), at(7.5), at(9.5))
    one = [Observation(URL, at(1.5), "unreachable")]
    assert life_of("here", [version(1, -1)], one, outage.covers) == []


def test_an_outage_ends_with_the_first_visit_that_finds_something_else() -> None:
    rows = [*spread(1, 1.4, "blocked", 12), (1.5, "unchanged"), *spread(1.6, 2, "blocked", 12)]
    # within an hour only the first and the last other visit are known
    first, second = outages(*rows)
    assert (first.ended_at, second.begins, second.ended_at) == (at(1.5), at(1.6), None)


def test_a_few_articles_that_are_away_are_no_outage() -> None:
    assert outages((0, "unreachable"), (0.5, "unreachable"), (0.6, "unchanged"), (0.7, "unreachable")) == []
    again = [Away(at(hour), "unreachable", "one") for hour in range(20)]
    assert outages_in(again, []) == []


def test_a_short_outage_is_no_entry_when_it_is_over() -> None:
    (over,) = outages(*spread(1, 1.4, "unreachable", 4), (2, "unchanged"))
    (lasts,) = outages(*spread(1, 1.4, "unreachable", 4))
    assert (over.is_told, lasts.is_told) == (False, True)


def test_what_a_confirmation_takes_can_be_chosen() -> None:
    visits = [seen("removed", 1), seen("removed", 1.1)]
    (usual,) = life_of("here", [version(1, 0)], visits)
    (hasty,) = life_of("here", [version(1, 0)], visits, confirmations={"removed": confirmation("2 visits over 2h")})
    assert (usual.state, hasty.state, hasty.confirmed_at) == ("suspected", "confirmed", START + timedelta(days=1.1))
    assert confirmation("1 visit over 7d") == Confirmation(1, timedelta(days=7))


@pytest.mark.parametrize("text", ["", "3 visits", "0 visits over 1d", "3 visits over 1w", "three visits over 1d"])
def test_a_confirmation_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="3 visits over 24h"):
        confirmation(text)


def test_a_move_is_told_once_however_often_it_is_followed() -> None:
    moved = [replace(seen("moved", days), detail="to https://example.org/b") for days in (1, 2, 3)]
    (entry,) = life_of("here", [version(1, 0)], moved)
    assert (entry.kind, entry.state, entry.detail) == ("moved", "confirmed", "to https://example.org/b")
    assert entry.captures == ("capture-1", "moved-1")


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
