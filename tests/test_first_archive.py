"""An archive that the first version made is opened, read, verified, rebuilt and crawled on by this one."""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import newsark as api
from reading.replay.index import CatalogueIndex
from storage.catalogue import Catalogue
from storage.migrations.standing import CURRENT
from tests.cli import newsark
from tests.crawling import write_source
from tests.in_process import asked
from tests.loopback import LoopbackSite

PACKED = Path(__file__).parent / "archives" / "first.tar.gz"
SOURCE, SITE = "127-0-0-1-47", "http://127.0.0.1:47"
SWING_BRIDGE = f"{SITE}/2026/03/12/swing-bridge-stuck-open"
LEADS = {"known": 41, "captured": 0, "unchanged": 10, "failed": 0, "refused": 0, "pending": 31}
# What the first extractor did not give yet, so that reading again gives something else.
NEW_FIELDS = "articleBodyHtml, metadata.fieldSources, metadata.confidence"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory with the archive as it was left."""
    with tarfile.open(PACKED) as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path


def catalogue(home: Path) -> Path:
    return home / "archive" / ".newsark" / "catalogue.sqlite"


def rows(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as database:
        return sorted(database.execute(query).fetchall())


def test_it_opens_and_gives_back_what_it_holds(home: Path) -> None:
    before = catalogue(home).read_bytes()
    shown = newsark("status", "--json", cwd=home)
    assert shown.code == 0
    assert f"from version 1 to version {CURRENT}" in shown.err
    (source,) = shown.json["sources"]
    assert (source["leads"], source["articles"], source["segments"]) == (LEADS, 3, 2)
    assert source["last_run"]["outcome"] == "finished"
    kept = catalogue(home).with_name(f"catalogue.sqlite.before-{CURRENT}")
    with closing(sqlite3.connect(kept)) as copy:
        assert copy.execute("SELECT count(*) FROM leads").fetchone() == (41,)
        assert not copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'findable'").fetchone()
    assert catalogue(home).read_bytes() != before

    with api.open(home / "archive") as archive:
        assert {record["inLanguage"] for record in archive.articles()} == {"en", "ru", "de"}
        (found,) = archive.search("gull swing")
        assert found["url"] == SWING_BRIDGE
        (russian,) = archive.search("штрафы")
        assert russian["url"].startswith(f"{SITE}/ru/")
        history = archive.article(SWING_BRIDGE)
        assert history is not None
        (version,) = history.records
        assert version["headline"].startswith("Swing bridge stuck open")
        stored = archive.capture(version)
        assert (stored.target_uri, stored.record_type) == (SWING_BRIDGE, "response")
        assert stored.payload
        assert [one.outcome for one in history.observations] == ["unchanged"]


def test_replay_finds_its_pages(home: Path) -> None:
    opened = Catalogue(f"sqlite:///{catalogue(home)}", lambda: datetime.now(UTC))
    key = "1,0,0,127:47)/2026/03/12/swing-bridge-stuck-open"
    asked = {"key": key.encode(), "end_key": f"{key}!".encode()}
    found = [one["url"] for one in CatalogueIndex.over(opened)().load_index(asked)]
    opened.close()
    assert found == [SWING_BRIDGE]


def test_it_is_whole_and_its_records_differ_only_in_what_is_new(home: Path) -> None:
    verified = asked("verify", "--deep", "--all", "--json", cwd=home)
    assert verified.code == 1
    findings = verified.json["findings"]
    assert [one["kind"] for one in findings] == ["reading-differs"] * 3
    assert all(NEW_FIELDS in one["message"] for one in findings)
    # the version of the extractor is the same, so that only --all reads again
    assert newsark("reextract", "--all", "--yes", cwd=home).code == 0
    assert asked("verify", "--deep", "--all", cwd=home).code == 0


LEAD_FACTS = "SELECT url, identity, kind, state, reason, attempts, priority FROM leads"
CAPTURE_FACTS = (
    "SELECT c.record_id, c.url, c.key, c.offset, c.date, c.payload_digest, c.urlkey, l.url, l.capture_id = c.id"
    " FROM captures AS c LEFT JOIN leads AS l ON l.id = c.lead_id"
)
VERSION_FACTS = (
    "SELECT v.record_id, v.article, v.version, v.line, v.captured_at, v.records_key, l.url, f.latest, f.outcome"
    " FROM versions AS v JOIN leads AS l ON l.id = v.lead_id JOIN findable AS f ON f.version_id = v.id"
)
SEEN_FACTS = (
    "SELECT o.article, o.url, o.at, o.outcome, o.capture_record_id, l.url"
    " FROM observations AS o JOIN leads AS l ON l.id = o.lead_id"
)


def test_a_rebuild_gives_the_same(home: Path) -> None:
    """But for runs, validators, and what lists said of an article: of these only the catalogue knew then."""
    assert newsark("status", cwd=home).code == 0
    upgraded = home / "upgraded.sqlite"
    catalogue(home).rename(upgraded)
    for left in catalogue(home).parent.glob("catalogue.sqlite-*"):
        left.rename(upgraded.with_name(f"upgraded.sqlite{left.name.removeprefix('catalogue.sqlite')}"))
    assert asked("rebuild", cwd=home).code == 0
    different = [
        query
        for query in (CAPTURE_FACTS, VERSION_FACTS, SEEN_FACTS)
        if rows(upgraded, query) != rows(catalogue(home), query)
    ]
    assert different == []
    was, now = rows(upgraded, LEAD_FACTS), rows(catalogue(home), LEAD_FACTS)
    assert [row[:6] for row in now] == [row[:6] for row in was]
    # the crawler knew which sitemaps have news before it told of any
    assert {row[0] for row, other in zip(was, now, strict=True) if row != other} == {f"{SITE}/sitemap-news.xml"}
    assert rows(catalogue(home), "SELECT 1 FROM runs") == []


class Moved(LoopbackSite):
    """The newsroom at another address, with one new story."""

    def shown(self, path: str) -> str | int:
        story = "/2026/the-bridge-is-open-again"
        if path == "/feed.xml":
            item = f"<item><title>The bridge is open again</title><link>{self.url}{story}</link></item>"
            return f'<rss version="2.0"><channel><title>The Lantern</title>{item}</channel></rss>'
        if path != story:
            return 404
        lines = [f"<p>The harbour office said {n} times that the bridge would now stay shut.</p>" for n in range(12)]
        head = "<title>The bridge is open again</title><meta property='og:type' content='article'>"
        return f"<html><head>{head}</head><body><article><h1>The bridge is open again</h1>{''.join(lines)}</article>"


def test_a_crawl_goes_on_with_it(home: Path) -> None:
    with Moved() as site:
        file = write_source(home / f"{SOURCE}.toml", site.url, feeds=[f"{site.url}/feed.xml"])
        crawled = newsark("crawl", "--source-file", file, "--contact", "test@localhost", "--json", cwd=home)
    assert crawled.code == 0
    (source,) = crawled.json["sources"]
    # what was left waits at an address that is no longer the newsroom's
    assert source["leads"] == LEADS | {"known": 43, "captured": 2, "unchanged": 3, "refused": 38, "pending": 0}
    whole = asked("verify", "--json", cwd=home)
    assert (whole.code, whole.json["findings"]) == (0, [])
    assert len(list((home / "archive" / "manifests").rglob("*.json"))) == 3
