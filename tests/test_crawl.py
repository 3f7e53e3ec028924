"""The main job, whole: the sample newsroom into an archive, again, and again after it changed."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from storage.directory import DirectoryStore
from storage.manifest import Manifest
from storage.readback import read_capture
from tests.cli import Ran, crawl, newsark
from tests.in_process import asked
from tests.newsroom import Site, running_newsroom


@dataclass(frozen=True, slots=True)
class Crawled:
    """A newsroom that was crawled once, and where."""

    site: Site
    directory: Path
    first: Ran

    @property
    def archive(self) -> Path:
        """The archive's directory."""
        return self.directory / "archive"

    def export(self, *options: str) -> list[Any]:
        """The exported records."""
        return asked("export", "-o", "-", "--archive", "archive", *options, cwd=self.directory).lines


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    directory = tmp_path_factory.mktemp("crawl")
    with running_newsroom() as site:
        yield Crawled(site, directory, crawl(site.url + "/", directory))


def source(ran: Ran) -> dict[str, Any]:
    """The report's only source."""
    (only,) = ran.json["sources"]
    return dict(only)


def test_every_story_is_captured_with_its_words(crawled: Crawled) -> None:
    assert crawled.first.code == 0, crawled.first.err
    records = {record["url"].removeprefix(crawled.site.url): record for record in crawled.export()}
    stories = crawled.site.newsroom.stories()
    assert {story.path for story in stories} == set(records)
    for story in stories:
        record = records[story.path]
        assert record["headline"] == story.headline
        for sentence in crawled.site.newsroom.edition(story.language).furniture:
            assert sentence not in record["articleBody"], story.path


def test_leads_add_up(crawled: Crawled) -> None:
    report = source(crawled.first)
    leads = report["leads"]
    assert leads["known"] == sum(leads[state] for state in ("captured", "unchanged", "failed", "refused", "pending"))
    assert leads["known"] == leads["captured"]
    assert report["adds_up"]


def test_status_says_the_same_as_the_report(crawled: Crawled) -> None:
    status = asked("status", "--json", "--archive", "archive", cwd=crawled.directory)
    assert source(status)["leads"] == source(crawled.first)["leads"]


def test_the_crawler_says_who_it_is_and_whom_to_write_to(crawled: Crawled) -> None:
    agents = {seen.header("User-Agent") for seen in crawled.site.requests}
    assert len(agents) == 1
    (agent,) = agents
    assert agent is not None
    assert agent.startswith("Newsark/")
    assert "test@localhost" in agent


def test_robots_txt_comes_first_and_is_obeyed(crawled: Crawled) -> None:
    paths = crawled.site.paths()
    assert paths[0] == "/robots.txt"
    assert not [path for path in paths if path.startswith(("/private/", "/search"))]


def test_warcio_reads_every_record_and_finds_every_digest_right(crawled: Crawled) -> None:
    for path in crawled.archive.glob("warc/*/*/*/*.warc.gz"):
        assert Checker(type("Options", (), {"inputs": [str(path)], "verbose": False})()).process_all() == 0
        assert gzip.decompress(path.read_bytes())
        with path.open("rb") as file:
            kinds = [record.rec_type for record in ArchiveIterator(file)]
        assert kinds[0] == "warcinfo"
        assert kinds.count("response") + kinds.count("revisit") == kinds.count("request")


def test_every_request_the_server_saw_is_in_the_archive(crawled: Crawled) -> None:
    heads: list[bytes] = []
    for path in crawled.archive.glob("warc/*/*/*/*.warc.gz"):
        with path.open("rb") as file:
            heads += [
                r.raw_stream.read() for r in ArchiveIterator(file, no_record_parse=True) if r.rec_type == "request"
            ]
    asked = sorted(head.split(b" ", 2)[1].decode() for head in heads)
    assert asked == sorted(seen.path for seen in crawled.site.requests)


def test_a_record_points_at_its_bytes(crawled: Crawled) -> None:
    store = DirectoryStore(crawled.archive)
    for record in crawled.export():
        where = record["archive"]
        stored = read_capture(store, where["filename"], where["offset"], where["length"])
        assert "sha256:" + hashlib.sha256(stored.payload).hexdigest() == where["payloadDigest"]
        assert stored.target_uri == record["url"]


