"""Damage at random: every damaged object is named, and repair brings every byte back."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from bitrot import DAMAGES, Damager, objects_of
from fixity_samples import make_sample

from storage.fixity.repair import repair, settled


@pytest.mark.parametrize("way", DAMAGES)
@pytest.mark.parametrize("seed", [1, 2])
def test_damage_of_this_kind_is_named_and_undone(tmp_path: Path, way: str, seed: int) -> None:
    chance = random.Random(f"{seed} {way}")
    sample = make_sample(tmp_path)
    hit = sample.stores[chance.randrange(2)].root
    damaged: set[str] = set()
    while not damaged:
        damaged = DAMAGES[way](Damager(hit, chance))
    report = sample.verify(deep=True)
    named = {one.object for one in report.findings if one.store == str(hit)}
    assert named == damaged
    assert {one.store for one in report.findings} == {str(hit)}
    done = repair(report, sample.stores, tmp_path / "scratch")
    again = sample.verify(deep=True, keys=frozenset(one.key for one in done))
    assert not [one for one in settled(report, again, done) if one.is_open]
    for store in sample.stores:
        assert objects_of(store.root) == sample.objects
