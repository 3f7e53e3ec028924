"""An exported WACZ in the viewer that archivists use: ReplayWeb.page, from a server that knows ranges."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Error, Frame, Page

from tests.browser import chromium
from tests.in_process import asked
from tests.pressroom import Newsroom, crawl

VIEWER = "replaywebpage@2.5.3"
PAGE = """<!doctype html><meta charset="utf-8"><script src="ui.js"></script>
<replay-web-page source="all.wacz" url="{url}" embed="replayonly" replayBase="./replay/"></replay-web-page>"""


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that serves the viewer, but for the package and the page."""
    directory = tmp_path_factory.mktemp("viewer")
    npm = shutil.which("npm")
    if npm is None or subprocess.run([npm, "pack", VIEWER], cwd=directory, capture_output=True, timeout=110).returncode:
        pytest.skip(f"NO VIEWER: {VIEWER} cannot be had from npm here, so nothing is known of how it shows a WACZ")
    with tarfile.open(next(directory.glob("*.tgz"))) as packed:
        packed.extractall(directory, filter="data")
    (directory / "replay").mkdir()
    for name, to in (("ui.js", "ui.js"), ("ui.js", "replay/ui.js"), ("sw.js", "replay/sw.js")):
        shutil.copy(directory / "package" / name, directory / to)
    return directory


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def served(viewer: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("kept")
    with Newsroom() as newsroom:
        crawl(newsroom, home)
        (viewer / "index.html").write_text(PAGE.format(url=f"{newsroom.url}/news/one"))
    assert asked("export", "--archive", home / "archive", "-o", viewer / "all.wacz", cwd=home).code == 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(viewer)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # service workers ask for https, or for this name
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


def shown(page: Page, headline: str) -> Frame:
    """The frame that shows the page, once it does."""
    for turn in range(80):
        page.wait_for_timeout(500)
        if turn % 20 == 19:
            # the first load may come before the viewer's service worker
            page.reload()
        for frame in page.frames:
            try:
                if frame.locator("h1").all_inner_texts() == [headline]:
                    page.wait_for_timeout(1000)
                    return frame
            except Error:
                continue
    pytest.fail(f"the viewer shows no {headline!r}: {[frame.url for frame in page.frames]}")


def test_the_viewer_shows_the_page_with_pictures_and_scripts(served: str) -> None:
    with chromium() as browser:
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(served)
        frame = shown(page, "Harbour one")
        widths = frame.evaluate("[...document.images].map(one => [one.currentSrc.split('/').pop(), one.naturalWidth])")
        assert dict(widths)["one-big.png"] > 0
        assert dict(widths)["logo.png"] == 90
        assert frame.evaluate("document.documentElement.dataset.script") == "ran"
        own = urlsplit(served).netloc
        assert [url for url in asked if url.startswith("http") and urlsplit(url).netloc != own] == []
