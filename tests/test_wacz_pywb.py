"""An exported WACZ in the replay that most archives run: plain pywb, which unpacks and indexes it by itself."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli import newsark
from tests.pressroom import PICTURE, Newsroom, crawl

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The newsroom's address, and the port of a pywb that knows nothing but the package."""
    home, pywb = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("pywb")
    with Newsroom() as newsroom:
        crawl(newsroom, home)
    assert newsark("export", "--archive", home / "archive", "-o", home / "all.wacz", cwd=home).code == 0
    for words in (["init", "n"], ["add", "--unpack-wacz", "n", str(home / "all.wacz")]):
        done = subprocess.run([BIN / "wb-manager", *words], cwd=pywb, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [BIN / "wayback", "-p", str(port), "-b", "127.0.0.1"]
    process = subprocess.Popen(command, cwd=pywb, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(150):
            try:
                asked(port, "/")
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        yield newsroom.url, port
    finally:
        process.terminate()
        process.wait(timeout=10)


def asked(port: int, path: str) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_pages_and_pictures_are_found_and_are_the_bytes_that_came(replayed: tuple[str, int]) -> None:
    site, port = replayed
    status, body = asked(port, f"/n/20300101000000mp_/{site}/news/one")
    assert (status, b"Sentence 3 on the harbour called one" in body) == (200, True)
    for path in ("/img/one-big.png", "/img/logo.png", "/a.woff2"):
        assert asked(port, f"/n/20300101000000id_/{site}{path}") == (200, PICTURE)


def test_its_index_is_that_of_the_package(replayed: tuple[str, int]) -> None:
    site, port = replayed
    status, body = asked(port, f"/n/cdx?url={site}/news/&matchType=prefix")
    assert status == 200
    assert len(body.splitlines()) == 2
