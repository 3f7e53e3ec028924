"""The reading room as a person uses it: search, read, compare, replay, export; no request leaves the machine."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium
from tests.readingroom import HOSTILE_ID, Room, lived, serving

PATHS = ("/", "/search?q=harbour", "/ledger", "/sources", "/sources/n", "/figures", "/exports", "/help", "/nothing")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with lived(tmp_path_factory.mktemp("kept")) as (_, archive), serving("--archive", archive) as running:
        yield running


@pytest.fixture(scope="module")
def one(room: Room) -> str:
    """The page of the article that was edited."""
    found = room.get("/search.json?q=title:one").json["articles"]
    return f"/articles/{found[0]['id']}"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(viewport={"width": 1100, "height": 800})
    made.set_default_timeout(20_000)
    yield made
    made.close()


def asked(page: Page) -> list[str]:
    """Every address that the page asks for from now on."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url))
    return found


def test_searched_read_compared_and_seen_as_it_was(page: Page, room: Room) -> None:
    everything = asked(page)
    page.goto(f"{room.url}/")
    page.get_by_label("Words").fill('"new harbour"')
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("status")).to_contain_text("1 article")
    page.get_by_role("link", name="Harbour one").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbour one")
    page.get_by_role("link", name="what changed in version 2").click()
    expect(page.locator("td ins")).to_have_text(" new")
    page.get_by_role("link", name="Harbour one").click()
    page.get_by_role("link", name="The page as it was").click()
    inside = page.frame_locator("iframe.replay").frame_locator("iframe")
    expect(inside.get_by_role("heading", name="Harbour one")).to_be_visible()
    page.wait_for_timeout(500)
    frame = page.frames[-1]
    widths = frame.evaluate(
        "Object.fromEntries([...document.images].map(i => [i.src.split('/').pop(), i.naturalWidth]))"
    )
    assert widths["one.png"] > 0
    assert "paper.png" in frame.evaluate("getComputedStyle(document.body).backgroundImage")
    hosts = {urlsplit(url).hostname for url in everything if url.startswith("http")}
    assert hosts == {"127.0.0.1"}
    ports = {urlsplit(url).port for url in everything if url.startswith("http")}
    assert len(ports) == 3  # the room, the frame around archived pages, and their own origin


def test_an_archived_page_cannot_reach_the_room(page: Page, room: Room, one: str) -> None:
    page.goto(f"{room.url}{one}/replay")
    inside = page.frame_locator("iframe.replay").frame_locator("iframe")
    expect(inside.get_by_role("heading", name="Harbour one")).to_be_visible()
    everything = asked(page)
    frame = page.frames[-1]
    told = frame.evaluate(f"fetch('{room.url}/index.json').then(a => a.text(), problem => problem.name)")
    assert "totals" not in told
    frame.evaluate("(() => { try { window.top.location = 'http://127.0.0.1:9/' } catch (problem) { return 0 } })()")
    page.wait_for_timeout(500)
    assert page.url == f"{room.url}{one}/replay"
    assert not [url for url in everything if url.startswith(room.url)]


def test_bytes_are_verified_in_place(page: Page, room: Room, one: str) -> None:
    page.goto(f"{room.url}{one}")
    page.evaluate("window.region = document.querySelector('#checked')")
    page.get_by_role("button", name="Verify now").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#checked .good")).to_have_count(3, timeout=20_000)
    assert page.url.endswith(one)
    expect(page.get_by_role("button", name="Verify now")).to_be_focused()
    assert page.evaluate("window.region.isConnected && window.region.ariaLive") == "polite"


def test_an_export_is_asked_for_watched_and_opened(page: Page, room: Room, tmp_path: Path) -> None:
    page.goto(f"{room.url}/search?q=harbour")
    page.get_by_role("link", name="download them").click()
    expect(page.get_by_label("Words")).to_have_value("harbour")
    page.get_by_role("button", name="Build").click()
    expect(page.get_by_role("link", name="articles.jsonl.gz")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="articles.jsonl.gz").click()
    path = tmp_path / "articles.jsonl.gz"
    download.value.save_as(path)
    records = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert {"Harbour one", "Harbour two"} <= {record["headline"] for record in records}


def test_without_scripts_everything_but_replay_works(browser: Browser, room: Room, one: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{room.url}{one}")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator(".checks .good")).to_have_count(3)
    page.goto(f"{room.url}/exports")
    page.get_by_label("Form").select_option("csv")
    page.get_by_role("button", name="Build").click()
    for _ in range(100):
        if page.get_by_role("link", name="articles.csv").count():
            break
        page.wait_for_timeout(100)
        page.reload()
    expect(page.get_by_role("link", name="articles.csv")).to_be_visible()
    context.close()


def test_nothing_that_somebody_wrote_runs(page: Page, room: Room) -> None:
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("dialog", lambda dialog: told.append(dialog.message))
    for path in (f"/articles/{HOSTILE_ID}", "/search?q=hostile", "/"):
        page.goto(f"{room.url}{path}")
        page.wait_for_timeout(200)
        assert "taken" not in page.title()
    assert told == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out_by_how_it_looks(browser: Browser, room: Room, one: str, scheme: str) -> None:
    """axe-core: contrast, names, roles, order of headings, in both schemes."""
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page, axe, faults = context.new_page(), Axe(), []
    for path in (*PATHS, one, f"{one}/compare", f"{one}/replay", "/search?q=%22open"):
        page.goto(f"{room.url}{path}")
        options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], "iframes": False}
        found = axe.run(page, options=options).response["violations"]
        faults += [
            (path, one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
        ]
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    context.close()
    assert faults == []
    assert (ground == "rgb(21, 21, 19)") == (scheme == "dark")


def test_a_telephone_shows_all_of_it(browser: Browser, room: Room, one: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 700})
    page = context.new_page()
    wide = []
    for path in (*PATHS, one, f"{one}/compare", f"/articles/{HOSTILE_ID}"):
        page.goto(f"{room.url}{path}")
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wide.append(path)
    context.close()
    assert wide == []


def test_the_keyboard_leads_everywhere(page: Page, room: Room) -> None:
    page.goto(f"{room.url}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Words")).to_be_focused()
    page.keyboard.type("harbour")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("3 articles")
