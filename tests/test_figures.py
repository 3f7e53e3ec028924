"""The archive in figures: survival as the books have it, delays as the visits had them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reading.figures import kaplan_meier, quantiles


def test_survival_is_that_of_kaplan_and_meier() -> None:
    """The six treated patients of a textbook case, counted by hand: events at 6, 7 and 10, others left at 6, 9, 11."""
    steps = kaplan_meier([(6, True), (6, False), (7, True), (9, False), (10, True), (11, False)])
    assert [(step.days, step.at_risk) for step in steps] == [(0.0, 6), (6, 6), (7, 4), (10, 2), (11, 1)]
    assert [step.share for step in steps] == pytest.approx([1, 5 / 6, 5 / 8, 5 / 16, 5 / 16])


def test_what_was_only_seen_for_a_while_lowers_nothing() -> None:
    assert [step.share for step in kaplan_meier([(1, False), (2, False)])] == [1, 1]
    assert [step.share for step in kaplan_meier([])] == [1]


def test_quantiles_are_values_that_were_there() -> None:
    assert quantiles([3, 1, 2, 10]) == {"median": 3, "p90": 10}
    assert quantiles([]) == {"median": None, "p90": None}


HOSTILE_NAME = """
from datetime import date
from lxml import etree
from reading.figures import Cover, DayCount
from reading.web import drawing
for name in ("a\\0b", "x\\x1b[31m", "\\ud800", "\\ufffe", "<script>&"):
    days = drawing.by_day([DayCount(date(2026, 1, 1), "s", 3)], {"s": name}, "light")
    months = drawing.coverage([Cover("s", "2026-01", 3, 2)], {"s": name}, "light")
    for svg in (days, months):
        assert etree.fromstring(svg.encode()).xpath("//*[local-name()='script']") == []
"""


def test_no_name_of_a_source_ends_what_draws() -> None:
    """In a process of its own: what XML has no way to write ended the whole of it."""
    done = subprocess.run([sys.executable, "-c", HOSTILE_NAME], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
