"""`newsark extract`: one record for each page, in order, whatever some of the pages are."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from newsark.pagefile import PageFile, read_manifest, record_of_file
from pipelines.page import ReadLimits
from storage.errors import WrongUse
from tests.cli import NEWSARK, Ran, newsark
from tests.in_process import in_process
from tests.newsroom import Newsroom, Story

BASE = "https://lantern.example"


@dataclass(frozen=True, slots=True)
class Pages:
    """Stories of the sample newsroom as files, and a manifest that lists them, newest story first."""

    directory: Path
    stories: list[Story]

    @property
    def manifest(self) -> Path:
        """A line for each story; every second file is gzipped."""
        return self.directory / "pages.jsonl"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    directory = tmp_path_factory.mktemp("pages")
    newsroom = Newsroom(base_url=BASE)
    stories = newsroom.stories()
    (directory / "html").mkdir()
    lines = []
    for number, story in enumerate(stories):
        body = newsroom.page(story.path).body
        path = directory / "html" / f"{number}.html"
        path.write_bytes(body)
        if number % 2:
            path = path.with_name(f"{number}.html.gz")
            path.write_bytes(gzip.compress(body))
        entry = {"id": f"page-{number}", "url": BASE + story.path, "path": str(path.relative_to(directory))}
        lines.append(json.dumps(entry))
    found = Pages(directory, stories)
    found.manifest.write_text("\n".join(lines), encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def extracted(pages: Pages) -> Ran:
    return newsark("extract", "--pages", pages.manifest, cwd=pages.directory.parent)


def test_records_come_in_the_order_of_the_manifest_with_its_ids(pages: Pages, extracted: Ran) -> None:
    assert (extracted.code, extracted.err) == (0, "")
    assert [record["id"] for record in extracted.lines] == [f"page-{n}" for n in range(len(pages.stories))]
    assert [record["url"] for record in extracted.lines] == [BASE + story.path for story in pages.stories]


def test_each_record_has_its_storys_words(pages: Pages, extracted: Ran) -> None:
    for story, record in zip(pages.stories, extracted.lines, strict=True):
        assert record["headline"] == story.headline
        assert set(story.paragraphs) <= set(record["articleBody"].split("\n"))
        assert record["archive"] is None


def test_a_file_its_gzip_and_standard_input_give_the_same_line(pages: Pages) -> None:
    plain, packed = pages.directory / "html" / "1.html", pages.directory / "html" / "1.html.gz"
    ran = newsark("extract", plain, packed, "-", "--url", f"{BASE}/x", cwd=pages.directory, stdin=plain.read_bytes())
    first, second, third = ran.out.splitlines()
    assert first == second == third
    assert json.loads(first)["headline"] == pages.stories[1].headline


def one(path: Path) -> dict[str, Any]:
    """The record of one file."""
    line = record_of_file(PageFile(str(path)), ReadLimits()).line
    assert line.endswith(b"\n")
    return dict(json.loads(line))


def test_a_page_needs_no_url(pages: Pages) -> None:
    record = one(pages.directory / "html" / "0.html")
    assert (record["url"], record["headline"]) == ("", pages.stories[0].headline)


def test_pages_without_url_and_id_are_told_apart(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(f"<p>{name.upper()}</p>")
    ids = {one(tmp_path / name)["id"] for name in ("a", "b", "c", "missing", "missing-too")}
    assert len(ids) == 5


@pytest.mark.parametrize(
    "body", [b"", b" ", b"<p>Hello</p>", b"<html><title>A</title></html>", b"%PDF-1.4", b'{"a": 1}', b"\x00\xff" * 99]
)
def test_a_page_without_article_text_has_a_reason_and_no_text(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "page"
    path.write_bytes(body)
    record = one(path)
    assert record["articleBody"] is None
    assert record["metadata"]["judgement"] != "article"
    assert record["metadata"]["reason"]


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(1 << 20)))
    page = record_of_file(PageFile(str(path)), ReadLimits(max_page_bytes=1 << 16))
    assert page.problem is not None
    assert "more than 65536 bytes" in page.problem


def test_a_page_that_cannot_be_read_costs_no_other(pages: Pages, tmp_path: Path) -> None:
    good = str(pages.directory / "html" / "0.html")
    broken = tmp_path / "broken.gz"
    broken.write_bytes(b"\x1f\x8b\x08\x00" + b"garbage" * 9)
    entries = [
        {"id": "first", "path": good},
        {"id": "missing", "path": "no-such-file.html"},
        {"id": "directory", "path": "."},
        {"id": "broken", "path": broken.name},
        {"id": "last", "path": good},
    ]
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("\n".join(map(json.dumps, entries)))
    ran = newsark("extract", "--pages", manifest, cwd=tmp_path)
    assert ran.code == 1
    assert [record["id"] for record in ran.lines] == ["first", "missing", "directory", "broken", "last"]
    assert [bool(record["articleBody"]) for record in ran.lines] == [True, False, False, False, True]
    reasons = [record["metadata"]["reason"] for record in ran.lines[1:4]]
    for reason, word in zip(reasons, ("No such file", "Is a directory", "not valid gzip"), strict=True):
        assert word in reason
    said = ran.err.splitlines()
    assert len(said) == 3
    for line, name in zip(said, ("no-such-file.html", str(tmp_path), "broken.gz"), strict=True):
        assert line.startswith("newsark: ")
        assert name in line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nope", "not JSON"),
        ("[1]", '"path"'),
        ('{"id": "a"}', '"path"'),
        ('{"path": 5}', "path is text"),
        ('{"path": "a", "url": 5}', "url is text"),
    ],
)
def test_a_bad_manifest_line_is_named_before_anything_is_read(tmp_path: Path, line: str, words: str) -> None:
    manifest = tmp_path / "m.jsonl"
    manifest.write_text(f'{{"path": "a.html"}}\n\n{line}\n')
    with pytest.raises(WrongUse, match=r"m\.jsonl, line 3: ") as caught:
        list(read_manifest(manifest))
    assert words in str(caught.value)


def test_a_manifest_may_have_a_byte_order_mark_crlf_numbers_and_nulls(tmp_path: Path) -> None:
    manifest = tmp_path / "m.jsonl"
    lines = b'{"id": 7, "url": null, "path": "a"}\r\n\r\n{"id": null, "path": "/b"}'
    manifest.write_bytes(b"\xef\xbb\xbf" + lines)
    assert list(read_manifest(manifest)) == [PageFile(str(tmp_path / "a"), "", "7"), PageFile("/b", "", None)]


def test_a_manifest_that_lists_nothing_gives_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.jsonl").touch()
    assert in_process(tmp_path, monkeypatch, capsys)("extract", "--pages", "m.jsonl") == Ran(0, "", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name at least one HTML file"),
        (("--pages", "no.jsonl"), "no.jsonl cannot be read: No such file"),
        (("--pages", "m.jsonl", "a.html"), "give no FILE"),
        (("https://news.example.org/a",), "newsark crawl https://news.example.org/a"),
        (("--workers", "0", "a.html"), "must be greater than or equal to 1"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: str,
) -> None:
    ran = in_process(tmp_path, monkeypatch, capsys)("extract", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("newsark: ")
    assert ran.err.count("\n") == 1
    assert words in ran.err


def test_nothing_is_written_beside_the_pages(pages: Pages, extracted: Ran) -> None:
    assert sorted(path.name for path in pages.directory.iterdir()) == ["html", "pages.jsonl"]
    assert not (pages.directory.parent / "archive").exists()


def test_a_reader_that_goes_away_ends_it_well(pages: Pages) -> None:
    with subprocess.Popen(
        [NEWSARK, "extract", "--pages", pages.manifest], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["id"] == "page-0"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 0


def test_the_process_that_waits_for_records_loads_no_extractor(pages: Pages) -> None:
    code = (
        "import sys; sys.argv = ['newsark', 'extract', 'html/0.html']\n"
        "from newsark.cli import run\n"
        "if __name__ == '__main__':\n"
        "    run(); print(sorted({'trafilatura', 'scrapy', 'sqlalchemy'} & set(sys.modules)), file=sys.stderr)"
    )
    script = pages.directory.parent / "script.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, script], cwd=pages.directory, capture_output=True, check=True)
    assert json.loads(done.stdout)["headline"] == pages.stories[0].headline
    assert done.stderr == b"[]\n"
