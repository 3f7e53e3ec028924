"""The replay's own pages: nobody is shut out, in light and dark and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.pressroom import Newsroom, crawl
from tests.test_replay import NOW, Replayed, replaying


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Replayed]]:
    home = tmp_path_factory.mktemp("looks")
    with Newsroom() as newsroom:
        crawl(newsroom, home, 'requisites = "none"')
        url = newsroom.url
    with replaying("--archive", str(home / "archive"), "--embed-in", "http://127.0.0.1:8370/room") as running:
        yield url, running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 420])
def test_home_and_frame_shut_nobody_out(
    browser: Browser, replay: tuple[str, Replayed], tmp_path: Path, scheme: str, width: int
) -> None:
    site, running = replay
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    for name, path in (
        ("home", "/"),
        ("frame", f"/archive/{NOW}/{site}/news/one"),
        ("missing", f"/archive/{NOW}mp_/x.example/"),
    ):
        page.goto(f"http://{running.host}{path}")
        if name == "frame":
            page.locator("#newsroom", has_text="n").wait_for()
        page.screenshot(path=tmp_path / f"{name}.png")
        found = Axe().run(page, options={"iframes": False}).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    context.close()


def test_the_list_of_captures_works_under_its_policy(browser: Browser, replay: tuple[str, Replayed]) -> None:
    site, running = replay
    page = browser.new_page()
    page.goto(f"http://{running.host}/archive/*/{site}/news/one")
    page.get_by_text("1 capture").first.wait_for(timeout=20_000)
    page.close()


def test_who_was_named_may_show_the_frame(replay: tuple[str, Replayed]) -> None:
    site, running = replay
    policy = running.get(f"/archive/{NOW}/{site}/news/one")[1]["content-security-policy"]
    assert "frame-ancestors http://127.0.0.1:8370" in policy
