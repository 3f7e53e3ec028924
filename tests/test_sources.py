"""`newsark sources`: what is found on sites of every make, what is written, and what is said where nothing is found."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from crawler.source import load_source
from tests.cli import Ran, newsark
from tests.in_process import Command, in_process

STORY = "/2026/03/11/council-passes-budget-after-a-long-night"
HOME = f"""<html><head><title>Home</title>%s</head><body><h1>The Lantern</h1>
<a href="{STORY}">The council passes its budget by one vote after a long night</a>
<a href="/politics/">Politics</a></body></html>"""
FEED = f"""<rss version="2.0"><channel><title>The \u200bLantern\u202e</title><link>/</link>
<item><title>Budget</title><link>{STORY}</link><pubDate>Wed, 11 Mar 2026 08:00:00 GMT</pubDate></item>
</channel></rss>"""
SITEMAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>%s</loc><lastmod>2026-03-10</lastmod></url></urlset>"""
FEED_TAG = '<link rel="alternate" type="application/rss+xml" href="/all-the-news">'


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answers."""

    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site: dict[str, Answer] = self.server.site
        answer = site.get(self.path, Answer("not here", 404))
        body = answer.body if isinstance(answer.body, bytes) else answer.body.encode()
        body = body.replace(b"%s", f"http://127.0.0.1:{self.server.server_port}{STORY}".encode())
        self.send_response(answer.status)
        kind = "text/xml" if body.startswith((b"<rss", b"<urlset")) else "text/html; charset=utf-8"
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serve(site: dict[str, Answer]) -> Iterator[str]:
    """The address of a site on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.site = site
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


