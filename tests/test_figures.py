"""The archive in figures: survival as the books have it, delays as the visits had them."""

from __future__ import annotations

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
