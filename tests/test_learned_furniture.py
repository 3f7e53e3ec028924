"""An appeal without a telling name, in every article of a newsroom: it goes as soon as it is known, and is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli import crawl
from tests.in_process import asked

APPEAL = [
    "Dear readers,",
    "We are a small newsroom in a country that would rather not have one, and we need you now more than ever.",
    "Whatever you give goes into the next report, and into nothing else.",
]
WORDS = ("harbour", "library", "orchard", "railway", "theatre", "windmill")


class Newsroom:
    """A site with a sitemap; `stories` says how many articles there are."""

    def __init__(self) -> None:
        self.stories = 2
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, body = site.page(self.path)
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def page(self, path: str) -> tuple[str, bytes]:
        """The media type and body of a page; an empty body for what is not there."""
        if path == "/robots.txt":
            return "text/plain", f"Sitemap: {self.url}/sitemap.xml\n".encode()
        if path == "/sitemap.xml":
            listed = "".join(f"<url><loc>{self.url}/news/{number}</loc></url>" for number in range(self.stories))
            return (
                "application/xml",
                f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'.encode(),
            )
        if path.startswith("/news/"):
            return "text/html; charset=utf-8", article(int(path.rpartition("/")[2])).encode()
        return "text/html", b"<html><body><h1>News</h1></body></html>" if path == "/" else b""


def own_paragraphs(number: int) -> list[str]:
    word = WORDS[number]
    return [
        f"The town council decided on Monday that the old {word} will be opened again in spring, after nine years.",
        f"Those who used to work at the {word} have waited for this since the fire, and some of them have moved away.",
        f"The repair of the {word} costs less than was feared, said the mayor, who has lived next to it all her life.",
    ]


def article(number: int) -> str:
    own = own_paragraphs(number)
    paragraphs = "".join(f"<p>{text}</p>" for text in (*own[:2], *APPEAL, own[2]))
    title = f"Old {WORDS[number]} opens again"
    return (
        f"<!doctype html><html lang=en><head><title>{title}</title><meta property=og:type content=article></head>"
        f"<body><article><h1>{title}</h1><div class=x1>{paragraphs}</div></article></body></html>"
    )


@pytest.fixture
def newsroom() -> Iterator[Newsroom]:
    site = Newsroom()
    yield site
    site.server.shutdown()
    site.server.server_close()


def records(directory: Path) -> dict[int, dict[str, Any]]:
    lines = asked("export", "-o", "-", "--archive", "archive", cwd=directory).lines
    return {int(record["url"].rpartition("/")[2]): record for record in lines}


def test_it_is_learned_as_the_crawl_goes_and_is_no_edit(newsroom: Newsroom, tmp_path: Path) -> None:
    assert crawl(newsroom.url + "/", tmp_path).code == 0
    first = records(tmp_path)
    assert sorted(first) == [0, 1]
    assert all(APPEAL[1] in record["articleBody"] for record in first.values()), "two articles are too few to know it"

    newsroom.stories = 5
    assert crawl(newsroom.url + "/", tmp_path, "--again").code == 0
    after = records(tmp_path)
    assert sorted(after) == list(range(5))
    for number in range(2, 5):
        assert after[number]["articleBody"].split("\n") == own_paragraphs(number)
        assert after[number]["removed"] == [{"text": text, "reason": "furniture"} for text in APPEAL]
    for number in range(2):
        assert after[number] == first[number], "what was learned since is no new version"

    shown = asked("export", "-o", "-", "--archive", "archive", cwd=tmp_path).lines
    assert asked("verify", "--deep", "--all", "--archive", "archive", cwd=tmp_path).code == 0
    rebuilt = asked("rebuild", "--replace", "--archive", "archive", cwd=tmp_path)
    assert rebuilt.code == 0, rebuilt.err
    assert asked("export", "-o", "-", "--archive", "archive", cwd=tmp_path).lines == shown

    newsroom.stories = 6
    assert crawl(newsroom.url + "/", tmp_path, "--again").code == 0
    last = records(tmp_path)
    assert last.pop(5)["articleBody"].split("\n") == own_paragraphs(5), "the rebuilt catalogue knows it too"
    assert last == after

    assert asked("reextract", "--all", "--yes", "--archive", "archive", cwd=tmp_path).code == 0
    read_again = records(tmp_path)
    for number in range(2):
        assert read_again[number]["articleBody"].split("\n") == own_paragraphs(number)
        assert read_again[number]["supersedes"] == first[number]["id"]
        assert [one["text"] for one in read_again[number]["removed"]] == APPEAL
