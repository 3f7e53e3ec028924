"""Articles are kept with what they need to look right, within their budgets, and each shared file once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from tests.loopback import LoopbackSite, Shown
from tests.pipelines.judged_pages import ARTICLE_HEAD, page, paragraphs

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
TYPES = {".css": "text/css", ".png": "image/png", ".js": "text/javascript", ".woff2": "font/woff2"}


def story(name: str) -> str:
    told = [f"Sentence {number} on the harbour called {name}, where ships lay at anchor." for number in range(12)]
    pictures = (
        f'<figure><img src="/img/{name}.png" srcset="/img/{name}-big.png 1200w"><figcaption>Ships</figcaption></figure>'
        '<img src="/img/logo.png"><img src="/img/missing.png"><img src="https://www.google-analytics.com/x.gif">'
        '<img src="/banner/ad.png">'
    )
    head = ARTICLE_HEAD + '<link rel="stylesheet" href="/css/site.css"><script src="/app.js"></script>'
    return page(f"Harbour {name}", f"<article><h1>Harbour {name}</h1>{pictures}{paragraphs(*told)}</article>", head)


class Newsroom(LoopbackSite):
    """Two articles that share their looks."""

    def __init__(self) -> None:
        self.referers: dict[str, str | None] = {}
        super().__init__()

    def shown(self, path: str) -> Shown:
        if path == "/sitemap.xml":
            listed = "".join(f"<url><loc>{self.url}/news/{name}</loc></url>" for name in ("one", "two"))
            return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'
        if path.startswith("/news/"):
            return story(path.removeprefix("/news/"))
        return "User-agent: *\nDisallow: /img/secret.png\n" if path == "/robots.txt" else 404

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.referers[handler.path] = handler.headers.get("Referer")
        kind = TYPES.get(Path(handler.path).suffix)
        if kind is None or "missing" in handler.path:
            super().answer(handler)
            return
        styles = {
            "/css/site.css": b"@import 'more.css'; body { background: url(../img/paper.png) }",
            "/css/more.css": b"@font-face { font-family: A;src:url(/a.woff2)} b { background: url(/img/secret.png)}",
        }
        body = styles.get(handler.path, PICTURE)
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def newsroom() -> Iterator[Newsroom]:
    with Newsroom() as made:
        yield made


def crawl(newsroom: Newsroom, home: Path, *keys: str) -> dict[str, Any]:
    host = newsroom.url.removeprefix("http://")
    lines = [
        'id = "n"',
        'name = "N"',
        f'home = "{newsroom.url}/"',
        "delay_seconds = 0",
        f'allow_hosts = ["{host}"]',
        'discover = "listed"',
        f'sitemaps = ["{newsroom.url}/sitemap.xml"]',
        *keys,
    ]
    (home / "n.toml").write_text("\n".join(lines))
    run = [sys.executable, "-m", "newsark"]
    where = ["--archive", str(home / "archive")]
    done = subprocess.run(
        [*run, "crawl", "--source-file", str(home / "n.toml"), "--no-progress", *where], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr + done.stdout
    told = subprocess.run([*run, "status", "--json", *where], capture_output=True, text=True, check=True)
    (source,) = json.loads(told.stdout)["sources"]
    assert isinstance(source, dict)
    return source


def kept(home: Path) -> dict[str, tuple[str, bytes]]:
    found = {}
    for warc in (home / "archive" / "warc").rglob("*.warc.gz"):
        with warc.open("rb") as stream:
            for record in ArchiveIterator(stream):
                if record.rec_type in ("response", "revisit"):
                    url = record.rec_headers.get_header("WARC-Target-URI")
                    found[url] = (record.rec_type, record.content_stream().read())
    return found


def test_a_page_is_kept_with_what_it_needs(newsroom: Newsroom, tmp_path: Path) -> None:
    source = crawl(newsroom, tmp_path, 'block = ["/banner/"]')
    found = {url.removeprefix(newsroom.url): one for url, one in kept(tmp_path).items()}
    files = ["one.png", "one-big.png", "two.png", "two-big.png", "logo.png", "paper.png"]
    for path in ["/css/site.css", "/css/more.css", "/a.woff2", "/app.js", *(f"/img/{name}" for name in files)]:
        assert path in found, path
    assert found["/img/one.png"][1] == PICTURE
    assert not any("analytics" in path or "/banner/" in path or "secret" in path for path in found)
    assert max(Counter(newsroom.asked).values()) == 1
    assert newsroom.referers["/img/one.png"] == f"{newsroom.url}/news/one"
    assert source["kinds"]["resource"] == {"captured": 10, "failed": 1, "refused": 3}
    assert source["kinds"]["article"] == {"captured": 2}
    assert not source["problems"]


def test_only_pictures(newsroom: Newsroom, tmp_path: Path) -> None:
    crawl(newsroom, tmp_path, 'requisites = "images"')
    asked = set(newsroom.asked)
    assert {"/img/one.png", "/img/one-big.png", "/img/logo.png", "/banner/ad.png"} <= asked
    assert not asked & {"/css/site.css", "/app.js", "/img/paper.png"}


def test_nothing_but_the_page(newsroom: Newsroom, tmp_path: Path) -> None:
    source = crawl(newsroom, tmp_path, 'requisites = "none"')
    assert sorted(newsroom.asked) == ["/news/one", "/news/two", "/robots.txt", "/sitemap.xml"]
    assert "resource" not in source["kinds"]


def test_a_page_may_bring_only_so_many_files(newsroom: Newsroom, tmp_path: Path) -> None:
    source = crawl(newsroom, tmp_path, "page_requests = 2")
    files = [path for path in newsroom.asked if Path(path).suffix in TYPES]
    assert len(files) == 4
    assert source["kinds"]["resource"]["refused"] >= 5


def test_a_page_may_bring_only_so_many_bytes(newsroom: Newsroom, tmp_path: Path) -> None:
    crawl(newsroom, tmp_path, "page_bytes = 10000", "max_concurrency = 1")
    files = [path for path in newsroom.asked if path.endswith((".png", ".js", ".woff2"))]
    assert 2 <= len(files) <= 4


def test_a_second_crawl_asks_for_no_file_again(newsroom: Newsroom, tmp_path: Path) -> None:
    crawl(newsroom, tmp_path)
    newsroom.asked.clear()
    crawl(newsroom, tmp_path)
    assert not [path for path in newsroom.asked if Path(path).suffix in TYPES]
