"""Pictures of the reading room for the documents: python -m tests.pictures docs/images.

The sample newsroom is crawled on two days that follow each other, with an edit and a removal between them.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.browser import chromium
from tests.newsroom.server import newsroom_process
from tests.readingroom import RUN, Room, serving

WIDTH, HEIGHT = 1100, 760


def main() -> None:
    """Crawl, open, and write one picture of each page."""
    target = Path(sys.argv[1]).absolute()
    target.mkdir(parents=True, exist_ok=True)
    # the archive is called by its path from here
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        archive = Path("archive")
        for _ in range(2):
            with newsroom_process("--port", "8317", "--state", f"{scratch}/clock.json") as newsroom:
                words = [
                    "--allow-host",
                    newsroom.url.removeprefix("http://"),
                    "--delay",
                    "0",
                    "--no-progress",
                    "--again",
                ]
                subprocess.run([*RUN, "crawl", f"{newsroom.url}/", "--archive", str(archive), *words], check=False)
        with serving("--archive", archive) as room, chromium() as browser:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=1)
            for name, path in paths(room).items():
                take(page, room, path, target / f"{name}.png")
            dark = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark")
            take(dark, room, paths(room)["article"], target / "article-dark.png")


def paths(room: Room) -> dict[str, str]:
    """Where each page is."""
    entries = room.get("/ledger.json?kind=edited").json["entries"]
    edited = f"/articles/{entries[0]['versions'][-1]}"
    return {
        "front": "/",
        "search": "/search?q=город",
        "article": edited,
        "compare": f"{edited}/compare",
        "replay": f"{edited}/replay",
        "ledger": "/ledger",
        "sources": "/sources",
        "figures": "/figures",
        "exports": "/exports",
        "help": "/help",
    }


def take(page: Page, room: Room, path: str, to: Path) -> None:
    """One picture, of what a window shows."""
    # so high that a change is in it
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT + (200 if path.endswith("/compare") else 0)})
    page.goto(f"{room.url}{path}")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1500 if "replay" in path or "figures" in path else 200)
    page.screenshot(path=to)


if __name__ == "__main__":
    main()
