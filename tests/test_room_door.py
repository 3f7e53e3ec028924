"""The reading room's door: who may come in, from where, and how often."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli import newsark
from tests.exportable import make_archive, record
from tests.readingroom import RUN, serving

PAGE = {"Accept": "text/html"}
TOKEN = "a-long-word-for-tests-only"
RECORD = record(4, 2)["id"]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("kept")
    make_archive(home).close()
    return home / "archive"


def test_on_other_addresses_it_asks_who_comes(archive: Path, tmp_path: Path) -> None:
    done = newsark("serve", "--archive", archive, "--host", "0.0.0.0", cwd=tmp_path)
    assert done.code == 2
    assert "NEWSARK_SERVE_TOKEN" in done.err
    assert "--proxy-header" in done.err


def test_who_comes_is_said_in_one_way(archive: Path, tmp_path: Path) -> None:
    words = [*RUN, "serve", "--archive", archive, "--proxy-header", "X-User", "--no-replay"]
    both = subprocess.run(
        words, capture_output=True, text=True, timeout=60, env={**os.environ, "NEWSARK_SERVE_TOKEN": TOKEN}
    )
    assert both.returncode == 2
    assert "take one" in both.stderr


def test_a_token_lets_in(archive: Path) -> None:
    with serving("--archive", archive, "--host", "0.0.0.0", "--no-replay", NEWSARK_SERVE_TOKEN=TOKEN) as room:
        room.url = room.url.replace("0.0.0.0", "127.0.0.1")
        assert room.get("/index.json").status == 401
        assert room.get("/index.json", Authorization="Bearer wrong").status == 401
        assert room.get("/index.json", Authorization=f"Bearer {TOKEN}").status == 200
        led = room.get("/search?q=a", **PAGE)
        assert (led.status, led.headers["location"]) == (303, "/login?next=/search%3Fq%3Da")
        assert room.get("/login", **PAGE).status == 200
        assert room.post("/login", {"token": "wrong"}).status == 401
        shown = room.post("/login", {"token": TOKEN, "next": "//evil.example/"})
        assert (shown.status, shown.headers["location"]) == (303, "/")
        cookie = shown.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert TOKEN not in cookie
        assert room.get("/", Cookie=cookie.partition(";")[0], **PAGE).status == 200


def test_a_proxy_says_who_comes_and_too_many_searches_wait(archive: Path) -> None:
    words = ("--archive", archive, "--no-replay", "--proxy-header", "X-Forwarded-User")
    with serving(*words, NEWSARK_SERVE_SEARCHES_PER_MINUTE="2") as room:
        assert room.get("/search.json").status == 401
        statuses = [room.get("/search.json", X_Forwarded_User="ann").status for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = room.get("/search.json", X_Forwarded_User="ann")
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert room.post(f"/articles/{RECORD}/check.json", X_Forwarded_User="ann").status == 429
        assert room.get("/search.json", X_Forwarded_User="bob").status == 200
        assert room.get("/help.json", X_Forwarded_User="ann").status == 200