SITES: dict[str, dict[str, Answer]] = {
    "tags": {"/": Answer(HOME % FEED_TAG), "/all-the-news": Answer(FEED)},
    "feed-path": {"/": Answer(HOME % ""), "/rss.xml": Answer(FEED)},
    "robots": {
        "/": Answer(HOME % ""),
        "/robots.txt": Answer("Sitemap: /maps/stories.xml"),
        "/maps/stories.xml": Answer(SITEMAP),
    },
    "sitemap-path": {"/": Answer(HOME % ""), "/sitemap.xml": Answer(SITEMAP)},
    "sections": {"/": Answer(HOME % "")},
    "dead-feed": {"/": Answer(HOME % FEED_TAG), "/all-the-news": Answer("gone", 410)},
    "forbidden": {"/": Answer(HOME % FEED_TAG), "/robots.txt": Answer("User-agent: *\nDisallow: /")},
    "busy": {"/": Answer(HOME % FEED_TAG), "/robots.txt": Answer("later", 503)},
    "no-page": {"/": Answer(b"%PDF-1.7 binary", 200, {"Content-Type": "application/pdf"})},
    "empty": {"/": Answer("<html><body><div id=app></div></body></html>")},
    "missing": {},
}


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A home with a source for each site, surveyed once."""

    directory: Path
    urls: dict[str, str]
    ran: Ran

    def found(self, name: str) -> dict[str, Any]:
        """What was found at a site, its address left out of URLs."""
        line = next(line for line in self.ran.out.splitlines() if json.loads(line)["id"] == name)
        return dict(json.loads(line.replace(self.urls[name].removesuffix("/"), "")))


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surveyed]:
    directory = tmp_path_factory.mktemp("home")
    (directory / "sources").mkdir()
    with ExitStack() as stack:
        urls = {name: stack.enter_context(serve(site)) + "/" for name, site in SITES.items()}
        elsewhere = urls["tags"].replace("127.0.0.1", "localhost")
        urls["moved"] = stack.enter_context(serve({"/": Answer("", 301, {"Location": elsewhere})})) + "/"
        urls["down"] = f"http://127.0.0.1:{_closed_port()}/"
        for name, url in urls.items():
            source = f'id = "{name}"\nname = "{name}"\nhome = "{url}"\ndelay_seconds = 0\n'
            (directory / "sources" / f"{name}.toml").write_text(source)
        hosts = [url.split("/")[2] for url in (*urls.values(), elsewhere)]
        (directory / "newsark.toml").write_text(f'contact = "test@localhost"\nallow_hosts = {json.dumps(hosts)}\n')
        yield Surveyed(directory, urls, newsark("sources", "check", "--json", cwd=directory))


def places(found: dict[str, Any]) -> list[tuple[str, str, str, int]]:
    return [(one["kind"], one["url"], one["via"], one["entries"]) for one in found["found"]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tags", ("feed", "/all-the-news", "link tag", 1)),
        ("feed-path", ("feed", "/rss.xml", "common path", 1)),
        ("robots", ("sitemap", "/maps/stories.xml", "robots.txt", 1)),
        ("sitemap-path", ("sitemap", "/sitemap.xml", "common path", 1)),
        ("sections", ("section", "/", "home page", 1)),
    ],
)
def test_a_site_is_found_by_what_it_has(surveyed: Surveyed, name: str, expected: tuple[str, str, str, int]) -> None:
    found = surveyed.found(name)
    assert places(found) == [expected]
    assert (found["ok"], found["problems"]) == (True, [])


def test_the_newest_article_is_told(surveyed: Surveyed) -> None:
    assert surveyed.found("tags")["found"][0]["newest"].startswith("2026-03-11")
    assert surveyed.found("robots")["found"][0]["newest"] == "2026-03-10"


def test_a_dead_feed_is_told_and_the_home_page_takes_its_place(surveyed: Surveyed) -> None:
    found = surveyed.found("dead-feed")
    assert places(found) == [("feed", "/all-the-news", "link tag", 0), ("section", "/", "home page", 1)]
    assert found["found"][0]["problem"] == "the server answered 410"
    assert not found["ok"]


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("forbidden", "robots", "robots.txt line 2: Disallow: /"),
        ("busy", "robots-unreachable", "it answered 503"),
        ("down", "robots-unreachable", "Cannot connect"),
        ("no-page", "home-other", "application/pdf"),
        ("missing", "http-404", "the server answered 404"),
        ("moved", "home-moved", "http://localhost:"),
        ("empty", "home-empty", "shows nothing"),
    ],
)
def test_what_is_wrong_with_a_site_is_said_once(surveyed: Surveyed, name: str, kind: str, words: str) -> None:
    found = surveyed.found(name)
    (problem,) = found["problems"]
    assert (problem["kind"], found["ok"]) == (kind, False)
    assert words in problem["detail"]


def test_one_bad_source_makes_the_exit_code_1(surveyed: Surveyed) -> None:
    assert surveyed.ran.code == 1
    assert surveyed.ran.err == ""


def add(surveyed: Surveyed, name: str, directory: Path, *options: str) -> Ran:
    """`sources add` for one of the sites, from a directory of its own."""
    url = surveyed.urls[name]
    fixed = ["--allow-host", url.split("/")[2], "--delay", "0"]
    return newsark("sources", "add", url, *fixed, *options, cwd=directory)


def test_add_writes_a_source_file_that_crawl_reads(
    surveyed: Surveyed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = add(surveyed, "tags", tmp_path)
    assert (ran.code, ran.err) == (0, "")
    url = surveyed.urls["tags"]
    assert f"{url}all-the-news" in ran.out
    (path,) = tmp_path.rglob("*.toml")
    assert f"Wrote {path.relative_to(tmp_path)}" in ran.out
    source = load_source(path)
    assert (source.name, source.home, source.feeds) == ("The Lantern", url, (f"{url}all-the-news",))
    assert (source.sitemaps, source.sections, source.delay_seconds) == ((), (), 0)
    assert not (tmp_path / "archive" / "newsark.json").exists()

    command = in_process(tmp_path, monkeypatch, capsys)
    again = command("sources", "add", url)
    assert again.code == 2
    assert f"belongs to '{source.id}' already" in again.err
    assert again.err.count("\n") == 1
    assert command("sources", "list", "--json").json == {
        "sources": [
            {"id": source.id, "name": "The Lantern", "home": url, "risk": "normal", "file": str(path.resolve())}
        ]
    }


def test_add_finds_the_home_page_where_a_site_has_nothing_else(surveyed: Surveyed, tmp_path: Path) -> None:
    ran = add(surveyed, "sections", tmp_path, "--json", "--name", "A\nname")
    source = load_source(Path(ran.json["file"]))
    assert (source.sections, source.name) == ((surveyed.urls["sections"],), "A name")


def test_add_leaves_no_trace_where_nothing_is_found(surveyed: Surveyed, tmp_path: Path) -> None:
    ran = add(surveyed, "busy", tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"newsark: {surveyed.urls['busy']}: found nothing that lists articles")
    assert "it answered 503" in ran.err
    assert ran.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """A command that needs no reactor, in an empty directory."""
    return in_process(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("news.example.org", "write https://news.example.org"),
        ("ftp://news.example.org/", "only http and https"),
        ("http://", "cannot be visited"),
        ("https://a b.example/", "cannot be visited"),
    ],
)
def test_add_refuses_what_is_no_address(command: Command, tmp_path: Path, url: str, words: str) -> None:
    ran = command("sources", "add", url)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert list(tmp_path.iterdir()) == []


def test_add_refuses_a_directory_with_other_things(command: Command, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "letters.txt").write_text("Dear all")
    ran = command("sources", "add", "https://news.example.org/", "--archive", other)
    assert ran.code == 2
    assert "it holds 'letters.txt'" in ran.err
    assert [path.name for path in other.iterdir()] == ["letters.txt"]


def test_check_without_sources_says_what_to_do(command: Command, tmp_path: Path) -> None:
    ran = command("sources", "check")
    assert (ran.code, ran.out) == (2, "")
    assert "newsark sources add URL" in ran.err
    listed = command("sources", "list")
    assert (listed.code, listed.out) == (0, "No source is known yet. Next: newsark sources add URL\n")
