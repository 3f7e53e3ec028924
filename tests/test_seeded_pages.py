"""What crawls are measured on without a corpus: pages built like real ones, and steps that are where the code is."""

from __future__ import annotations

import asyncio
import importlib
import statistics
import time

import pytest

from benchmarks import seeded, steptimes
from benchmarks.pagemake import make_of
from benchmarks.seeded import seeded_page
from pipelines.page import PageInput, ReadLimits
from pipelines.read import read_page

PAGES = 40
MEASURED = {
    "bytes": (196_726, 0.35),
    "elements": (928, 0.35),
    "attributes an element": (1.76, 0.25),
    "words to be seen": (1368, 0.35),
    "words in paragraphs": (760, 0.4),
    "<a>": (165, 0.35),
    "<li>": (115, 0.35),
    "<meta>": (32, 0.3),
    "<script>": (25, 0.4),
}
"""Medians of 265 real pages, and how far that of a few seeded ones may be from them, as a share."""


@pytest.fixture(scope="module")
def pages() -> list[bytes]:
    return [seeded_page(number) for number in range(PAGES)]


def test_a_page_is_always_the_same_and_like_no_other(pages: list[bytes]) -> None:
    assert [seeded_page(number) for number in range(3)] == pages[:3]
    assert len(set(pages)) == PAGES


def test_pages_are_made_as_real_ones_were_measured(pages: list[bytes]) -> None:
    makes = [make_of(page) for page in pages]
    for name, (median, share) in MEASURED.items():
        assert statistics.median(make[name] for make in makes) == pytest.approx(median, rel=share), name


def test_pages_are_articles_of_several_languages_and_encodings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeded, "OTHER_CHARSET_SHARE", 1.0)
    read = [read_page(PageInput("https://a.example/p", seeded_page(number)), ReadLimits()) for number in range(20)]
    articles = [reading.article for reading in read if reading.kind == "article" and reading.article is not None]
    assert len(articles) == len(read)
    assert {article["inLanguage"] for article in articles} >= {"en", "de"}
    assert len({article["metadata"]["encoding"] for article in articles}) > 1


@pytest.mark.parametrize("name", [name for names in steptimes.FUNCTIONS.values() for name in names])
def test_every_function_that_is_timed_is_there(name: str) -> None:
    module, _, path = name.partition(":")
    found = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    assert callable(found)


def test_a_coroutine_is_timed_without_what_it_waits_for_and_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    def spin(seconds: float) -> None:
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass

    inner = steptimes._timed(lambda: spin(0.05), "inner")

    async def outer() -> str:
        spin(0.02)
        await asyncio.gather(asyncio.sleep(0.01), others())
        inner()
        with pytest.raises(ValueError, match="thrown"):
            await failing()
        return "done"

    async def others() -> None:
        spin(0.2)

    async def failing() -> None:
        await asyncio.sleep(0)
        raise ValueError("thrown")

    threads: list[steptimes._Thread] = []
    monkeypatch.setattr(steptimes, "_threads", threads)
    monkeypatch.setattr(steptimes, "_times", steptimes._Times(), raising=False)
    monkeypatch.setattr(steptimes, "_tell", lambda: None)
    assert asyncio.run(steptimes._timed_coroutine(outer, "outer")()) == "done"
    (thread,) = threads
    took = {step: nanoseconds / 1e9 for step, nanoseconds in thread.by_step.items()}
    assert 0.02 <= took["outer"] < 0.12
    assert took["inner"] >= 0.05
