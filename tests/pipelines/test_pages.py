"""Golden pages: each folder holds a page, how it was fetched, and the whole record that must come of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.page import PageInput, ReadLimits
from pipelines.read import Reading, extractor_version, read_page
from pipelines.record import build_record

PAGES = sorted(path for path in (Path(__file__).parent / "pages").iterdir() if path.is_dir())


def read_folder(folder: Path) -> Reading:
    given = json.loads((folder / "input.json").read_text())
    headers = tuple((name, value) for name, value in given["headers"])
    page = PageInput(given["url"], (folder / "page.html").read_bytes(), headers, given["status"])
    return read_page(page, ReadLimits())


def outcome(folder: Path) -> dict[str, Any]:
    """What the folder's expected.json holds: the reading's own facts, and the record."""
    reading = read_folder(folder)
    record = build_record(reading, record_id=folder.name).as_json()
    assert record["metadata"].pop("extractorVersion") == extractor_version()
    return {
        "kind": reading.kind,
        "reason": reading.reason,
        "links": [[link.url, link.text] for link in reading.links],
        "feedLinks": list(reading.feed_links),
        "record": record,
    }


@pytest.mark.parametrize("folder", PAGES, ids=lambda folder: folder.name)
def test_a_page_gives_exactly_its_record(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    assert outcome(folder) == expected


@pytest.mark.parametrize("folder", PAGES, ids=lambda folder: folder.name)
def test_a_page_without_text_gives_a_reason(folder: Path) -> None:
    found = outcome(folder)
    assert (found["record"]["articleBody"] is None) == (found["reason"] is not None)
    assert found["record"]["metadata"].get("reason") == found["reason"]


@pytest.mark.parametrize(
    "words", ["newsletter", "Dear readers", "Give now", "Monthly", "Send it to me", "cheque", "privacy"]
)
def test_no_word_of_an_appeal_is_in_the_text(words: str) -> None:
    folder = Path(__file__).parent / "pages" / "appeal-inside"
    reading = read_folder(folder)
    assert reading.article is not None
    assert words in (folder / "page.html").read_text()
    assert words not in reading.article["articleBody"]
