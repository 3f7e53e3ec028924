"""The reading room tells of pages that are kept and not read yet, wherever somebody would look for them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import newsark
from tests.loopback import Shown
from tests.pressroom import Newsroom, crawl
from tests.readingroom import RUN, Room, serving

PAGE = {"Accept": "text/html"}


class GrowingNewsroom(Newsroom):
    """The newsroom of the replay's tests; `later` one article was edited, and there is one more."""

    def __init__(self) -> None:
        self.later = False
        super().__init__()

    def shown(self, path: str) -> Shown:
        found = super().shown(path)
        if not self.later or not isinstance(found, str):
            return found
        more = f"<url><loc>{self.url}/news/three</loc></url></urlset>"
        return found.replace("</urlset>", more).replace("Sentence 3 on the harbour called one", "It is denied")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A newsroom's address, and an archive that read it once and kept it to be read later once more."""
    home = tmp_path_factory.mktemp("kept")
    with GrowingNewsroom() as newsroom:
        crawl(newsroom, home)
        newsroom.later = True
        again = [*RUN, "crawl", "--again", "--extract", "later", "--source-file", home / "n.toml", "--no-progress"]
        done = subprocess.run([*again, "--archive", home / "archive"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield newsroom.url, home / "archive"


def told(room: Room, path: str) -> str:
    """The words of a page, one space between any two."""
    return " ".join(room.get(path, **PAGE).text.split())


def test_what_is_kept_and_not_read_is_told_with_the_command_that_reads_it(kept: tuple[str, Path]) -> None:
    url, archive = kept
    command = "newsark reextract n"
    with serving("--archive", archive, "--no-replay") as room:
        assert room.get("/index.json").json["totals"]["unread"] == 2
        assert [one["unread"] for one in room.get("/sources.json").json["sources"]] == [2]
        assert room.get("/sources/n.json").json["unread"] == {"visits": 2, "pages": 2}
        assert "kept, not read yet</a></dt><dd>2</dd>" in told(room, "/")
        assert "2 pages kept, not read yet" in told(room, "/sources")
        assert f"2 pages are kept and not read yet: {BETWEEN}<code>{command}</code>" in told(room, "/sources/n")
        one = room.get(f"/find?url={url}/news/one").headers["location"]
        assert room.get(f"{one}.json").json["unread"] == 1
        assert f"1 later visit to this article is kept and not read yet. <code>{command}</code>" in told(room, one)
        unknown = room.get(f"/find?url={url}/news/three")
        assert unknown.status == 404
        assert f"is kept and not read yet: {command} reads it" in unknown.json["error"]
        shown = newsark("show", f"{url}/news/three", "--archive", archive, cwd=archive.parent)
        assert f"is kept and not read yet: {command} reads it" in shown.err
        assert newsark(*command.split()[1:], "--yes", "--archive", archive, cwd=archive.parent).code == 0
    with serving("--archive", archive, "--no-replay") as room:
        assert room.get("/index.json").json["totals"]["unread"] == 0
        assert not any("not read yet" in told(room, path) for path in ("/", "/sources", "/sources/n", one))
        assert room.get(f"/find?url={url}/news/three").status == 303


BETWEEN = "they can be replayed and exported as WARC, and no search finds them. "
