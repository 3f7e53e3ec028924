"""`newsark replay`: pages as they were, over the archive where it lies."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from pywb.rewrite.url_rewriter import UrlRewriter

from reading.replay.markup import MarkupRewriter
from tests.pressroom import PICTURE, Newsroom, crawl


class Replayed:
    """A replay that runs; `get` gives status, headers and body of one of its paths."""

    def __init__(self, process: subprocess.Popen[str], host: str, content_port: str) -> None:
        self.process, self.host, self.content = process, host, f"127.0.0.1:{content_port}"

    def get(self, path: str, at: str | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        asked = http.client.HTTPConnection(at or self.host, timeout=30)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        asked.request("GET", quote(path, safe="/:?&=*%"), headers=sent)
        answer = asked.getresponse()
        body = answer.read()
        asked.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


@contextmanager
def replaying(*words: str) -> Iterator[Replayed]:
    process = subprocess.Popen(
        [sys.executable, "-m", "newsark", "replay", "--port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=None,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        assert " at http://" in first, first + process.stderr.read()
        second = process.stdout.readline()
        content = second.split("port ")[1].split(",")[0]
        yield Replayed(process, first.split("http://")[1].strip().rstrip("/"), content)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    home = tmp_path_factory.mktemp("kept")
    with Newsroom() as newsroom:
        crawl(newsroom, home)
        return newsroom.url, home / "archive"


@pytest.fixture(scope="module")
def replay(kept: tuple[str, Path]) -> Iterator[tuple[str, Replayed]]:
    with replaying("--archive", str(kept[1])) as running:
        yield kept[0], running


NOW = "20300101000000"


def test_a_page_is_shown_with_its_addresses_led_into_the_archive(replay: tuple[str, Replayed]) -> None:
    site, running = replay
    status, headers, body = running.get(f"/archive/{NOW}mp_/{site}/news/one")
    assert status == 200
    assert "memento-datetime" in headers
    assert 'rel="original"' in headers["link"].replace("'", '"')
    text = body.decode()
    assert "Sentence 3 on the harbour called one" in text
    assert f"mp_/{site}/img/one-big.png 1200w" in text or f"im_/{site}/img/one-big.png 1200w" in text
    policy = headers["content-security-policy"]
    assert "sandbox allow-scripts allow-forms;" in policy
    assert f"default-src http://{running.host} " in policy
    assert "http" not in policy.replace(f"http://{running.host}", "")


@pytest.mark.parametrize("path", ["/img/one.png", "/img/one-big.png", "/img/logo.png", "/img/paper.png", "/a.woff2"])
def test_every_file_has_the_bytes_that_came(replay: tuple[str, Replayed], path: str) -> None:
    site, running = replay
    status, _, body = running.get(f"/archive/{NOW}id_/{site}{path}")
    assert (status, body) == (200, PICTURE)


def test_style_sheets_lead_into_the_archive_too(replay: tuple[str, Replayed]) -> None:
    site, running = replay
    _, _, body = running.get(f"/archive/{NOW}cs_/{site}/css/site.css")
    assert f"/archive/{NOW}" in body.decode()


def test_the_frame_names_what_it_shows_and_keeps_it_in(replay: tuple[str, Replayed]) -> None:
    site, running = replay
    status, _, body = running.get(f"/archive/{NOW}/{site}/news/one")
    text = body.decode()
    assert status == 200
    assert f'data-url="{site}/news/one"' in text
    assert 'sandbox="allow-scripts allow-forms"' in text
    assert "allow-top-navigation" not in text


def test_the_port_of_the_pages_serves_nothing_else(replay: tuple[str, Replayed]) -> None:
    site, running = replay
    status, _, body = running.get(f"/archive/{NOW}mp_/{site}/news/one", at=running.content)
    assert (status, b"Sentence 3" in body) == (200, True)
    for path in ("/", f"/archive/{NOW}/{site}/news/one", f"/archive/*/{site}/news/one"):
        status, headers, _ = running.get(path, at=running.content)
        assert (status, headers["location"]) == (302, f"http://{running.host}{path}")


def test_a_frame_for_an_address_that_is_script_holds_no_script(replay: tuple[str, Replayed]) -> None:
    site, running = replay
    _, _, body = running.get(f'/archive/{NOW}/{site}/"><script>alert(1)</script>')
    assert b"<script>alert" not in body


def test_what_was_never_kept_is_not_found(replay: tuple[str, Replayed]) -> None:
    site, running = replay
    assert running.get(f"/archive/{NOW}mp_/{site}/news/never")[0] == 404
    assert running.get("/static/newsark/../app.py")[0] == 404


def test_memento_lists_and_negotiates(replay: tuple[str, Replayed]) -> None:
    site, running = replay
    status, headers, body = running.get(f"/archive/timemap/link/{site}/news/one")
    assert status == 200
    assert headers["content-type"].startswith("application/link-format")
    assert body.decode().count("memento") >= 1
    status, headers, _ = running.get(f"/archive/mp_/{site}/news/one", Accept_Datetime="Thu, 01 Jan 2026 00:00:00 GMT")
    assert status in (200, 302, 307)
    assert "accept-datetime" in headers["vary"].lower()


def test_the_cdx_server_says_where_and_whose(replay: tuple[str, Replayed]) -> None:
    site, running = replay
    status, _, body = running.get(f"/archive/cdx?url={site}/img/&matchType=prefix&output=json")
    assert status == 200
    found = [json.loads(line) for line in body.decode().splitlines()]
    assert {one["newsroom"] for one in found} == {"n"}
    assert all(one["filename"].startswith("warc/n/") for one in found)
    assert [one["urlkey"] for one in found] == sorted(one["urlkey"] for one in found)
    assert len(found) == 7


def test_the_home_page_lists_what_came_last(replay: tuple[str, Replayed]) -> None:
    site, running = replay
    status, headers, body = running.get("/")
    assert status == 200
    assert f"/{site}/news/one" in body.decode()
    assert "Harbour two" in body.decode()
    assert "default-src 'self'" in headers["content-security-policy"]


def test_it_listens_to_nobody_but_this_machine_unless_told(kept: tuple[str, Path]) -> None:
    command = [sys.executable, "-m", "newsark", "replay", "--archive", str(kept[1]), "--host", "0.0.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--frame-url" in done.stderr


def test_a_page_of_no_certain_encoding_does_not_break_off() -> None:
    # as pywb reads UTF-8 that a page names in capitals: byte by byte, but for some attributes
    dash = "\N{EM DASH}".encode().decode("latin-1")
    rewriter = MarkupRewriter(UrlRewriter(f"{NOW}mp_/http://a.example/", "/archive/"), charset="UTF-8")
    text = rewriter.rewrite(f'<a href="mailto:?subject=it&#39;s {dash} a boat">{dash}</a>')
    assert text.encode("iso-8859-1") == b'<a href="mailto:?subject=it\'s &#8212; a boat">\xe2\x80\x94</a>'
