"""`newsark rebuild` as a user runs it: after it every question has the answer that it had before."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from newsark.cli import run
from storage.catalogue import Catalogue
from storage.digests import sha256_hex
from storage.manifest import Manifest
from storage.rebuilding.dump import dump_lines
from storage.segment import utc_now
from tests.cli import NEWSARK, Ran, crawl, newsark
from tests.crawling import id_of, start_site, wait_until
from tests.faults import paths, running_faults
from tests.newsroom import Site, running_newsroom
from tests.seaweed import shared_seaweed

Ask = Callable[..., Ran]
FAULTY = (
    *(paths.ARTICLE, paths.BROTLI, paths.UNKNOWN_CODING, paths.BAD_STATUS_LINE, paths.DUPLICATE_CONTENT_LENGTH),
    *(paths.BAD_CHUNK, paths.REDIRECT_LOOP, paths.REDIRECT_PRIVATE, paths.REDIRECT_METADATA, paths.FOLDED_HEADER),
)
# so short that a crawl of the sample newsroom leaves many segments
SHORT = "segment_max_age_hours = 0.00005\n"


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Path]]:
    """The sample newsroom, crawled on two days: edits, a removal, revisits, 304s, in many segments."""
    directory = tmp_path_factory.mktemp("crawled")
    with running_newsroom() as site:
        for _ in range(2):
            crawl_again(site, directory)
            site.clock.advance()
        yield site, directory


def crawl_again(site: Site, directory: Path, *options: str) -> list[str]:
    """Crawl everything again into short segments; the paths that were asked for."""
    (directory / "newsark.toml").write_text(SHORT)
    before = len(site.requests)
    ran = crawl(site.url + "/", directory, "--again", *options)
    assert ran.code in (0, 1), ran.err
    return sorted(site.paths()[before:])


def copied(directory: Path, to: Path) -> Path:
    """The same archive once more."""
    shutil.copytree(directory, to, symlinks=True)
    return to


def state(directory: Path) -> Path:
    """The catalogue's file."""
    return directory / "archive" / ".newsark" / "catalogue.sqlite"


def dumped(directory: Path) -> list[bytes]:
    """The whole catalogue of an archive here, a line a row."""
    return dumped_at(state(directory))


def dumped_at(path: Path) -> list[bytes]:
    """The whole catalogue in a file."""
    catalogue = Catalogue(f"sqlite:///{path}", utc_now)
    try:
        with catalogue.begin() as connection:
            return list(dump_lines(connection))
    finally:
        catalogue.close()


