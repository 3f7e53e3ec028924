"""`newsark crawl --sweep`: everything that lists, their further pages and the calendar name; budgets hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.articlesite import article
from tests.cli import Ran, crawl, newsark
from tests.crawling import host_of, write_source
from tests.in_process import asked
from tests.loopback import LoopbackSite, Shown

MONTHS = [f"{year}/{month:02d}" for year in (2024, 2025) for month in range(1, 13)]


class Old(LoopbackSite):
    """A site whose front page and feed name the newest articles only.

    Older ones are behind further pages (five of them) and calendar pages, of which one month is empty.
    """

    def __init__(self) -> None:
        self.pages = {f"/story/{number}-{'-'.join('abcd')}": f"paged {number}" for number in range(25)}
        self.calendar = {
            f"/{month}/{number:02d}/the-story-of-{month.replace('/', '-')}-{number}": f"of {month} {number}"
            for month in MONTHS
            for number in (1, 2)
            if month != "2024/07"
        }
        self.instead: Callable[[str], str | None] = lambda _: None
        super().__init__()

    @property
    def everything(self) -> set[str]:
        return {*self.pages, *self.calendar}

    def shown(self, path: str) -> Shown:
        """What a test shows instead goes first; what there is nothing of is a 404."""
        return self.instead(path) or self._there(path) or 404

    def _there(self, path: str) -> str:
        if path in self.pages or path in self.calendar:
            name = self.pages.get(path) or self.calendar[path]
            return article(name, f"What is known {name}")
        place, _, number = path.partition("?page=")
        if place == "/":
            return self._page(int(number or 1))
        month = path.strip("/")
        if month in MONTHS:
            return _list(*(one for one in self.calendar if one.startswith(f"/{month}/")))
        return ""

    def _page(self, number: int) -> str:
        some = list(self.pages)[5 * (number - 1) : 5 * number]
        newest = [one for one in self.calendar if one.startswith("/2025/12/")] if number == 1 else []
        further = [f"/?page={number + 1}"] if some else []
        return _list(*newest, *some, *further)


def _list(*paths: str) -> str:
    links = "".join(f'<li><h2><a href="{path}">What is known, part {path[1:]}</a></h2></li>' for path in paths)
    return f"<html><head><title>News</title></head><body><ul>{links}</ul></body></html>"


@pytest.fixture
def old() -> Iterator[Old]:
    with Old() as site:
        yield site


def swept(site: Old, directory: Path, *options: str) -> Ran:
    return crawl(site.url + "/", directory, "--sweep", *options)


def saved(directory: Path) -> set[str]:
    lines = asked("export", "-o", "-", "--archive", "archive", cwd=directory).lines
    return {"/" + one["url"].split("/", 3)[3] for one in lines}


def test_a_sweep_finds_what_a_crawl_does_not(old: Old, tmp_path: Path) -> None:
    crawl(old.url + "/", tmp_path)
    assert len(saved(tmp_path)) < len(old.everything) / 2
    # the calendar of this month is empty here: the newest month that has one is named as a place to begin
    crawl(f"{old.url}/2025/12/", tmp_path, "--sweep")
    ran = swept(old, tmp_path)
    assert saved(tmp_path) == old.everything
    (source,) = ran.json["sources"]
    assert source["years"] == [{"year": None, "known": len(old.everything), "saved": len(old.everything)}]
    again = Counter(path for path in old.asked if path in old.everything)
    assert set(again.values()) == {1}


def test_a_sweep_says_how_much_is_saved(old: Old, tmp_path: Path) -> None:
    words = ("--archive", "archive", "--allow-host", host_of(old.url), "--delay", "0", "--sweep")
    ran = newsark("crawl", old.url + "/", *words, cwd=tmp_path)
    assert "no date         27 of 27 saved  100%" in ran.out


def test_a_daily_budget_is_not_exceeded_by_any_number_of_crawls(old: Old, tmp_path: Path) -> None:
    source = write_source(tmp_path / "old.toml", old.url, sections=[old.url + "/"], daily_requests=20)
    for _ in range(3):
        ran = newsark("crawl", "--source-file", str(source), "--archive", "archive", "--json", cwd=tmp_path)
        (report,) = ran.json["sources"]
        assert report["adds_up"]
        assert [one["reason"] for one in report["problems"] if one["kind"] == "source"] == ["daily-budget"]
    assert len(old.asked) == 20
    pending = report["leads"]["pending"]
    assert pending == report["leads"]["known"] - report["leads"]["captured"] - report["leads"]["unchanged"] > 0


def test_a_budget_of_bytes_is_not_exceeded_either(old: Old, tmp_path: Path) -> None:
    source = write_source(tmp_path / "old.toml", old.url, sections=[old.url + "/"], daily_bytes=1_000_000)
    big = article("big", "What is big") + "<!--" + "x" * 300_000 + "-->"
    old.instead = lambda path: big if path in old.everything else None
    ran = newsark("crawl", "--source-file", str(source), "--archive", "archive", "--json", cwd=tmp_path)
    (report,) = ran.json["sources"]
    assert "daily-budget" in [one["reason"] for one in report["problems"]]
    assert 700_000 < report["run"]["received_bytes"] <= 1_000_000


def test_a_sweep_of_many_lists_that_name_nothing_new_visits_them_all(old: Old, tmp_path: Path) -> None:
    empty = [f"{old.url}/section-{number}/" for number in range(60)]
    old.instead = lambda path: _list() if "section" in path else None
    source = write_source(tmp_path / "old.toml", old.url, sections=empty)
    ran = newsark("crawl", "--source-file", str(source), "--archive", "archive", "--sweep", "--json", cwd=tmp_path)
    (report,) = ran.json["sources"]
    assert report["leads"]["pending"] == 0
    assert {f"/section-{number}/" for number in range(60)} <= set(old.asked)
