"""`newsark ledger`, `diff` and `show` as a user runs them, on a site that changes between crawls."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from tests.articlesite import NAMES, OTHER, Site, article, sentences
from tests.cli import Ran, crawl
from tests.in_process import asked


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Path]]:
    """A site crawled three times: as it was, changed, and with one article back."""
    site, directory = Site(), tmp_path_factory.mktemp("ledger")
    assert crawl(site.url + "/", directory).code == 0
    site.pages["edited"] = article("edited", "Hall edited sold", "This is the report called edited, and it was mended.")
    site.pages["renamed"] = article("renamed", "Hall renamed is not sold")
    site.pages |= {"gone": 410, "home": (302, "/"), "busy": 403}
    site.pages |= {"moved": (301, "/news/here-now"), "here-now": article("moved", "Hall moved sold")}
    site.pages |= {
        "replaced": (302, "/news/other"),
        "other": OTHER,
        "slash": (301, "/news/slash/"),
        "slash/": article("slash", "Hall slash sold"),
    }
    crawl(site.url + "/", directory, "--again")
    site.pages["home"] = article("home", "Hall home sold")
    crawl(site.url + "/", directory, "--again")
    yield site, directory
    site.close()


def run(directory: Path, *words: str) -> Ran:
    return asked(*words, "--archive", "archive", cwd=directory)


def test_everything_that_happened_is_told_once_and_nothing_else(crawled: tuple[Site, Path]) -> None:
    _, directory = crawled
    entries = run(directory, "ledger", "--json").lines
    found = {(one["url"].rpartition("/")[2], one["kind"], one["state"]) for one in entries}
    assert found == {
        ("edited", "edited", "confirmed"),
        ("renamed", "headline", "confirmed"),
        ("gone", "removed", "suspected"),
        ("home", "removed", "suspected"),
        ("home", "restored", "confirmed"),
        ("busy", "blocked", "suspected"),
        ("moved", "moved", "confirmed"),
        ("replaced", "removed", "suspected"),
    }
    assert len(entries) == len(found)
    assert all(one["captures"] for one in entries)
    assert {one["silent"] for one in entries if one["kind"] in ("edited", "headline")} == {True}


def test_every_capture_that_an_entry_names_is_in_the_archive(crawled: tuple[Site, Path]) -> None:
    import gzip

    _, directory = crawled
    kept = b"".join(gzip.decompress(path.read_bytes()) for path in (directory / "archive").rglob("*.warc.gz"))
    named = {capture for one in run(directory, "ledger", "--json").lines for capture in one["captures"]}
    assert named
    assert [one for one in named if one.removeprefix("urn:uuid:").encode() not in kept] == []


def test_the_last_good_copy_stays_the_articles_face(crawled: tuple[Site, Path]) -> None:
    _, directory = crawled
    records = run(directory, "export", "-o", "-").lines
    faces = {one["url"].rstrip("/").rpartition("/")[2]: one["articleBody"] for one in records}
    assert set(faces) == {*NAMES, "here-now"}
    assert faces.pop("here-now") == faces["moved"]
    assert all(sentences(name)[0] in body for name, body in faces.items())


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--kind", "removed"), ["gone", "home", "replaced"]),
        (("--text", "MENDED"), []),
        (("--text", "hall edited"), ["edited"]),
        (("--since", "1h", "--kind", "headline"), ["renamed"]),
        (("--since", "2999-01-01"), []),
        (("--kind", "alert"), []),
    ],
)
def test_entries_are_chosen(crawled: tuple[Site, Path], options: tuple[str, ...], names: list[str]) -> None:
    found = run(crawled[1], "ledger", "--json", *options).lines
    assert sorted(one["url"].rpartition("/")[2] for one in found) == names


def test_a_source_is_named_as_a_word_or_as_an_option(crawled: tuple[Site, Path]) -> None:
    source = run(crawled[1], "status", "--json").json["sources"][0]["id"]
    word = run(crawled[1], "ledger", source, "--json").out
    assert (run(crawled[1], "ledger", "--source", source, "--json").out, len(word.splitlines())) == (word, 8)
    unknown = run(crawled[1], "ledger", "--source", "nobody")
    assert (unknown.code, "nobody" in unknown.err) == (2, True)


def test_wrong_words_are_named_with_what_is_right(crawled: tuple[Site, Path]) -> None:
    kind = run(crawled[1], "ledger", "--kind", "deleted")
    assert (kind.code, "'deleted' is no kind; there are edited" in kind.err) == (2, True)
    since = run(crawled[1], "ledger", "--since", "last week")
    assert (since.code, "24h, 7d or 4w" in since.err) == (2, True)


def test_csv_opens_safely_in_a_spreadsheet(crawled: tuple[Site, Path]) -> None:
    rows = list(csv.DictReader(io.StringIO(run(crawled[1], "ledger", "--format", "csv").out)))
    assert len(rows) == 8
    (gone,) = [row for row in rows if row["url"].endswith("/gone")]
    assert gone["headline"] == "'=Hall gone sold"


def test_atom_has_each_entry_with_an_id_of_its_own(crawled: tuple[Site, Path]) -> None:
    feed = etree.fromstring(run(crawled[1], "ledger", "--format", "atom").out.encode())
    space = {"a": "http://www.w3.org/2005/Atom"}
    entries = feed.xpath("a:entry", namespaces=space)
    assert len(entries) == 8
    assert len({entry.findtext("a:id", namespaces=space) for entry in entries}) == 8
    assert {"title", "id", "updated", "link"} <= {etree.QName(part).localname for part in entries[0]}


def test_diff_shows_the_words(crawled: tuple[Site, Path]) -> None:
    site, directory = crawled
    shown = run(directory, "diff", f"{site.url}/news/edited").out
    assert "and it [-has a first sentence-]{+was mended+}." in shown
    assert "headline" not in shown
    told = run(directory, "diff", f"{site.url}/news/renamed", "--json").json
    assert told["fields"]["headline"] == {"old": "Hall renamed sold", "new": "Hall renamed is not sold"}
    assert told["paragraphs"] == []


def test_diff_as_a_page_needs_nothing_else(crawled: tuple[Site, Path], tmp_path: Path) -> None:
    site, directory = crawled
    path = tmp_path / "diff.html"
    assert run(directory, "diff", f"{site.url}/news/edited", "--html", str(path)).code == 0
    text = path.read_text()
    assert "<ins>" in text
    assert "<del>" in text
    assert "default-src 'none'" in text


@pytest.mark.parametrize(
    ("name", "versions", "words"),
    [("stays", (), "one version only"), ("edited", ("1", "7"), "there is no version 7; there are 1, 2")],
)
def test_diff_says_what_there_is_not(
    crawled: tuple[Site, Path], name: str, versions: tuple[str, ...], words: str
) -> None:
    site, directory = crawled
    ran = run(directory, "diff", f"{site.url}/news/{name}", *versions)
    assert (ran.code, words in ran.err) == (2, True)


def test_show_draws_the_life(crawled: tuple[Site, Path]) -> None:
    site, directory = crawled
    assert "❶✕·" in run(directory, "show", f"{site.url}/news/home").out
    assert "❶❷·" in run(directory, "show", f"{site.url}/news/edited").out


def test_status_says_what_is_due_and_what_came_in(crawled: tuple[Site, Path]) -> None:
    _, directory = crawled
    (source,) = run(directory, "status", "--json").json["sources"]
    assert source["pulse"]["lastDay"] == 10
    assert source["pulse"]["usualDay"] is None
    assert source["pulse"]["nextDue"] is not None
    assert "10 new articles in the last day" in run(directory, "status").out


def test_coverage_lists_what_is_not_saved_and_not_what_is_gone_now(crawled: tuple[Site, Path]) -> None:
    site, directory = crawled
    assert run(directory, "status", "--coverage").out.strip() == "Every known article is saved."
    site.pages["late"] = 403
    crawl(f"{site.url}/news/late", directory)
    (one,) = run(directory, "status", "--coverage", "--json").lines
    assert (one["url"], one["state"], one["reason"]) == (f"{site.url}/news/late", "failed", "http-403")
    assert "http-403" in run(directory, "status", "--coverage").out


def test_an_edit_that_is_taken_back_and_made_again_is_three_edits(tmp_path: Path) -> None:
    site = Site()
    first = site.pages["edited"]
    second = article("edited", "Hall edited sold", "This is the report called edited, and it was mended.")
    try:
        crawl(site.url + "/", tmp_path)
        for shown in (second, second, first, first, second):
            site.pages["edited"] = shown
            crawl(site.url + "/", tmp_path, "--again")
    finally:
        site.close()
    entries = run(tmp_path, "ledger", "--json").lines
    assert [(one["url"].rpartition("/")[2], one["kind"]) for one in entries] == [("edited", "edited")] * 3
    records = run(tmp_path, "export", "-o", "-").lines
    (latest,) = [one["articleBody"] for one in records if one["url"].endswith("/edited")]
    assert "it was mended" in latest
