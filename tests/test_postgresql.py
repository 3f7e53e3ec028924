"""An archive whose catalogue is in PostgreSQL: what is kept, known and answered is what it is with SQLite."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from newsark.cli import run
from storage.catalogue import Catalogue
from storage.database import parsed_url
from storage.directory import DirectoryStore
from storage.place import STATE_DIRECTORY, Place
from storage.rebuilding.dump import dump_lines
from storage.rebuilding.rebuild import rebuild
from storage.segment import utc_now
from tests import articlesite
from tests.articlesite import NAMES, article
from tests.cli import Ran, crawl, newsark
from tests.crawling import host_of, start, start_site, wait_until
from tests.foreignfiles import articles
from tests.newsroom import Site, running_newsroom
from tests.older_archive import write_older_archive
from tests.postgresql import database, server

Ask = Callable[..., Ran]
# What people ask of an archive, each of which reads other tables in other ways.
QUESTIONS = (
    ("ledger", "--json"),
    ("search", "--json", "--sort", "oldest", "--versions", "all", "--limit", "100"),
    ("search", "--sort", "newest", "--facets", "--limit", "100"),
    ("export", "-o", "-", "--versions", "all"),
    ("export", "-o", "-", "--what", "observations"),
    ("sources", "list", "--json"),
)


@dataclass(frozen=True, slots=True)
class Crawled:
    """The sample newsroom on two days, and the directory of the archive; its catalogue is at `url`."""

    site: Site
    directory: Path
    url: str


def settings(directory: Path, catalogue: str | None) -> None:
    """Let commands in a directory work with that catalogue, or with the file beside the archive."""
    directory.mkdir(parents=True, exist_ok=True)
    line = f'catalogue = "{catalogue}"\n' if catalogue else ""
    (directory / "newsark.toml").write_text(f'archive = "archive"\n{line}')


def dumped(url: str) -> list[bytes]:
    """Every row of a catalogue that the store tells."""
    catalogue = Catalogue(url, utc_now)
    try:
        with catalogue.begin() as connection:
            return list(dump_lines(connection))
    finally:
        catalogue.close()


def ok(ran: Ran) -> Ran:
    """What ran, when it ended well."""
    assert ran.code == 0, ran.out + ran.err
    return ran


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Ask:
    """A function that runs `newsark` in a directory, in this process."""

    def ask(directory: Path, *arguments: str) -> Ran:
        monkeypatch.chdir(directory)
        monkeypatch.setattr(sys, "argv", ["newsark", *arguments])
        code = run()
        said = capfdbinary.readouterr()
        return Ran(code, said.out.decode(), said.err.decode())

    return ask


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    directory = tmp_path_factory.mktemp("postgresql")
    with database() as url, running_newsroom() as site:
        settings(directory, url)
        ok(crawl(site.url + "/", directory))
        site.clock.advance()
        ok(crawl(site.url + "/", directory, "--again"))
        yield Crawled(site, directory, url)


def in_sqlite(directory: Path, to: Path) -> Path:
    """The directory of the same archive with a catalogue in SQLite, made from the store alone."""
    shutil.copytree(directory / "archive", to / "archive", ignore=shutil.ignore_patterns("catalogue.sqlite*"))
    settings(to, None)
    catalogue = Catalogue(sqlite_of(to), utc_now)
    report = rebuild(lambda: DirectoryStore(to / "archive"), catalogue, to / "scratch")
    catalogue.close()
    assert report.ok
    return to


def sqlite_of(directory: Path) -> str:
    """The URL of the catalogue beside an archive."""
    return f"sqlite:///{directory / 'archive' / '.newsark' / 'catalogue.sqlite'}"


def assert_is_what_the_store_tells(directory: Path, url: str, to: Path) -> list[bytes]:
    """The rows of a catalogue in PostgreSQL, which are those that SQLite has when it is made from the store."""
    rows = dumped(url)
    assert rows == dumped(sqlite_of(in_sqlite(directory, to)))
    return rows


@pytest.fixture(scope="module")
def twin(crawled: Crawled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_sqlite(crawled.directory, tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def url() -> Iterator[str]:
    with database() as empty:
        yield empty


def test_every_row_is_the_same_in_both_databases(crawled: Crawled, twin: Path) -> None:
    rows = dumped(crawled.url)
    assert sum(b'"outcome":"edited"' in row for row in rows) > 0
    assert sum(b'"outcome":"removed"' in row for row in rows) > 0
    assert rows == dumped(sqlite_of(twin))


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_every_answer_is_the_same_with_both_databases(
    crawled: Crawled, twin: Path, ask: Ask, question: tuple[str, ...]
) -> None:
    said = ok(ask(crawled.directory, *question)).out
    assert len(said) > 100
    assert said == ok(ask(twin, *question)).out


def test_the_same_articles_are_found_by_their_words(crawled: Crawled, twin: Path, ask: Ask) -> None:
    words = ("search", "Schiff OR пароход OR council", "--sort", "newest", "--json")
    found = [ok(ask(directory, *words)).lines for directory in (crawled.directory, twin)]
    assert len(found[0]) > 2
    for row in (*found[0], *found[1]):
        # each database weighs words in its own way
        del row["score"]
    assert found[0] == found[1]


def test_status_is_the_same_but_for_due_times(crawled: Crawled, twin: Path, ask: Ask) -> None:
    told = [ok(ask(directory, "status", "--json")).json["sources"] for directory in (crawled.directory, twin)]
    for source in (*told[0], *told[1]):
        # these start afresh with a rebuild
        del source["pulse"]
    assert told[0] == told[1]


def test_everything_is_sound_and_a_rebuild_in_the_same_kind_of_database_tells_the_same(
    crawled: Crawled, url: str, tmp_path: Path, ask: Ask
) -> None:
    verified = ok(ask(crawled.directory, "verify", "--deep", "--all", "--json")).json
    assert (verified["findings"], verified["objects"] > 10) == ([], True)
    refused = ask(crawled.directory, "rebuild")
    assert (refused.code, "is not empty; make an empty database" in refused.err) == (2, True)
    shutil.copytree(crawled.directory / "archive", tmp_path / "archive")
    settings(tmp_path, url)
    ok(ask(tmp_path, "rebuild", "--workers", "1"))
    assert dumped(url) == dumped(crawled.url)


def asked(url: str, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a statement in a test's database."""
    return server().execute(statement, str(parsed_url(url).database))


