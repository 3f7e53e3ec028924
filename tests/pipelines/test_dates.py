"""Dates: read as precisely as they were given, and never guessed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from pipelines.dates import date_in_markup, date_in_url, first_date, parse_date

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.none() | OFFSETS)  # noqa: DTZ001 - the strategy adds the offset


@given(MOMENTS)
def test_an_iso_date_comes_back_as_it_was(moment: datetime) -> None:
    assert parse_date(moment.isoformat()) == moment.isoformat()


@given(st.text(max_size=200))
def test_any_text_is_a_date_or_none(text: str) -> None:
    found = parse_date(text)
    assert found is None or datetime.fromisoformat(found)


@pytest.mark.parametrize(
    ("raw", "iso"),
    [
        ("2026-03-02T06:30:00Z", "2026-03-02T06:30:00+00:00"),
        ("2026-03-02 06:30:00+0100", "2026-03-02T06:30:00+01:00"),
        ("2026-03-02T06:30", "2026-03-02T06:30:00"),
        ("2026-03-02T06:30:00.123456789-03:00[America/Sao_Paulo]", "2026-03-02T06:30:00.123456-03:00"),
        ("2026/03/02 6:30 PM", "2026-03-02T18:30:00"),
        ("2026-03-02", "2026-03-02"),
        ("20260302", "2026-03-02"),
        ("1772433000", "2026-03-02T06:30:00+00:00"),
        ("1772433000000", "2026-03-02T06:30:00+00:00"),
        ("Mon, 02 Mar 2026 06:30:00 +0100", "2026-03-02T06:30:00+01:00"),
        ("Mon, 02 Mar 2026 06:30:00 GMT", "2026-03-02T06:30:00+00:00"),
        ("March 2, 2026 6:30 AM EST", "2026-03-02T06:30:00-05:00"),
        ("Published at 5:06 pm, Mar 2 2026", "2026-03-02T17:06:00"),
        ("Mon Mar 02 2026 06:30:00 GMT+0100 (CET)", "2026-03-02T06:30:00+01:00"),
        ("2 March 2026", "2026-03-02"),
        ("Stand: 02.03.2026, 06:30 Uhr", "2026-03-02T06:30:00"),
    ],
)
def test_the_ways_newsrooms_write_dates(raw: str, iso: str) -> None:
    assert parse_date(raw) == iso


@pytest.mark.parametrize(
    "raw", ["3/4/2026", "March 2026", "2026", "Monday", "yesterday", "2026-13-45", "", "2 mars", "06:30"]
)
def test_what_would_be_a_guess_is_none(raw: str) -> None:
    assert parse_date(raw) is None


def test_the_first_source_wins_unless_only_another_knows_the_time() -> None:
    day, time = ("json-ld", "2026-03-02"), ("meta", "2026-03-02T06:30:00+01:00")
    other = ("meta", "2026-03-05T06:30:00+01:00")
    assert first_date([day, time]).source == "meta"
    assert first_date([day, other]).source == "json-ld"
    assert first_date([time, other]).iso == "2026-03-02T06:30:00+01:00"
    assert first_date([("meta", "soon")]) is None


def test_a_day_in_the_path_is_found() -> None:
    assert date_in_url("https://example.org/news/2026/03/02/ferry") == "2026-03-02"
    assert date_in_url("https://example.org/a/2026-3-2-ferry") == "2026-03-02"
    assert date_in_url("https://example.org/2026/13/02/x") is None
    assert date_in_url("https://example.org/123456/03/02/x") is None


def test_the_last_resort_reads_the_page() -> None:
    tree = document_fromstring("<html><body><h1>Ferry</h1><p class='date'>Published 2 March 2026</p></body></html>")
    assert date_in_markup(tree, "https://example.org/ferry") == "2026-03-02"
