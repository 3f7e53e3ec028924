"""An archive whose catalogue is in PostgreSQL: what is kept, known and answered is what it is with SQLite."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage.catalogue import Catalogue
from storage.rebuilding.dump import dump_lines
from storage.segment import utc_now
from tests.cli import Ran, crawl, newsark
from tests.newsroom import Site, running_newsroom
from tests.postgresql import database

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


def ok(ran: Ran, *codes: int) -> Ran:
    """What ran, when it ended well."""
    assert ran.code in (codes or (0,)), ran.out + ran.err
    return ran


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    directory = tmp_path_factory.mktemp("postgresql")
    with database() as url, running_newsroom() as site:
        settings(directory, url)
        ok(crawl(site.url + "/", directory))
        site.clock.advance()
        ok(crawl(site.url + "/", directory, "--again"))
        yield Crawled(site, directory, url)


@pytest.fixture(scope="module")
def twin(crawled: Crawled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same archive with a catalogue in SQLite, made from the store alone."""
    directory = tmp_path_factory.mktemp("sqlite")
    shutil.copytree(crawled.directory / "archive", directory / "archive")
    settings(directory, None)
    ok(newsark("rebuild", "--json", "--workers", "1", cwd=directory))
    return directory


def test_every_row_is_the_same_in_both_databases(crawled: Crawled, twin: Path) -> None:
    rows = dumped(crawled.url)
    assert sum(b'"outcome":"edited"' in row for row in rows) > 0
    assert sum(b'"outcome":"removed"' in row for row in rows) > 0
    assert rows == dumped(f"sqlite:///{twin / 'archive' / '.newsark' / 'catalogue.sqlite'}")


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_every_answer_is_the_same_with_both_databases(crawled: Crawled, twin: Path, question: tuple[str, ...]) -> None:
    asked = ok(newsark(*question, cwd=crawled.directory))
    assert len(asked.out) > 100
    assert asked.out == ok(newsark(*question, cwd=twin)).out


def test_the_same_articles_are_found_by_their_words(crawled: Crawled, twin: Path) -> None:
    asked = ("search", "Schiff OR пароход OR council", "--sort", "newest", "--json")
    found = [ok(newsark(*asked, cwd=directory)).lines for directory in (crawled.directory, twin)]
    assert len(found[0]) > 2
    for row in (*found[0], *found[1]):
        # each database weighs words in its own way
        del row["score"]
    assert found[0] == found[1]


def test_status_is_the_same_but_for_due_times(crawled: Crawled, twin: Path) -> None:
    asked = [ok(newsark("status", "--json", cwd=directory)).json for directory in (crawled.directory, twin)]
    for told in asked:
        for source in told["sources"]:
            # these start afresh with a rebuild
            del source["pulse"]
    assert asked[0]["sources"] == asked[1]["sources"]
