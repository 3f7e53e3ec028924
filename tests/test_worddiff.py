"""Two texts word by word stay comparable when they are long: how much is compared is bounded."""

from __future__ import annotations

from typing import Any

import pytest

from reading import worddiff
from reading.worddiff import paragraphs_of, words_between


def texts(number: int) -> tuple[str, str]:
    """A paragraph of so many words, and the same with every hundredth another."""
    words = [f"w{place}" for place in range(number)]
    return " ".join(words), " ".join("new" if place % 100 == 50 else word for place, word in enumerate(words))


def test_spaces_do_not_make_a_long_paragraph_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What popular parts are left out of is asked for; each word that changed is found all the same."""
    asked: list[bool] = []

    class Watched(worddiff.SequenceMatcher):
        def __init__(self, *words: Any, autojunk: bool) -> None:
            asked.append(autojunk)
            super().__init__(*words, autojunk=autojunk)

    monkeypatch.setattr(worddiff, "SequenceMatcher", Watched)
    old, new = texts(3000)
    found = words_between(old, new)
    assert asked == [True]
    assert [text for kind, text in found if kind == "gone"] == [f"w{place}" for place in range(50, 3000, 100)]
    assert "".join(text for kind, text in found if kind != "new") == old
    assert "".join(text for kind, text in found if kind != "gone") == new


def test_very_much_that_differs_is_compared_as_wholes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worddiff, "MOST_WORK", 300_000)
    old, new = texts(200)
    lines = list(paragraphs_of("\n".join([old] * 3), "\n".join([new] * 3)))
    assert [len(line.words) > 2 for line in lines] == [True, False, False]
    assert lines[2].words == (("gone", old), ("new", new))
