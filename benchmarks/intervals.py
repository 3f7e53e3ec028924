"""Bootstrap intervals of a mean, and a paired test of two readers on the same pages; the same figures on every run."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 2000
SEED = 20261124


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and the 95 % interval of it."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Paired:
    """The mean of one minus other, its 95 % interval, and the two-sided sign-flip p value."""

    difference: Interval
    p: float


def interval(values: Sequence[float], resamples: int = RESAMPLES) -> Interval:
    """The mean of these values with its percentile bootstrap interval; ValueError when there are none."""
    if not values:
        raise ValueError("an interval needs at least one value")
    chance, count = random.Random(SEED), len(values)
    means = sorted(sum(chance.choices(values, k=count)) / count for _ in range(resamples))
    return Interval(sum(values) / count, means[int(resamples * 0.025)], means[int(resamples * 0.975)])


def paired(one: Sequence[float], other: Sequence[float], resamples: int = RESAMPLES) -> Paired:
    """How far two readers differ on the same pages; ValueError when the lists differ in length or are empty."""
    differences = [a - b for a, b in zip(one, other, strict=True)]
    return Paired(interval(differences, resamples), sign_flip_p(differences, resamples))


def sign_flip_p(differences: Sequence[float], flips: int = RESAMPLES) -> float:
    """The share of random sign changes that give a sum at least as far from nought; never below 1 / (flips + 1)."""
    sizes = [abs(value) for value in differences if value]
    total = abs(sum(differences)) - 1e-9
    chance, far = random.Random(SEED), 0
    for _ in range(flips):
        signs = chance.getrandbits(len(sizes)) if sizes else 0
        flipped = sum(size if signs >> place & 1 else -size for place, size in enumerate(sizes))
        far += abs(flipped) >= total
    return (far + 1) / (flips + 1)
