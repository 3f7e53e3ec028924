"""Replay as a person sees it: pictures and styles are there, and nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Frame, Page

from tests.browser import chromium
from tests.pressroom import Newsroom, crawl
from tests.test_replay import Replayed, replaying


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Replayed]]:
    home = tmp_path_factory.mktemp("kept")
    with Newsroom() as newsroom:
        crawl(newsroom, home)
        url = newsroom.url
    with replaying("--archive", str(home / "archive")) as running:
        yield url, running


class Seen:
    """A page of the replay in the browser, and every address that was asked for."""

    def __init__(self, page: Page, running: Replayed, site: str) -> None:
        self.page, self.running, self.site = page, running, site
        self.asked: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))

    def open(self, name: str) -> Frame:
        self.page.goto(f"http://{self.running.host}/")
        self.page.click(f"text=Harbour {name}")
        frame = self.page.frame_locator("#replay")
        frame.get_by_role("heading", name=f"Harbour {name}").wait_for(timeout=20_000)
        self.page.locator("#newsroom", has_text="n").wait_for()
        self.page.wait_for_timeout(500)
        return self.page.frames[-1]

    @property
    def elsewhere(self) -> list[str]:
        own = {self.running.host, self.running.content}
        return [url for url in self.asked if urlsplit(url).netloc not in own and not url.startswith(("data:", "blob:"))]


@pytest.fixture
def seen(browser: Browser, replay: tuple[str, Replayed]) -> Iterator[Seen]:
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    yield Seen(page, replay[1], replay[0])
    page.close()


WIDTHS = "Object.fromEntries([...document.images].map(one => [one.currentSrc.split('/').pop(), one.naturalWidth]))"

SEEN = "(end) => [...document.images].some((one) => one.currentSrc.endsWith(end) && one.naturalWidth)"


def test_pictures_styles_and_scripts_are_there(seen: Seen) -> None:
    frame = seen.open("one")
    frame.wait_for_function(SEEN, arg="-big.png")
    widths = frame.evaluate(WIDTHS)
    assert widths["one-big.png"] > 0
    assert widths["logo.png"] == 90
    assert "paper.png" in frame.evaluate("getComputedStyle(document.body).backgroundImage")
    assert frame.evaluate("document.documentElement.dataset.script") == "ran"
    assert any("mp_/" not in url and url.endswith("/img/paper.png") for url in seen.asked)
    assert seen.elsewhere == []


def test_the_banner_says_when_and_whose(seen: Seen) -> None:
    seen.open("two")
    banner = seen.page.inner_text("header")
    assert "UTC" in banner
    assert "newsroom: n" in banner
    assert f"{seen.site}/news/two" in banner


def test_a_candidate_that_was_not_kept_gives_way_to_one_that_was(seen: Seen) -> None:
    seen.page.set_viewport_size({"width": 280, "height": 700})
    frame = seen.open("one")
    assert any(url.endswith("/img/one-tiny.png") for url in seen.asked)
    frame.wait_for_function(SEEN, arg="/one.png")
    assert frame.evaluate(WIDTHS)["one.png"] > 0


def test_a_page_cannot_touch_the_frame_around_it(seen: Seen) -> None:
    frame = seen.open("one")
    reached = frame.evaluate(
        "(() => { try { const real = Object.getPrototypeOf(window); "
        "const top = Reflect.get(window, 'parent', window); return String(top.document.title); } "
        "catch (problem) { return problem.name; } })()"
    )
    assert reached == "SecurityError"
    before = seen.page.url
    frame.evaluate("(() => { try { window.top.location = 'http://127.0.0.1:9/'; } catch (problem) { return 0; } })()")
    seen.page.wait_for_timeout(500)
    assert urlsplit(seen.page.url).netloc == urlsplit(before).netloc
    assert seen.elsewhere == []


def test_a_page_cannot_ask_another_host(seen: Seen) -> None:
    frame = seen.open("one")
    told = frame.evaluate(
        "fetch('http://127.0.0.1:9/secret', {mode: 'no-cors'}).then(() => 'sent', problem => problem.name)"
    )
    assert told in ("TypeError", "sent")
    assert seen.elsewhere == []