def test_records_of_the_store_are_those_of_the_catalogue(crawled: Crawled) -> None:
    lines: list[Any] = []
    for path in sorted(crawled.archive.glob("records/*/*/*/*.jsonl.gz")):
        lines += [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    articles = [line for line in lines if line["type"] != "Observation"]
    assert sorted(articles, key=lambda one: one["id"]) == sorted(
        crawled.export("--versions", "all"), key=lambda one: one["id"]
    )


def test_the_manifest_lists_every_object_with_its_digest(crawled: Crawled) -> None:
    previous = None
    for path in sorted(crawled.archive.glob("manifests/*/*/*/*.json")):
        manifest = Manifest.from_bytes(path.read_bytes())
        assert manifest.previous == previous
        previous = hashlib.sha256(path.read_bytes()).hexdigest()
        for one in manifest.objects:
            data = (crawled.archive / one.key).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (one.size_bytes, one.sha256)


def test_show_tells_text_versions_and_place(crawled: Crawled) -> None:
    record = crawled.export()[0]
    shown = newsark("show", record["url"], "--archive", "archive", cwd=crawled.directory)
    assert shown.code == 0
    assert record["headline"] in shown.out
    assert record["archive"]["filename"] in shown.out
    by_id = asked("show", record["id"], "--json", "--archive", "archive", cwd=crawled.directory)
    assert by_id.json["versions"] == [record]


# The order of the tests below is the order of the story: each needs what the one before did.


def test_a_second_crawl_fetches_no_article_again(crawled: Crawled) -> None:
    before = len(crawled.site.requests)
    again = crawl(crawled.site.url + "/", crawled.directory)
    assert again.code == 0, again.err
    asked = {seen.path for seen in crawled.site.requests[before:]}
    assert not asked & {story.path for story in crawled.site.newsroom.stories()}
    lists = [seen for seen in crawled.site.requests[before:] if seen.path.endswith((".xml", ".json", ".xml.gz"))]
    assert {seen.status for seen in lists} == {304}
    leads = source(again)["leads"]
    assert leads["unchanged"] > 0
    assert leads["known"] == source(crawled.first)["leads"]["known"]


def test_a_day_later_only_what_is_new_is_fetched(crawled: Crawled) -> None:
    known = {story.path for story in crawled.site.newsroom.stories()}
    crawled.site.clock.advance()
    before = len(crawled.site.requests)
    assert crawl(crawled.site.url + "/", crawled.directory).code == 0
    now = {story.path for story in crawled.site.newsroom.stories()}
    asked = {seen.path for seen in crawled.site.requests[before:]}
    assert asked & (now | known) == now - known
    assert len(now - known) == 3


def test_again_finds_the_edit_and_the_removal_and_nothing_else(crawled: Crawled) -> None:
    versions = len(crawled.export("--versions", "all"))
    ran = crawl(crawled.site.url + "/", crawled.directory, "--again")
    every = crawled.export("--versions", "all")
    assert len(every) == versions + 1
    edited = max(every, key=lambda record: record["version"])
    assert edited["version"] == 2
    assert edited["url"].endswith("/council-passes-budget-by-one-vote")
    (removed,) = [problem for problem in source(ran)["problems"] if problem["reason"] == "http-410"]
    assert removed["url"].endswith("/port-paid-twice-for-crane-inspection")
    shown = asked("show", removed["url"], "--json", "--archive", "archive", cwd=crawled.directory)
    assert [seen["outcome"] for seen in shown.json["observations"]][-1] == "removed"
    assert shown.json["versions"][-1]["articleBody"]


def test_an_unchanged_page_became_a_revisit_of_a_whole_response(crawled: Crawled) -> None:
    records = []
    for path in sorted(crawled.archive.glob("warc/*/*/*/*.warc.gz")):
        with path.open("rb") as file:
            records += [record.rec_headers for record in ArchiveIterator(file)]
    responses = {headers["WARC-Record-ID"]: headers for headers in records if headers["WARC-Type"] == "response"}
    revisits = [headers for headers in records if headers["WARC-Type"] == "revisit"]
    assert {headers["WARC-Profile"].rpartition("/")[2] for headers in revisits} == {
        "identical-payload-digest",
        "server-not-modified",
    }
    for headers in revisits:
        original = responses[headers["WARC-Refers-To"]]
        assert headers["WARC-Refers-To-Target-URI"] == original["WARC-Target-URI"]
        assert headers["WARC-Refers-To-Date"] == original["WARC-Date"]


def test_export_is_whole_or_not_there(crawled: Crawled) -> None:
    ran = newsark("export", "-o", "out.jsonl", "--archive", "archive", cwd=crawled.directory)
    assert ran.code == 0
    written = (crawled.directory / "out.jsonl").read_bytes()
    assert [json.loads(line) for line in io.BytesIO(written)] == crawled.export()
    assert not (crawled.directory / "out.jsonl.part").exists()