def rows(directory: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in the catalogue."""
    with closing(sqlite3.connect(state(directory))) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Ask:
    """A function that runs `newsark` in a directory, in this process."""

    def ask(directory: Path, *arguments: str) -> Ran:
        monkeypatch.chdir(directory)
        monkeypatch.setattr(sys, "argv", ["newsark", *arguments, "--archive", "archive"])
        code = run()
        said = capfdbinary.readouterr()
        return Ran(code, said.out.decode(), said.err.decode())

    return ask


def answers(directory: Path, ask: Ask) -> dict[str, str]:
    """What commands say about the archive."""
    articles = rows(directory, "select distinct url from observations where outcome in ('edited', 'removed')")
    assert articles
    asked = [("status", "--json"), ("export", "-o", "-"), ("export", "-o", "-", "--versions", "all")]
    asked += [("show", url, "--json") for (url,) in articles]
    ran = {" ".join(words): ask(directory, *words) for words in asked}
    assert all(one.code == 0 for one in ran.values())
    return {words: one.out for words, one in ran.items()}


def rebuilt(directory: Path, ask: Ask, *options: str) -> dict[str, Any]:
    """The report of a rebuild that found nothing damaged."""
    ran = ask(directory, "rebuild", "--json", "--workers", "1", *options)
    assert ran.code == 0, ran.out + ran.err
    return dict(ran.json)


def test_every_row_and_every_answer_are_the_same_after_a_rebuild(
    crawled: tuple[Site, Path], tmp_path: Path, ask: Ask
) -> None:
    here = copied(crawled[1], tmp_path / "here")
    before, said = dumped(here), answers(here, ask)
    state(here).unlink()
    report = rebuilt(here, ask)
    assert dumped(here) == before
    assert answers(here, ask) == said
    outcomes = {outcome for (outcome,) in rows(here, "select distinct outcome from observations")}
    assert {"unchanged", "edited", "removed"} <= outcomes
    assert report["segments"] > 3
    assert {"revisit", "response"} == {kind for (kind,) in rows(here, "select distinct record_type from captures")}
    assert not any((here / "archive" / ".newsark" / "rebuild").iterdir())


def test_a_crawl_goes_on_after_a_rebuild_as_it_would_have_without(
    crawled: tuple[Site, Path], tmp_path: Path, ask: Ask
) -> None:
    site, directory = crawled
    control, here = copied(directory, tmp_path / "control"), copied(directory, tmp_path / "here")
    state(here).unlink()
    rebuilt(here, ask)
    assert crawl_again(site, here) == crawl_again(site, control)
    for query in (
        "select url, state, reason, attempts, depth, priority from leads order by url",
        "select article, version, content_digest from versions order by 1, 2",
        "select url, record_type, status from captures order by 1, 2, 3",
        "select url, outcome, count(*) from observations group by 1, 2 order by 1, 2",
        "select queue, count(*) from leads group by 1",
    ):
        assert rows(here, query) == rows(control, query)
    assert rows(here, "select 1 from captures where status = 304")
    assert_one_chain(here)


def assert_one_chain(directory: Path) -> None:
    """Every manifest names the one before it; the catalogue the last one."""
    manifests = {sha256_hex(path.read_bytes()): path for path in (directory / "archive").glob("manifests/*/*/*/*.json")}
    previous = [Manifest.from_bytes(path.read_bytes()).previous for path in manifests.values()]
    assert previous.count(None) == 1
    (last,) = set(manifests) - set(previous)
    assert rows(directory, "select last_manifest_sha256 from sources") == [(last,)]
    assert len(set(previous)) == len(manifests)


def test_a_catalogue_that_knows_something_is_replaced_only_when_asked_and_is_kept(
    crawled: tuple[Site, Path], tmp_path: Path, ask: Ask
) -> None:
    here = copied(crawled[1], tmp_path / "here")
    before, bytes_before = dumped(here), state(here).read_bytes()
    refused = ask(here, "rebuild")
    assert refused.code == 2
    assert "--replace" in refused.err
    report = rebuilt(here, ask, "--replace")
    assert dumped(here) == before
    with closing(sqlite3.connect(report["kept"])) as kept:
        assert len(kept.execute("select 1 from leads").fetchall()) == len(rows(here, "select 1 from leads"))
    assert bytes_before[:16] == Path(report["kept"]).read_bytes()[:16]


def test_a_damaged_catalogue_is_replaced(crawled: tuple[Site, Path], tmp_path: Path, ask: Ask) -> None:
    here = copied(crawled[1], tmp_path / "here")
    before = dumped(here)
    state(here).write_bytes(b"no database" * 1000)
    report = rebuilt(here, ask, "--replace")
    assert dumped(here) == before
    assert Path(report["kept"]).read_bytes() == b"no database" * 1000


def test_a_rebuild_that_is_killed_goes_on_where_it_was(crawled: tuple[Site, Path], tmp_path: Path, ask: Ask) -> None:
    here = copied(crawled[1], tmp_path / "here")
    before = dumped(here)
    state(here).unlink()
    beside = state(here).with_name("catalogue.sqlite.rebuild")
    command = [NEWSARK, "rebuild", "--archive", "archive", "--workers", "2"]
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "200"}

    def segments() -> int:
        try:
            with closing(sqlite3.connect(f"file:{beside}?mode=ro", uri=True)) as connection:
                return int(connection.execute("select count(*) from segments").fetchone()[0])
        except sqlite3.OperationalError:
            return 0

    process = subprocess.Popen(command, cwd=here, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    wait_until(lambda: segments() > 0 or process.poll() is not None)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    assert not state(here).exists()
    _, living = psutil.wait_procs(workers, timeout=10)
    assert not living
    report = rebuilt(here, ask)
    # on a busy machine all may be read before the kill comes
    assert 0 < report["resumed"] <= report["segments"]
    assert dumped(here) == before


def test_what_a_killed_crawl_left_is_the_same_for_recovery_and_rebuild(tmp_path: Path, ask: Ask) -> None:
    with running_newsroom() as site:
        under_way = start_site(site.url + "/", tmp_path)
        wait_until(lambda: state(tmp_path).exists() and len(safe_rows(tmp_path)) > 8)
        under_way.kill()
        lost = copied(tmp_path, tmp_path / "lost")
        state(lost).unlink()
        # the catalogue is lost too: what the open segment tells is all there is
        rebuilt(lost, ask)
        rebuilt(tmp_path, ask, "--replace")
        assert rows(lost, FACTS) == rows(tmp_path, FACTS)
        assert crawl(site.url + "/", tmp_path).code == 0
        before = dumped(tmp_path)
        assert rows(tmp_path, "select 1 from runs where ended_at is null")
        rebuilt(tmp_path, ask, "--replace")
        assert dumped(tmp_path) == before


FACTS = "select url, state, reason, visited_at, etag from leads order by url"


def safe_rows(directory: Path) -> list[tuple[Any, ...]]:
    """The visited leads, or none while there is no table yet."""
    try:
        return rows(directory, "select 1 from leads where kind = 'article' and state != 'pending'")
    except sqlite3.OperationalError:
        return []


def test_failures_and_refusals_of_every_kind_are_told(tmp_path: Path, ask: Ask) -> None:
    with running_faults() as server:
        host = server.url.partition("://")[2]
        options = ["--archive", "archive", "--allow-host", host, "--delay", "0", "--json"]
        ran = newsark("crawl", *(server.url + path for path in FAULTY), *options, cwd=tmp_path)
        assert ran.code in (0, 1), ran.err
    before, said = dumped(tmp_path), ask(tmp_path, "status", "--json").out
    rebuilt(tmp_path, ask, "--replace")
    assert dumped(tmp_path) == before
    assert ask(tmp_path, "status", "--json").out == said
    states = {one for (one,) in rows(tmp_path, "select distinct state from leads")}
    assert {"captured", "failed", "refused"} <= states


def test_a_damaged_object_is_named_and_the_rest_is_rebuilt(
    crawled: tuple[Site, Path], tmp_path: Path, ask: Ask
) -> None:
    here = copied(crawled[1], tmp_path / "here")
    before = rows(here, "select source_id, article, version, line from versions order by 1, 2, 3")
    captures = len(rows(here, "select 1 from captures"))
    # in the middle of a page in the middle of the archive
    key, offset, length = rows(here, "select key, offset, length from captures order by id")[captures // 2]
    warc = here / "archive" / key
    events = sorted((here / "archive").glob("events/*/*/*/*.jsonl.gz"))[2]
    for path, place in ((warc, offset + length // 2), (events, 20)):
        path.chmod(0o644)
        data = bytearray(path.read_bytes())
        data[place : place + 8] = b"\0" * 8
        path.write_bytes(data)
    state(here).unlink()
    ran = ask(here, "rebuild", "--json", "--workers", "1")
    assert ran.code == 1
    named = {finding["object"] for finding in ran.json["findings"]}
    assert named == {path.relative_to(here / "archive").as_posix() for path in (warc, events)}
    assert rows(here, "select source_id, article, version, line from versions order by 1, 2, 3") == before
    assert len(rows(here, "select 1 from captures")) == captures - 1


def test_with_its_machine_lost_a_bucket_tells_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = shared_seaweed()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    archive = ["--archive", f"s3://{server.make_bucket('lost')}/paper"]
    first, second = ({"NEWSARK_STATE": str(tmp_path / name)} for name in ("first", "second"))
    with running_newsroom() as site:
        options = ["--allow-host", site.url.removeprefix("http://"), "--delay", "0", "--json", *archive]
        for _ in range(2):
            ran = newsark("crawl", f"{site.url}/", *options, "--limit", "8", cwd=tmp_path, environment=first)
            assert ran.code == 0, ran.err
        before = dumped_at(tmp_path / "first" / "catalogue.sqlite")
        ran = newsark("rebuild", "--json", "--workers", "2", *archive, cwd=tmp_path, environment=second)
        assert ran.code == 0, ran.err
        assert dumped_at(tmp_path / "second" / "catalogue.sqlite") == before
        ran = newsark("crawl", f"{site.url}/", *options, cwd=tmp_path, environment=second)
        assert ran.code == 0, ran.err
        assert ran.json["sources"][0]["leads"]["pending"] == 0


def test_no_source_is_rebuilt_under_a_crawl(tmp_path: Path, ask: Ask) -> None:
    with running_newsroom() as site:
        under_way = start_site(site.url + "/", tmp_path, "--delay", "0.2")
        wait_until(lambda: len(safe_rows(tmp_path)) > 0)
        ran = ask(tmp_path, "rebuild", "--replace")
        under_way.kill()
    assert ran.code == 4
    assert id_of(site.url) in ran.err
