"""The quality of reading does not fall: pages of our own in twelve languages and seven templates, against floors."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from benchmarks.extraction import Answer, newsark, page_scores, trafilatura_default
from tests.quality.templates import QualityPage, pages, truth

FLOORS: dict[str, dict[str, float]] = tomllib.loads((Path(__file__).parent / "floors.toml").read_text())
Reader = Callable[[str, bytes], Answer]


def scores_of(page: QualityPage, reader: Reader) -> dict[str, float]:
    """The benchmark's scores of one page, and `clean`: none of its furniture is in the text."""
    answer = reader(page.url, page.html)
    found = page_scores(truth(page), answer)
    found["clean"] = float(not any(line in answer.text for line in page.story.furniture))
    found["language"] = float(answer.language is not None and answer.language.split("-")[0] == page.story.language)
    if not page.has_date:
        del found["dateDay"], found["dateTime"]
    if not page.has_section:
        del found["sectionFilled"]
    return found


@cache
def all_scores(reader: Reader) -> dict[str, dict[str, float]]:
    return {page.name: scores_of(page, reader) for page in pages()}


def failures(reader: Reader) -> list[str]:
    """Each score that is below its floor, with the figure and the pages that cost it."""
    found = all_scores(reader)
    told = []
    for name, floor in FLOORS["at_least"].items():
        values = {page: scores[name] for page, scores in found.items() if name in scores}
        mean = sum(values.values()) / len(values)
        if mean < floor:
            worst = sorted((value, page) for page, value in values.items() if value < 1)[:8]
            told.append(f"{name} is {mean:.3f}, its floor {floor}; {worst}")
    return told


def test_no_score_is_below_its_floor() -> None:
    assert failures(newsark) == []


def test_every_score_has_a_floor_and_every_floor_a_score() -> None:
    known = {name for scores in all_scores(newsark).values() for name in scores}
    good = known - {"leakPages", "leakPagesByKind", "below0.5", "below0.8", "tagsRecall", "tagsPrecision"}
    assert set(FLOORS["at_least"]) == good


@pytest.mark.parametrize("damage", ["half the text", "plain trafilatura"])
def test_a_reading_that_is_worse_falls_below(damage: str) -> None:
    def half(url: str, html: bytes) -> Answer:
        answer = newsark(url, html)
        answer.text = answer.text[: len(answer.text) // 2]
        return answer

    told = failures(half if damage == "half the text" else trafilatura_default)
    assert any(one.startswith("rougeL is") for one in told)


def test_the_pages_are_of_many_languages_and_templates() -> None:
    made = pages()
    assert len({page.name for page in made}) == len(made) >= 48
    assert len({page.story.language for page in made}) >= 12
    assert len({page.name.partition("-")[0] for page in made}) >= 7
    for page in made:
        text = page.html.decode()
        assert all(word in text for word in ("<html", "</html>"))
