"""Selectors of a source file as a user works with them: tried, checked, crawled with, and read again with."""

from __future__ import annotations

from pathlib import Path

from tests.cli import newsark
from tests.foreignfiles import articles, page
from tests.in_process import asked

SOURCE = """id = "valley"
name = "Valley Post"
home = "http://valley-post.example/"
discover = "listed"
feeds = ["http://valley-post.example/feed"]
"""


def home_with(directory: Path, more: str) -> Path:
    (directory / "newsark.toml").write_text('archive = "archive"\ncontact = "test@localhost"\n')
    path = directory / "sources" / "valley.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(SOURCE + more)
    return path


def test_a_saved_page_is_read_as_the_file_says(tmp_path: Path) -> None:
    path = home_with(tmp_path, '[fields]\nheadline = "p:first-of-type"\n')
    (tmp_path / "page.html").write_bytes(page(3))
    words = ("extract", "page.html", "--url", "http://valley-post.example/a", "--source-file", path)
    (record,) = newsark(*words, cwd=tmp_path).lines
    assert record["headline"].startswith("Paragraph 0 of story 3")
    assert record["metadata"]["fieldSources"]["headline"] == "selector"


def test_a_mistake_in_the_file_names_file_key_and_cure(tmp_path: Path) -> None:
    for more, told in (
        ('[fields]\nheadlines = "h1"\n', "is no field that can be set; these can: headline"),
        ('[fields]\nheadline = "h1["\n', "is no CSS selector"),
        ("[fields]\nheadline = 3\n", "must be a selector in quotes"),
        ('remove = ["p::text"]\n', "leave ::text"),
        ('fields = "h1"\n', "must be a table"),
    ):
        home_with(tmp_path, more)
        ran = asked("sources", "list", cwd=tmp_path)
        assert ran.code == 2
        assert "sources/valley.toml: " in ran.err
        assert told in ran.err, ran.err


def test_check_tells_what_hits_and_reextract_reads_older_pages_with_them(tmp_path: Path) -> None:
    home_with(tmp_path, "")
    (tmp_path / "old.warc.gz").write_bytes(articles(4))
    assert asked("import", "old.warc.gz", "--source", "valley", cwd=tmp_path).code == 0
    assert asked("reextract", "--json", cwd=tmp_path).json["read"] == 0
    home_with(tmp_path, '[fields]\nheadline = ["h6.none", "p:nth-of-type(2)"]\n')
    ran = newsark("sources", "check", "--json", "--delay", "0", cwd=tmp_path)
    assert ran.code == 1  # the feed is at a name that does not exist, and h6.none hits nothing
    tried = {one["selector"]: one["hits"] for one in ran.json["selectors"]["tried"]}
    assert (tried, ran.json["selectors"]["articles"]) == ({"h6.none": 0, "p:nth-of-type(2)": 4}, 4)
    (tmp_path / "more.warc.gz").write_bytes(articles(1, edition=" later", minutes=900))
    assert asked("import", "more.warc.gz", "--source", "valley", cwd=tmp_path).code == 0
    again = asked("reextract", "--json", "--yes", cwd=tmp_path)
    assert again.json["changed"] >= 3, again.out + again.err
    records = asked("export", "-o", "-", "--versions", "all", cwd=tmp_path).lines
    assert all(one["headline"].startswith("Paragraph 1 of story") for one in records)
    assert asked("reextract", "--json", cwd=tmp_path).json["read"] == 0
    assert asked("verify", "--deep", "--all", "--json", cwd=tmp_path).json["findings"] == []
