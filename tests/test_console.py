"""What people see: live lines that fit, words that steer no terminal, numbers with their nouns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.progress import Progress
from newsark.console import counted, plain
from newsark.home import Home
from newsark.live import left_of, live_line


@given(
    st.text(max_size=200),
    st.dictionaries(st.sampled_from(["captured", "failed"]), st.integers(0, 10**9)),
    st.integers(20, 200),
)
def test_a_live_line_is_never_wider_than_the_terminal(doing: str, visited: dict[str, int], width: int) -> None:
    progress = Progress("a-newsroom", requests=12, received_bytes=34567, doing=doing)
    progress.visited.update(visited)
    assert live_line(progress, 61, width).cell_len < width


def test_a_live_line_tells_what_was_done_and_what_is_being_done() -> None:
    progress = Progress("lantern", requests=1, received_bytes=1500, doing="https://lantern.example/2026/03/11/budget")
    progress.visited["captured"] = 3
    assert live_line(progress, 61, 80).plain == "lantern  1:01  1 request  1.5 kB  3 captured  /2026/03/11/budget"
    assert live_line(progress, 61, 60).plain.endswith("  …03/11/budget")


@given(st.text())
def test_nothing_that_is_shown_steers_the_terminal(text: str) -> None:
    shown = plain(text + "\x1b[2J\x9b\u202e")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
    assert len(shown) == len(text) + 6


def test_numbers_have_their_nouns() -> None:
    assert [counted(1, "lead"), counted(0, "lead"), counted(1204, "query")] == ["1 lead", "0 leads", "1,204 queries"]


def test_a_home_knows_a_vacant_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home.here(archive="kept")
    assert home.is_vacant
    (tmp_path / "kept" / ".newsark" / "sources").mkdir(parents=True)
    assert home.is_vacant
    (tmp_path / "kept" / "x").touch()
    assert not home.is_vacant


@pytest.mark.parametrize(
    ("left", "done", "seconds", "words"),
    [
        (500, 3, 9, "500 left"),
        (1200, 100, 50, "1,200 left, about 10 min"),
        (36_000, 100, 100, "36,000 left, about 10 h"),
        (5_000_000, 100, 100, "5,000,000 left, about 58 days"),
    ],
)
def test_a_sweep_says_how_long_it_takes_at_this_pace(left: int, done: int, seconds: float, words: str) -> None:
    progress = Progress("paper", left=left)
    progress.visited["captured"] = done
    assert left_of(progress, seconds) == words
