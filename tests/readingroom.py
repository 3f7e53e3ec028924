"""A reading room that runs, and an archive for it: two articles, one edited silently, one taken down; and one whose
every field is an attempt to be more than text."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson

from newsark.home import utc_now
from storage.archive import Archive, ArchiveSettings
from storage.versions import Version, Versions, article_key
from tests.loopback import Shown
from tests.pressroom import Newsroom, crawl

RUN = [sys.executable, "-m", "newsark"]
SCRIPT = "<script>document.title='taken'</script>"
BREAK = "\"'><img src=x onerror=alert(1)>"
TURNED = "\u202egnp.exe\u2066"
HOSTILE_ID = "f" * 32


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Room:
    """A room that runs; `get` and `post` ask it without following redirects."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url.rstrip("/")

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return self._ask(method, path, None, headers)

    def post(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> Answer:
        body = urlencode(form or {}, doseq=True)
        return self._ask("POST", path, body, {"Content_Type": "application/x-www-form-urlencoded", **headers})

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        asked = http.client.HTTPConnection(self.host, timeout=60)
        asked.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = asked.getresponse()
        found = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        asked.close()
        return found


@contextmanager
def serving(*words: str | Path, **environment: str) -> Iterator[Room]:
    """`newsark serve` on a free port until the block ends; Ctrl-C must end it."""
    command = [*RUN, "serve", "--port", "0", *map(str, words)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    assert process.stdout is not None
    assert process.stderr is not None
    first = process.stdout.readline()
    assert " at http://" in first, first + process.stderr.read()
    try:
        yield Room(process, first.rpartition(" at ")[2].strip())
    finally:
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert "Traceback" not in told, told


class ChangingNewsroom(Newsroom):
    """The newsroom of the replay's tests; `later` is after one article was edited and the other taken down."""

    def __init__(self) -> None:
        self.later = False
        super().__init__()

    def shown(self, path: str) -> Shown:
        if self.later and path == "/news/two":
            return 410
        found = super().shown(path)
        if self.later and path == "/news/one" and isinstance(found, str):
            return found.replace("Sentence 3 on the harbour", "Sentence 3 on the new harbour")
        return found


def run_again(home: Path) -> None:
    """Crawl the newsroom once more."""
    again = ["crawl", "--again", "--source-file", str(home / "n.toml"), "--no-progress"]
    done = subprocess.run([*RUN, *again, "--archive", str(home / "archive")], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr


@contextmanager
def lived(home: Path) -> Iterator[tuple[str, Path]]:
    """The newsroom's address, and an archive in `home` that saw both states of it."""
    with ChangingNewsroom() as newsroom:
        crawl(newsroom, home)
        newsroom.later = True
        run_again(home)
        add_hostile(home / "archive")
        yield newsroom.url, home / "archive"


def add_hostile(directory: Path) -> None:
    """Record an article that no crawl would bring: every field of it is an attempt."""
    evil = f"{SCRIPT}{BREAK}{TURNED}"
    url = "javascript:alert(1)//" + SCRIPT
    record = {
        "id": HOSTILE_ID,
        "type": "NewsArticle",
        "url": url,
        "canonicalUrl": url,
        "urlkey": "x",
        "headline": evil + " hostile " + "long " * 2_000_000,
        "description": evil,
        "articleBody": f"{evil} harbour\n</p></article>{SCRIPT}\n{TURNED}",
        "inLanguage": BREAK,
        "datePublished": SCRIPT,
        "dateModified": BREAK,
        "author": [{"name": evil, "url": url}],
        "articleSection": [evil],
        "keywords": [evil],
        "image": [{"url": url, "caption": evil}],
        "removed": [{"reason": BREAK, "text": evil}],
        "wordCount": 3,
        "archive": None,
        "metadata": {"extractor": evil, "extractorVersion": BREAK, "confidence": 0.1, "doubts": [evil], "reason": evil},
        "version": 1,
        "contentDigest": "sha256:0",
    }
    archive = Archive.open(directory, ArchiveSettings(), utc_now, create=False)
    with archive.catalogue.begin() as connection:
        Versions(connection, "n").add(
            [
                Version(
                    article=article_key(url),
                    record_id=HOSTILE_ID,
                    version=1,
                    url=url,
                    content_digest="sha256:0",
                    captured_at=datetime(2026, 1, 1, tzinfo=UTC),
                    records_key="records/n/none.jsonl.gz",
                    line=orjson.dumps(record).decode(),
                    canonical_url=url,
                    headline=record["headline"],
                    date_published="2026-03-10T08:00:00+01:00",
                    in_language=BREAK[:35],
                )
            ]
        )
    archive.close()
