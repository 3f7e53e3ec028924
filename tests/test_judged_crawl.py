"""What a crawl makes of pages that stand in an article's place: what is kept, what is due again, what is observed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli import crawl
from tests.crawling import Leads
from tests.in_process import asked
from tests.pipelines.judged_pages import ARTICLE_HEAD, page, paragraphs, stubs

STUBS = {one.kind: one.html for one in stubs() if one.language == "en"}
WHOLE = page(
    "Hall sold",
    "<article><h1>Hall sold</h1>"
    + paragraphs(
        *(f"Sentence {number} of a report on the old market hall, which was sold last week." for number in range(9))
    )
    + "</article>",
    ARTICLE_HEAD,
)
PLACES = ("challenge", "consent", "login", "soft404", "removed-notice", "empty", "paywalled", "liveblog")


class Site:
    """A loopback site whose sitemap names one article for each kind; `shown` is what each address shows now."""

    def __init__(self) -> None:
        self.shown = dict.fromkeys(PLACES, WHOLE)
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.body(self.path).encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def body(self, path: str) -> str:
        if path == "/robots.txt":
            return f"Sitemap: {self.url}/sitemap.xml\n"
        if path == "/sitemap.xml":
            listed = "".join(f"<url><loc>{self.url}/news/{kind}</loc></url>" for kind in PLACES)
            return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'
        if path == "/":
            return "<html><body><h1>News</h1></body></html>"
        return self.shown.get(path.removeprefix("/news/"), "")


@pytest.fixture
def site() -> Iterator[Site]:
    begun = Site()
    yield begun
    begun.server.shutdown()
    begun.server.server_close()


def leads(directory: Path) -> dict[str, tuple[str, str | None, bool]]:
    rows = Leads(directory / "archive").rows("url, state, reason, next_due")
    return {
        url.rpartition("/")[2]: (state, reason, due is not None) for url, state, reason, due in rows if "/news/" in url
    }


def observed(directory: Path) -> dict[str, str]:
    rows = Leads(directory / "archive").rows("url, outcome", "observations")
    return {url.rpartition("/")[2]: outcome for url, outcome in rows}


def test_only_whole_articles_are_captured_and_the_last_good_copy_stays(site: Site, tmp_path: Path) -> None:
    assert crawl(site.url + "/", tmp_path).code == 0
    good = asked("export", "-o", "-", "--archive", "archive", cwd=tmp_path).lines
    assert {state for state, _, _ in leads(tmp_path).values()} == {"captured"}

    site.shown = {kind: STUBS[kind] for kind in PLACES}
    assert crawl(site.url + "/", tmp_path, "--again").code == 0
    assert leads(tmp_path) == {
        "liveblog": ("captured", None, True),
        **{kind: ("failed", kind, True) for kind in PLACES if kind != "liveblog"},
    }
    assert observed(tmp_path) == {
        "challenge": "blocked",
        "consent": "blocked",
        "login": "blocked",
        "soft404": "removed",
        "removed-notice": "removed",
        "empty": "unreadable",
        "paywalled": "paywalled",
        "liveblog": "edited",
    }
    after = asked("export", "-o", "-", "--archive", "archive", cwd=tmp_path).lines
    kept = [record for record in after if not record["url"].endswith("/liveblog")]
    assert kept == [record for record in good if not record["url"].endswith("/liveblog")]


def test_the_part_before_a_wall_is_kept_where_there_is_nothing_better(site: Site, tmp_path: Path) -> None:
    site.shown = {"paywalled": STUBS["paywalled"]}
    assert crawl(site.url + "/", tmp_path).code == 0
    (part,) = asked("export", "-o", "-", "--archive", "archive", cwd=tmp_path).lines
    assert part["metadata"]["judgement"] == "paywalled"
    assert part["articleBody"].startswith("The council has sold")
    assert leads(tmp_path)["paywalled"][:2] == ("failed", "paywalled")

    site.shown = {"paywalled": WHOLE}
    crawl(site.url + "/", tmp_path, "--again")
    whole = asked("export", "-o", "-", "--archive", "archive", cwd=tmp_path).lines[-1]
    assert (whole["version"], whole["metadata"]["judgement"]) == (2, "article")
