"""Intervals and the paired test on lists whose answer is known."""

import random

import pytest

from benchmarks.intervals import interval, paired


def test_identical_lists_give_p_1_and_no_difference() -> None:
    found = paired([0.2, 0.9, 1.0], [0.2, 0.9, 1.0])
    assert found.p == 1
    assert (found.difference.low, found.difference.mean, found.difference.high) == (0, 0, 0)


def test_a_constant_has_an_interval_of_no_width() -> None:
    found = interval([0.5] * 30)
    assert (found.low, found.mean, found.high) == (0.5, 0.5, 0.5)


def test_the_interval_of_a_fair_coin_is_about_the_normal_one() -> None:
    found = interval([0.0, 1.0] * 200)
    assert found.mean == 0.5
    assert found.low == pytest.approx(0.451, abs=0.006)
    assert found.high == pytest.approx(0.549, abs=0.006)


def test_a_difference_on_all_pages_is_sure_and_noise_is_not() -> None:
    chance = random.Random(1)
    base = [chance.random() for _ in range(60)]
    better = [value + 0.1 for value in base]
    sure = paired(better, base)
    assert sure.p < 0.001
    assert sure.difference.low == pytest.approx(0.1)
    assert paired([1.0, 0.0] * 30, [0.0, 1.0] * 30).p == 1


def test_two_pages_can_never_be_sure() -> None:
    assert paired([1.0, 1.0], [0.0, 0.0]).p == pytest.approx(0.5, abs=0.05)


def test_the_same_figures_come_again() -> None:
    assert interval([0.1, 0.4, 0.8]) == interval([0.1, 0.4, 0.8])


def test_lists_of_different_length_and_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        paired([1.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="at least one"):
        interval([])
