"""`newsark.open()`: what Python users can rely on."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import newsark
from reading.article import ArticleHistory
from storage.errors import NotAnArchive, UnknownSource
from storage.versions import Observation
from tests.cli import crawl
from tests.cli import newsark as command
from tests.newsroom import Site, running_newsroom


@dataclass(frozen=True, slots=True)
class Crawled:
    """A feed of the sample newsroom, crawled on two days; one story was edited. `asked` is what the first day took."""

    site: Site
    directory: Path
    asked: list[str]

    @property
    def archive(self) -> Path:
        """The archive's directory."""
        return self.directory / "archive"


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    directory = tmp_path_factory.mktemp("api")
    with running_newsroom() as site:
        assert crawl(site.url + "/feed.json", directory).code == 0
        asked = site.paths()
        site.clock.advance()
        crawl(site.url + "/feed.json", directory, "--again")
        yield Crawled(site, directory, asked)


@pytest.fixture
def archive(crawled: Crawled) -> Iterator[newsark.OpenArchive]:
    with newsark.open(crawled.archive) as opened:
        yield opened


def test_the_public_names_are_these() -> None:
    assert newsark.__all__ == ["OpenArchive", "open"]
    assert {"OpenArchive", "open"} <= set(dir(newsark))
    public = {name for name in dir(newsark.OpenArchive) if not name.startswith("_")}
    assert public == {
        *("article", "articles", "capture", "close", "diff", "ledger", "search", "sources", "to_arrow", "to_pandas"),
    }
    assert str(inspect.signature(newsark.open)).startswith(
        "(archive: 'str | Path' = './archive', catalogue: 'str | None' = None, *, endpoint_url: 'str | None' = None)"
    )
    assert {name for name in dir(ArticleHistory) if not name.startswith("_")} == {
        "article",
        "dates",
        "latest",
        "observations",
        "records",
        "source",
    }
    with pytest.raises(AttributeError, match="no attribute 'crawl'"):
        newsark.crawl  # noqa: B018 - that it is asked for is the point


def test_python_users_import_newsark_without_loading_it() -> None:
    code = "import sys, newsark; print({'sqlalchemy', 'scrapy', 'pydantic'} & set(sys.modules)); print(newsark.open)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.startswith("set()\n<function open")


def test_crawling_a_feed_visited_it_and_what_it_names(crawled: Crawled, archive: newsark.OpenArchive) -> None:
    stories = {record["url"].removeprefix(crawled.site.url) for record in archive.articles() if record["version"] == 1}
    pages = {path for path in crawled.asked if not path.startswith(("/images/", "/style.css"))}
    assert pages - {"/robots.txt", "/feed.json"} <= {
        story.path for edition in crawled.site.newsroom.editions for story in edition.stories
    }
    assert len(stories & set(crawled.asked)) > 5


def test_articles_are_what_export_writes(crawled: Crawled, archive: newsark.OpenArchive) -> None:
    exported = command("export", "-o", "-", "--archive", "archive", cwd=crawled.directory).lines
    assert list(archive.articles()) == exported
    assert len(exported) > 5
    every = command("export", "-o", "-", "--versions", "all", "--archive", "archive", cwd=crawled.directory).lines
    assert list(archive.articles(versions="all")) == every
    assert len(every) > len(exported)


def test_articles_of_a_source_may_be_asked_for_by_its_id(archive: newsark.OpenArchive) -> None:
    (source,) = archive.sources()
    assert list(archive.articles(source["id"])) == list(archive.articles([source["id"]])) == list(archive.articles())
    assert list(archive.articles([])) == []


def test_a_wrong_word_is_an_error_at_once(archive: newsark.OpenArchive) -> None:
    with pytest.raises(UnknownSource, match="known sources: 127-0-0-1"):
        archive.articles("127-0-0-1")
    with pytest.raises(ValueError, match="'latest' or 'all', not 'lates'"):
        archive.articles(versions="lates")


def test_sources_are_those_of_status(crawled: Crawled, archive: newsark.OpenArchive) -> None:
    status = command("status", "--json", "--archive", "archive", cwd=crawled.directory)
    assert json.loads(json.dumps(archive.sources())) == status.json["sources"]


def test_an_article_is_found_by_url_by_other_spellings_and_by_id(archive: newsark.OpenArchive) -> None:
    record = next(archive.articles())
    found = archive.article(record["url"])
    assert found is not None
    assert found.latest == record
    host = record["url"].removeprefix("http://").partition("/")[0]
    for needle in (record["id"], record["url"] + "?utm_source=letter#top", record["url"].replace(host, host.upper())):
        assert archive.article(needle) == found
    assert archive.article("http://127.0.0.1:9/unknown") is None
    assert archive.article("unknown") is None


def test_an_edited_article_has_its_versions_and_observations(archive: newsark.OpenArchive) -> None:
    edited = next(record for record in archive.articles() if record["version"] == 2)
    history = archive.article(edited["url"])
    assert history is not None
    assert [record["version"] for record in history.records] == [1, 2]
    assert history.records[1]["previousVersion"] == history.records[0]["id"]
    assert [seen.outcome for seen in history.observations] == ["edited"]
    assert isinstance(history.observations[0], Observation)


def test_an_archive_may_be_asked_while_it_is_read(archive: newsark.OpenArchive) -> None:
    for record in archive.articles():
        assert archive.article(record["id"]) is not None


def test_opening_what_is_no_archive_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotAnArchive, match="it does not exist"):
        newsark.open(tmp_path / "none")
    with pytest.raises(NotAnArchive, match="it is empty"):
        newsark.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_closed_archive_can_be_opened_again(crawled: Crawled) -> None:
    first = newsark.open(str(crawled.archive))
    count = sum(1 for _ in first.articles())
    first.close()
    with newsark.open(crawled.archive) as second:
        assert sum(1 for _ in second.articles()) == count


def test_the_bytes_of_a_record_come_back_verified(crawled: Crawled, archive: newsark.OpenArchive) -> None:
    for record in archive.articles(versions="all"):
        exchange = archive.capture(record)
        assert exchange.payload is not None
        assert exchange.http_head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert exchange.target_uri == record["url"]
    with pytest.raises(ValueError, match="nothing was kept"):
        archive.capture({"url": "https://n.example/", "archive": None})
