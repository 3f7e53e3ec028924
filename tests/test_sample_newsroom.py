"""What other tests rely on in the sample newsroom: its clock, 304s, codings, maps and exact bytes."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import brotlicffi
import feedparser
import pytest
from aiohttp import ClientResponse, ClientSession
from lxml import etree, html

from tests.newsroom import (
    DAY_SECONDS,
    Clock,
    Newsroom,
    Site,
    Story,
    newsroom_process,
    running_newsroom,
    serve_newsroom,
)

EDITED, REMOVED, TOUCHED = (
    "council-passes-budget-by-one-vote",
    "port-paid-twice-for-crane-inspection",
    "flood-wall-a-year-late",
)
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
LINK = re.compile(rb'(?:href|src|action)="([^"#]*)', re.IGNORECASE)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serve_newsroom() as site:
        yield site


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with ClientSession(auto_decompress=False) as client:
        yield client


async def fetch(client: ClientSession, url: str, **headers: str) -> tuple[ClientResponse, bytes]:
    named = {"Accept-Encoding": "identity"} | {k.replace("_", "-"): v for k, v in headers.items()}
    async with client.get(url, headers=named, allow_redirects=False) as response:
        return response, await response.read()


def locations(xml: bytes) -> list[str]:
    return [node.text or "" for node in etree.fromstring(xml).iter(f"{SITEMAP}loc")]


def all_stories() -> list[Story]:
    return [story for edition in Newsroom().editions for story in edition.stories]


def test_thirty_four_stories_are_out_and_each_day_brings_three() -> None:
    newsroom = Newsroom()
    assert [len(newsroom.stories(language)) for language in ("en", "ru", "de")] == [14, 10, 10]
    first = {story.path for story in newsroom.stories()}
    newsroom.clock.advance()
    second = {story.path for story in newsroom.stories()}
    assert sorted(story.language for story in newsroom.stories() if story.path not in first) == [
        "de",
        "en",
        "ru",
    ]
    assert first - second == {newsroom.story(REMOVED).path}
    newsroom.clock.advance()
    assert len(newsroom.stories()) == 39
    newsroom.clock.advance(2 * DAY_SECONDS)
    assert len(newsroom.stories()) == 40


def test_stories_differ_and_are_long_enough_to_read() -> None:
    stories = all_stories()
    paragraphs = [block.text for story in stories for block in story.body]
    assert len(set(paragraphs)) == len(paragraphs)
    assert all(100 <= len(story.text.split()) <= 650 for story in stories)
    assert len({story.path for story in stories}) == len({story.slug for story in stories}) == 40


@pytest.mark.parametrize("story", all_stories(), ids=lambda story: str(story.slug))
def test_every_paragraph_stands_on_the_storys_page_as_written(story: Story) -> None:
    newsroom = Newsroom(Clock(max(story.published, Newsroom().clock.now)))
    page = newsroom.page(story.path)
    tree = html.fromstring(page.body.decode(story.charset))
    shown = {" ".join("".join(map(str, node.itertext())).split()) for node in tree.iter("p", "li", "h2")}
    assert page.status == 200
    assert set(newsroom.story(story.slug).text.split("\n")) <= shown
    stamps = [node.get("datetime") for node in tree.iter("time")]
    assert story.published.isoformat() in stamps


async def test_an_edit_changes_headline_paragraph_date_and_tag(site: Site, client: ClientSession) -> None:
    story = site.newsroom.story(EDITED)
    response, before = await fetch(client, site.url + story.path)
    site.clock.advance()
    _, after = await fetch(client, site.url + story.path, If_None_Match=response.headers["ETag"])
    edited = site.newsroom.story(EDITED)
    assert story.headline.encode() in before
    assert edited.headline.encode() in after
    assert edited.paragraphs[2].encode() in after
    assert story.paragraphs[2].encode() not in after
    assert b'"dateModified": "2026-03-13T08:20:00+01:00"' in after
    assert story.paragraphs[:2] + story.paragraphs[3:] == edited.paragraphs[:2] + edited.paragraphs[3:]


async def test_a_removed_story_answers_410_leaves_maps_and_comes_back(site: Site, client: ClientSession) -> None:
    url = site.url + site.newsroom.story(REMOVED).path
    seen = []
    for _ in range(5):
        response, _ = await fetch(client, url)
        _, listed = await fetch(client, f"{site.url}/sitemap-current.xml")
        seen.append((response.status, url.encode() in listed))
        site.clock.advance()
    assert seen == [(200, True), (410, False), (410, False), (410, False), (200, True)]


def test_a_touched_story_has_a_new_date_and_the_same_words() -> None:
    newsroom = Newsroom()
    before = newsroom.story(TOUCHED)
    newsroom.clock.advance(2 * DAY_SECONDS)
    after = newsroom.story(TOUCHED)
    assert (before.headline, before.text) == (after.headline, after.text)
    assert before.modified is None
    assert after.modified is not None


@pytest.mark.parametrize(
    "path", ["/feed.xml", "/atom.xml", "/feed.json", "/sitemap.xml", "/sitemap-archive.xml.gz", "/story"]
)
async def test_unchanged_pages_answer_304_to_either_condition(site: Site, client: ClientSession, path: str) -> None:
    url = site.url + (site.newsroom.story("swing-bridge-stuck-open").path if path == "/story" else path)
    first, _ = await fetch(client, url)
    by_tag, nothing = await fetch(client, url, If_None_Match=first.headers["ETag"])
    by_time, _ = await fetch(client, url, If_Modified_Since=first.headers["Last-Modified"])
    stale, _ = await fetch(client, url, If_None_Match='"other"', If_Modified_Since=first.headers["Last-Modified"])
    assert [first.status, by_tag.status, by_time.status, stale.status] == [200, 304, 304, 200]
    assert nothing == b""
    assert by_tag.headers["ETag"] == first.headers["ETag"]


async def test_feeds_change_with_the_clock(site: Site, client: ClientSession) -> None:
    first, _ = await fetch(client, f"{site.url}/ru/rss.xml")
    site.clock.advance()
    second, body = await fetch(client, f"{site.url}/ru/rss.xml", If_None_Match=first.headers["ETag"])
    assert second.status == 200
    newest = site.newsroom.stories("ru")[0]
    assert feedparser.parse(body).entries[0].link == site.url + newest.path


async def test_bodies_are_compressed_only_as_asked(site: Site, client: ClientSession) -> None:
    story = site.newsroom.stories("de")[0]
    plain, identity = await fetch(client, site.url + story.path)
    _, gzipped = await fetch(client, site.url + story.path, Accept_Encoding="gzip")
    brotli, squeezed = await fetch(client, site.url + story.path, Accept_Encoding="gzip, br")
    assert "Content-Encoding" not in plain.headers
    assert brotli.headers["Content-Encoding"] == "br"
    assert identity == gzip.decompress(gzipped) == brotlicffi.decompress(squeezed)
    assert identity == site.newsroom.page(story.path).body


async def test_the_index_leads_to_every_story_and_one_map_is_gzip(site: Site, client: ClientSession) -> None:
    _, robots = await fetch(client, f"{site.url}/robots.txt")
    assert f"Sitemap: {site.url}/sitemap.xml".encode() in robots
    _, index = await fetch(client, f"{site.url}/sitemap.xml")
    maps = locations(index)
    assert [url.rpartition(".")[2] for url in maps] == ["xml", "gz"]
    found: set[str] = set()
    for url in maps:
        response, body = await fetch(client, url)
        if url.endswith(".gz"):
            assert "Content-Encoding" not in response.headers
            body = gzip.decompress(body)
        found |= set(locations(body))
    assert found == {site.url + story.path for story in site.newsroom.stories()}


async def test_the_news_map_holds_two_days(site: Site, client: ClientSession) -> None:
    _, body = await fetch(client, f"{site.url}/sitemap-news.xml")
    found = set(locations(body))
    young = {
        site.url + story.path
        for story in site.newsroom.stories()
        if (site.clock.now - story.published).total_seconds() <= 2 * DAY_SECONDS
    }
    assert found == young
    assert 0 < len(young) < 34


async def test_one_russian_page_is_windows_1251(site: Site, client: ClientSession) -> None:
    story = site.newsroom.story("fotografii-s-cherdaka")
    response, body = await fetch(client, site.url + story.path)
    assert response.headers["Content-Type"] == "text/html; charset=windows-1251"
    assert story.headline.encode("windows-1251") in body


async def test_old_addresses_lead_on_and_unknown_ones_do_not(site: Site, client: ClientSession) -> None:
    moved, _ = await fetch(client, f"{site.url}/news/311.html")
    missing, _ = await fetch(client, f"{site.url}/2026/01/01/never-written")
    planned, _ = await fetch(client, site.url + site.newsroom.story("night-bus-returns").path)
    assert moved.status == 301
    assert moved.headers["Location"] == site.url + site.newsroom.story("library-roof-closed-for-swifts").path
    assert [missing.status, planned.status] == [404, 404]


async def test_every_link_leads_somewhere(site: Site, client: ClientSession) -> None:
    waiting, seen = [f"{site.url}/"], set[str]()
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        seen.add(url)
        response, body = await fetch(client, url)
        assert response.status in (200, 301), url
        if response.headers["Content-Type"].startswith("text/html") and body:
            links = (urljoin(url, unescape(link.decode())) for link in LINK.findall(body))
            waiting += [link for link in links if link.startswith(site.url)]
    assert {site.url + story.path for story in site.newsroom.stories()} <= seen
    assert f"{site.url}/private/" in seen


async def test_home_pages_are_chunked_on_the_wire(site: Site) -> None:
    parts = urlsplit(site.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: lantern\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nTransfer-Encoding: chunked" in head
    assert b"\r\nContent-Length" not in head
    assert body.endswith(b"\r\n0\r\n\r\n")


async def test_manners_are_asked_for_and_requests_are_remembered(client: ClientSession) -> None:
    async with serve_newsroom(robots_extra="Crawl-delay: 3", busy_once=["/"], retry_after="2") as site:
        _, robots = await fetch(client, f"{site.url}/robots.txt")
        busy, _ = await fetch(client, f"{site.url}/")
        ready, _ = await fetch(client, f"{site.url}/?again=1", User_Agent="Test/1 (who@example.org)")
    assert b"Disallow: /search\nCrawl-delay: 3\n\nSitemap" in robots
    assert (busy.status, busy.headers["Retry-After"], ready.status) == (503, "2", 200)
    assert site.paths() == ["/robots.txt", "/", "/?again=1"]
    last = site.requests[-1]
    assert (last.method, last.status) == ("GET", 200)
    assert last.header("user-agent") == "Test/1 (who@example.org)"
    assert last.host == urlsplit(site.url).netloc
    assert last.monotonic_seconds >= site.requests[0].monotonic_seconds


def test_a_thread_serves_what_the_newsroom_draws() -> None:
    with running_newsroom() as site:
        story = site.newsroom.stories("en")[0]
        with urllib.request.urlopen(site.url + story.path, timeout=5) as response:
            assert response.read() == site.newsroom.page(story.path).body
        site.clock.advance()
        gone = site.url + site.newsroom.story(REMOVED).path
        with pytest.raises(urllib.error.HTTPError, match="410"):
            urllib.request.urlopen(gone, timeout=5)


def test_a_process_remembers_its_clock_and_starts_a_day_later(tmp_path: Path) -> None:
    state = tmp_path / "clock.json"
    with newsroom_process("--state", str(state)) as process:
        url = process.url
        with urllib.request.urlopen(f"{url}/robots.txt", timeout=5) as response:
            assert response.status == 200
    assert json.loads(state.read_text()) == {"now": "2026-03-12T12:00:00+00:00"}
    with newsroom_process("--state", str(state)) as process:
        assert process.advance(60).isoformat() == "2026-03-13T12:01:00+00:00"
    assert json.loads(state.read_text()) == {"now": "2026-03-13T12:01:00+00:00"}


def test_copies_make_a_larger_site() -> None:
    newsroom = Newsroom(copies=3)
    story = newsroom.story(EDITED)
    third = newsroom.page(f"/copy/3{story.path}")
    assert len({story.path for story in newsroom.stories()}) == len(newsroom.stories()) > 3 * 33
    assert f"<h1>{story.headline} (3)</h1>".encode() in third.body
