"""When to look again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.revisits import DAY, HOUR, Revisits, age_of
from reading.life import CONFIRMATIONS

POLICY = Revisits()
NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
AGES = st.timedeltas(timedelta(0), timedelta(days=20_000))


@pytest.mark.parametrize(
    ("age", "since_change", "wait"),
    [
        (timedelta(0), None, HOUR),
        (5 * HOUR, None, 2 * HOUR),
        (10 * DAY, None, 4 * DAY),
        (400 * DAY, None, 21 * DAY),
        (400 * DAY, 5 * HOUR, 2 * HOUR),
        (5 * HOUR, 400 * DAY, 2 * HOUR),
    ],
)
def test_young_and_changed_articles_come_sooner(
    age: timedelta, since_change: timedelta | None, wait: timedelta
) -> None:
    assert POLICY.after_good(age, since_change) == wait


@given(AGES, AGES, AGES)
def test_nothing_waits_longer_than_the_longest_and_age_never_hurries(
    age: timedelta, older: timedelta, since: timedelta
) -> None:
    first, second = POLICY.after_good(min(age, older), None), POLICY.after_good(max(age, older), None)
    assert POLICY.shortest <= first <= second <= POLICY.longest
    assert POLICY.after_good(age, since) <= POLICY.after_good(age, None)


@pytest.mark.parametrize("urgency", [1, 2])
def test_a_source_at_risk_is_visited_sooner(urgency: int) -> None:
    assert POLICY.after_good(30 * DAY, None, urgency) * 2**urgency == POLICY.after_good(30 * DAY, None)
    assert POLICY.after_absence(1, urgency) < POLICY.after_absence(1)


@pytest.mark.parametrize("kind", CONFIRMATIONS)
def test_the_visits_after_an_absence_confirm_it_before_they_become_rare(kind: str) -> None:
    need, moment = CONFIRMATIONS[kind], timedelta(0)
    for visits in range(1, len(POLICY.absences) + 1):
        if visits >= need.visits and moment >= need.over:
            break
        moment += POLICY.after_absence(visits)
    assert visits >= need.visits
    assert moment >= need.over
    assert moment <= max(3 * need.over, 3 * DAY)


def test_a_feed_adapts_to_its_rhythm_within_bounds() -> None:
    assert POLICY.after_list(None, 0) == timedelta(minutes=15)
    assert POLICY.after_list(HOUR, 3) == HOUR / 2
    assert POLICY.after_list(HOUR, 0) == 1.5 * HOUR
    assert POLICY.after_list(DAY, 0) == POLICY.list_longest
    assert POLICY.after_list(timedelta(minutes=1), 9) == POLICY.list_shortest


@pytest.mark.parametrize(
    ("published", "age"),
    [
        ("2026-03-12T09:00:00+00:00", 3 * HOUR),
        ("2026-03-11", 36 * HOUR),
        ("2027-01-01", timedelta(0)),
        ("last spring", DAY),
        (None, DAY),
    ],
)
def test_an_age_comes_from_the_date_that_the_article_gives(published: str | None, age: timedelta) -> None:
    assert age_of(published, NOW - DAY, NOW) == age
