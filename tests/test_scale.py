"""docs/scale.md has the tables that benchmarks/scale.py prints, and names every figure that they rest on."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from benchmarks.scale import CASES, Figures, cost, tables

TEXT = (Path(__file__).parent.parent / "docs" / "scale.md").read_text(encoding="utf-8")


def test_the_tables_are_those_of_the_script() -> None:
    assert "\n".join(tables(Figures())) in TEXT


def test_every_figure_is_listed_with_its_value() -> None:
    for figure in fields(Figures):
        assert f"| `{figure.name}` | {figure.default:,g} |" in TEXT, figure.name


def test_more_costs_more() -> None:
    few, many, held = (cost(case, Figures(), files=False) for case in CASES)
    assert 7 < many.cores / few.cores < 8
    assert held.visits == 100e6 * Figures().visits_later / 365
    assert cost(CASES[0], Figures(), files=True).store_bytes > few.store_bytes
