"""What rendering needs that no page sees: browsers that do not start, files that are remembered."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.rendering import sharedfiles
from crawler.rendering.browsers import Browsers
from crawler.rendering.needs import refuse_without_browser
from crawler.rendering.rendered import NoBrowser
from crawler.rendering.sharedfiles import Fetched, SharedFiles
from crawler.source import source_for_url
from storage.capture import Capture
from storage.errors import BadSourceFile
from storage.exchange import Exchange

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Wire:
    """Brings a body of ten bytes with a status; `asked` counts."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.asked = status, 0

    async def fetch(self) -> Fetched:
        self.asked += 1
        await asyncio.sleep(0)
        head = f"HTTP/1.1 {self.status} X\r\n\r\n".encode()
        exchange = Exchange(
            url="http://a.example/x", request=b"", started=NOW, ended=NOW, response_head=head, body=b"x" * 10
        )
        return Fetched(exchange, Capture("warc/x", 0, 1, f"<urn:uuid:{self.asked}>", "response", NOW, exchange.url))


async def test_who_wants_a_file_meanwhile_waits_for_it() -> None:
    files, wire = SharedFiles(), Wire()
    all_of_them = await asyncio.gather(*(files.once("http://a.example/x", wire.fetch) for _ in range(5)))
    assert {one.capture.record_id for one in all_of_them} == {"<urn:uuid:1>"}
    assert wire.asked == 1


@pytest.mark.parametrize(("status", "asked"), [(200, 1), (302, 1), (404, 1), (304, 2), (429, 2), (503, 2)])
async def test_what_is_passing_is_asked_for_again(status: int, asked: int) -> None:
    files, wire = SharedFiles(), Wire(status)
    for _ in range(2):
        await files.once("http://a.example/x", wire.fetch)
    assert wire.asked == asked


async def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    files, wire = SharedFiles(most_bytes=25), Wire()
    for name in ("a", "b", "a", "c", "a", "b"):
        await files.once(f"http://a.example/{name}", wire.fetch)
    # a, b and c were asked for; c took the room of b, and b is asked for again
    assert wire.asked == 4


async def test_a_file_is_remembered_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    files, wire = SharedFiles(), Wire()
    await files.once("http://a.example/x", wire.fetch)
    monkeypatch.setattr(sharedfiles, "HOLDS_SECONDS", 0.0)
    await files.once("http://a.example/x", wire.fetch)
    assert wire.asked == 2


async def test_whoever_waited_asks_when_the_first_could_not() -> None:
    files, wire = SharedFiles(), Wire()

    async def refused() -> Fetched:
        await asyncio.sleep(0)
        raise ValueError("refused")

    first = asyncio.create_task(files.once("http://a.example/x", refused))
    await asyncio.sleep(0)
    second = await files.once("http://a.example/x", wire.fetch)
    assert second.capture.record_id == "<urn:uuid:1>"
    with pytest.raises(ValueError, match="refused"):
        await first


async def test_a_browser_that_does_not_start_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho no library >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    browsers = Browsers()
    with pytest.raises(NoBrowser, match=r"the browser does not start: .* no library"):
        async with browsers.one():
            raise AssertionError("it started")
    await browsers.close()


def test_only_who_renders_needs_a_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    plain = source_for_url("https://a.example/")
    refuse_without_browser([plain])
    with pytest.raises(BadSourceFile, match="source a-example: render: needs Chromium"):
        refuse_without_browser([plain, plain.model_copy(update={"render": True})])