def states(url: str) -> dict[str, str]:
    """The state of each article's lead, by its name; none before there are any."""
    if not asked(url, "SELECT 1 FROM pg_tables WHERE tablename = 'leads'"):
        return {}
    rows = asked(url, "SELECT url, state FROM leads WHERE kind = 'article'")
    return {address.rpartition("/")[2]: state for address, state in rows}


def test_a_killed_crawl_goes_on_without_a_hole(site: articlesite.Site, url: str, tmp_path: Path) -> None:
    settings(tmp_path, url)
    crawling = start_site(site.url + "/", tmp_path, "--delay", "0.2")
    wait_until(lambda: list(states(url).values()).count("captured") >= 3, 60)
    crawling.kill()
    assert list(states(url).values()).count("captured") < len(NAMES)
    ok(crawl(site.url + "/", tmp_path))
    assert states(url) == dict.fromkeys(NAMES, "captured")
    rows = assert_is_what_the_store_tells(tmp_path, url, tmp_path / "twin")
    assert sum(b'"table":"versions"' in row for row in rows) == len(NAMES)


def test_a_watch_sees_what_happens_and_two_of_them_do_not_share_a_source(
    site: articlesite.Site, url: str, tmp_path: Path, ask: Ask
) -> None:
    settings(tmp_path, url)
    what = (site.url + "/", "--allow-host", host_of(site.url), "--delay", "0")
    watching = start(what, tmp_path, command=("watch", "--no-progress"))
    wait_until(lambda: states(url) == dict.fromkeys(NAMES, "captured"), 60)
    busy = newsark("crawl", *what, cwd=tmp_path)
    assert (busy.code, f":{watching.process.pid}" in busy.out) == (4, True), busy.out + busy.err
    site.pages |= {"gone": 410, "edited": article("edited", "Hall edited sold", "This sentence was mended.")}
    asked(url, "UPDATE leads SET next_due = '2000-01-01T00:00:00.000000Z' WHERE kind = 'article' AND queue = 0")
    # the clock is looked at every ten seconds
    wait_until(lambda: states(url)["gone"] == "failed" and "unchanged" in states(url).values(), 90)
    watching.send(signal.SIGTERM)
    ran = watching.ended(60)
    assert ran.code == 0, ran.err
    entries = ok(ask(tmp_path, "ledger", "--json")).lines
    assert {(one["url"].rpartition("/")[2], one["kind"]) for one in entries} == {
        ("gone", "removed"),
        ("edited", "edited"),
    }
    assert_is_what_the_store_tells(tmp_path, url, tmp_path / "twin")


def test_imported_and_reread_pages_are_what_the_store_tells(url: str, tmp_path: Path, ask: Ask) -> None:
    root = tmp_path / "archive"
    write_older_archive(Place((DirectoryStore(root),), root / STATE_DIRECTORY), 8, segment_bytes=20_000)
    (root / STATE_DIRECTORY / "catalogue.sqlite").unlink()
    settings(tmp_path, url)
    ok(ask(tmp_path, "rebuild", "--workers", "1"))
    (tmp_path / "other.warc.gz").write_bytes(articles(6))
    ok(ask(tmp_path, "import", "other.warc.gz", "--source", "old", "--json", "--workers", "1"))
    reread = ok(ask(tmp_path, "reextract", "--json", "--workers", "1"))
    rows = assert_is_what_the_store_tells(tmp_path, url, tmp_path / "twin")
    assert sum(b'"table":"versions"' in row for row in rows) >= 14
    assert reread.json
