"""Calendar pages: which come before a page, and where a newsroom may have some."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.archivepages import calendar_pages, continues, earlier_pages
from crawler.shape import is_calendar_page
from crawler.weburl import parse_web_url

SITE = "https://n.example"


@pytest.mark.parametrize(
    ("path", "before"),
    [
        ("/2026/03/01/", ["/2026/02/28/", "/2026/02/27/", "/2026/02/26/"]),
        ("/archive/2026/02", ["/archive/2026/01", "/archive/2025/12", "/archive/2025/11"]),
        ("/news/2026-01-02/", ["/news/2026-01-01/", "/news/2025-12-31/", "/news/2025-12-30/"]),
        ("/2026/1/", ["/2025/12/", "/2025/11/", "/2025/10/"]),
        ("/y/2026/", ["/y/2025/", "/y/2024/", "/y/2023/"]),
        ("/1990/02/", ["/1990/01/"]),
        ("/2026/02/31/", []),
        ("/2026/03/01/a-story", []),
        ("/2026/03/?page=2", []),
        ("/news/", []),
    ],
)
def test_the_pages_before(path: str, before: list[str]) -> None:
    assert earlier_pages(SITE + path) == [SITE + one for one in before]


@given(st.dates(date(1991, 1, 1), date(2099, 12, 31)), st.sampled_from(["/", "-"]), st.booleans())
def test_a_chain_goes_back_day_by_day_and_each_is_a_calendar_page(day: date, mark: str, has_day: bool) -> None:
    months = f"{day.year}{mark}{day.month:02d}"
    url = f"{SITE}/x/{months}{mark}{day.day:02d}/" if has_day else f"{SITE}/x/{months}/"
    pages = earlier_pages(url)
    assert len(set(pages)) == 3
    assert sorted(pages, reverse=True) == pages
    assert all(page < url and is_calendar_page(parse_web_url(page)) for page in pages)
    assert earlier_pages(pages[0])[:2] == pages[1:]


def test_where_calendars_may_be_is_read_from_articles() -> None:
    known = [f"{SITE}/news/2025/11/{day:02d}/a-story-{day}" for day in range(1, 9)]
    known += [f"{SITE}/blog/2025-10/on-{number}" for number in range(3)] + [f"{SITE}/about"]
    assert calendar_pages(known, date(2026, 3, 4)) == [
        f"{SITE}/news/2026/03/",
        f"{SITE}/news/2026/03/04/",
        f"{SITE}/blog/2026-03/",
    ]
    assert calendar_pages([f"{SITE}/a/1"], date(2026, 3, 4)) == []


@pytest.mark.parametrize(
    ("path", "does"),
    [
        ("/page/2/", True),
        ("/news?page=7", True),
        ("/2024/05/", True),
        ("/politics/", False),
        ("/a?id=12&page=2", False),
    ],
)
def test_what_goes_on_with_a_list(path: str, does: bool) -> None:
    assert continues(SITE + path) is does
