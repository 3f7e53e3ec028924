"""A catalogue's server that goes away in the middle of a crawl: it is waited for, or the crawl ends and says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from storage import committing
from storage.catalogue import Catalogue
from storage.errors import CatalogueUnreachable
from storage.sources import Sources
from tests.articlesite import NAMES, Site
from tests.cli import Ran, crawl, newsark
from tests.crawling import Crawling, report_of, start_site, wait_until
from tests.postgresql import Server, new_server, server

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that no other test works with."""
    server()  # skips where there can be none
    made = new_server()
    yield made
    made.remove()


def begin(site: Site, own: Server, directory: Path, **settings: object) -> tuple[Crawling, str]:
    """A crawl under way that has a few articles, and the name of its database."""
    name = own.create()
    (directory / "newsark.toml").write_text(f'archive = "archive"\ncatalogue = "{own.url(name)}"\n')
    crawling = start_site(site.url + "/", directory, "--delay", "0.3", **settings)
    count = "SELECT count(*) FROM leads WHERE kind = 'article' AND state = 'captured'"
    wait_until(lambda: has_tables(own, name) and own.execute(count, name)[0][0] >= 3, 60)
    return crawling, name


def has_tables(own: Server, name: str) -> bool:
    return own.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'leads'", name)[0][0] == 1


def assert_whole(site: Site, own: Server, name: str, directory: Path) -> None:
    """Every story is there once, and every byte, record and line is as it should be."""
    urls = [row[0] for row in own.execute("SELECT url FROM versions", name)]
    assert sorted(map(str, urls)) == sorted(f"{site.url}/news/{one}" for one in NAMES)
    assert newsark("verify", "--deep", "--all", cwd=directory).code == 0


def test_a_crawl_waits_for_a_server_that_comes_back(site: Site, own: Server, tmp_path: Path) -> None:
    crawling, name = begin(site, own, tmp_path)
    own.stop()
    time.sleep(3)
    asked = len(site.asked)
    time.sleep(1)
    assert len(site.asked) == asked
    own.start()
    ran = crawling.ended(90)
    assert ran.code == 0, ran.err
    assert report_of(ran)["outcome"] == "finished"
    assert "does not answer" in ran.err
    assert "the catalogue answers again" in ran.err
    assert_whole(site, own, name, tmp_path)


def test_a_crawl_that_waited_in_vain_ends_with_its_reason_and_the_next_goes_on(
    site: Site, own: Server, tmp_path: Path
) -> None:
    crawling, name = begin(site, own, tmp_path, catalogue_patience_seconds=2)
    before = {row[0] for row in own.execute("SELECT url FROM leads WHERE state = 'captured'", name)}
    own.stop()
    try:
        ran = crawling.ended(60)
        away = newsark("status", cwd=tmp_path)
    finally:
        own.start()
    assert ran.code == 3, ran.err
    assert "the catalogue postgresql://newsark@" in ran.err
    assert (away.code, away.out, away.err.count("\n")) == (3, "", 1)
    assert "does not answer" in away.err
    # what was flushed to the WARC after the last commit is there, and is taken up
    again: Ran = crawl(site.url + "/", tmp_path)
    assert again.code == 0, again.err
    after = {row[0] for row in own.execute("SELECT url FROM leads WHERE state IN ('captured', 'unchanged')", name)}
    assert before <= after
    assert_whole(site, own, name, tmp_path)


class Cut(Catalogue):
    """A catalogue whose connection ends at a commit: before the server got it, or after it did it."""

    def cut(self, *, after: bool) -> None:
        @event.listens_for(self.engine, "commit", once=True)
        def _(connection: object) -> None:
            raw = connection.connection.driver_connection
            if after:
                raw.commit()
            raw.close()


@pytest.fixture
def catalogue(own: Server) -> Iterator[Cut]:
    made = Cut(own.url(own.create()), lambda: NOW)
    yield made
    made.close()


def add(catalogue: Catalogue, name: str) -> None:
    with catalogue.begin() as connection:
        Sources(connection).enlist(name, name=name, home="http://l.example/", toml="x", now=NOW)


def known(catalogue: Catalogue) -> list[str]:
    with catalogue.begin() as connection:
        return [source.id for source in Sources(connection).known()]


def test_a_commit_that_was_not_answered_is_asked_for(catalogue: Cut) -> None:
    catalogue.cut(after=True)
    add(catalogue, "taken")
    catalogue.cut(after=False)
    with pytest.raises(DBAPIError):
        add(catalogue, "lost")
    add(catalogue, "later")
    assert known(catalogue) == ["later", "taken"]


def test_a_commit_whose_server_is_away_is_asked_for_when_it_is_back(own: Server, catalogue: Cut) -> None:
    add(catalogue, "first")
    catalogue.cut(after=True)
    own_end(catalogue, own)
    back = threading.Timer(2, own.start)
    back.start()
    add(catalogue, "second")
    back.join()
    assert known(catalogue) == ["first", "second"]


def own_end(catalogue: Catalogue, own: Server) -> None:
    """Stop the server at the next commit, as the last thing before it, or after what was asked for before this."""
    event.listen(catalogue.engine, "commit", lambda _: own.stop(), once=True)


def test_a_commit_of_which_nobody_can_say_whether_it_holds_is_not_done_again(
    own: Server, catalogue: Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committing, "DOUBT_SECONDS", 1.0)
    add(catalogue, "first")
    own_end(catalogue, own)
    try:
        with pytest.raises(CatalogueUnreachable, match="did not say whether it took what was committed last"):
            add(catalogue, "second")
    finally:
        own.start()
