"""`newsark erase`: what goes is nowhere in any store, what stays is whole, and whatever is cut short can be ended."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.crashpoints import ERASING
from newsark.home import utc_now
from reading.suppressing import meant_by
from storage.archive import Archive, ArchiveSettings
from storage.catalogue import Catalogue
from storage.directory import DirectoryStore
from storage.erasing.carrying import Order, begin, finish, journals, owned, sources_of
from storage.erasing.plan import plan_erasure
from storage.fixity.verifier import Scope, Verifier
from storage.gzipmembers import read_members
from storage.place import STATE_DIRECTORY
from storage.rebuilding.dump import dump_lines
from storage.rebuilding.rebuild import rebuild
from tests.cli import Ran, on_a_terminal
from tests.in_process import Command, in_process
from tests.postgresql import server
from tests.pressroom import crawl
from tests.readingroom import ChangingNewsroom, run_again
from tests.test_postgresql import settings
from tests.test_reextract import older, reextract

ROOT = Path(__file__).parent.parent
WORDS = (b"Harbour one", b"harbour called one")


@dataclass(frozen=True, slots=True)
class Copy:
    """An archive that a test may change, and where its catalogue is when that is not in a file beside it."""

    root: Path
    database: str | None

    def opened(self) -> Archive:
        settings = ArchiveSettings(catalogue_url=self.database)
        archive = Archive.open(self.root, settings, utc_now, create=False)
        archive.courier.start()
        return archive


@dataclass(frozen=True, slots=True)
class Kept:
    """A newsroom's address, and an archive of it; `template` is the database of its catalogue, None: a file."""

    address: str
    root: Path
    template: str | None

    @property
    def url(self) -> str:
        """The article that goes."""
        return f"{self.address}/news/one"

    @contextmanager
    def copied(self, directory: Path) -> Iterator[Copy]:
        """A copy in that directory, which a command that runs there works with."""
        root = Path(shutil.copytree(self.root, directory / "archive"))
        if self.template is None:
            settings(directory, None)
            yield Copy(root, None)
            return
        name = server().create(self.template)
        settings(directory, server().url(name))
        try:
            yield Copy(root, server().url(name))
        finally:
            server().drop(name)


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A newsroom's address, and an archive that saw one of its articles edited and the other removed."""
    home = tmp_path_factory.mktemp("kept")
    with ChangingNewsroom() as newsroom:
        crawl(newsroom, home)
        newsroom.later = True
        run_again(home)
        return newsroom.url, home / "archive"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(
    crawled: tuple[str, Path], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    address, root = crawled
    if request.param == "sqlite":
        yield Kept(address, root, None)
        return
    moved = Path(shutil.copytree(root, tmp_path_factory.mktemp("moved") / "archive"))
    name = server().create()
    move_catalogue(moved, server().url(name))
    yield Kept(address, moved, name)
    server().drop(name)


def move_catalogue(root: Path, url: str) -> None:
    """Let an archive's catalogue be in that database, made of what the store tells."""
    made = Catalogue(url, utc_now)
    assert rebuild(lambda: DirectoryStore(root), made, root.parent / "scratch").findings == []
    made.close()
    for path in (root / STATE_DIRECTORY).glob("catalogue.sqlite*"):
        path.unlink()


@pytest.fixture
def copy(kept: Kept, tmp_path: Path) -> Iterator[Copy]:
    with kept.copied(tmp_path) as made:
        yield made


@pytest.fixture
def command(copy: Copy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_process(copy.root.parent, monkeypatch, capsys)


def stored(root: Path) -> bytes:
    """All that is stored, unpacked."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and STATE_DIRECTORY not in path.parts]
    return b"".join(_unpacked(path) for path in files)


def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def erased(command: Command, url: str, *options: str) -> Ran:
    plan = command("erase", url, "--json", *options).json
    sure = ("--confirm-url", url, "--yes-erase", plan["id"], "--json")
    return command("erase", url, *options, "--reason", "a judgment", "--order", "7 K 12/26", *sure)


def findings(archive: Archive) -> list[tuple[str, str, str]]:
    report = Verifier(archive.stores, archive.catalogue, Scope(deep=True)).run()
    return [(one.object, one.kind, one.message) for one in report.findings]


def in_database(url: str | None) -> bytes:
    """All that is in a database, none: nothing."""
    if url is None:
        return b""
    name = url.partition("?")[0].rpartition("/")[2]
    tables = server().execute("SELECT relname FROM pg_stat_user_tables", name)
    rows = [row for (table,) in tables for row in server().execute(f"SELECT t::text FROM {table} t", name)]
    return "\n".join(str(line) for (line,) in rows).encode()


def assert_gone_and_whole(copy: Copy, url: str) -> None:
    """Nothing of it is stored or known, the stores are what the chain lists, and tell what the catalogue knows."""
    root, scratch = copy.root, copy.root.parent
    archive = copy.opened()
    assert findings(archive) == []
    data = stored(root)
    assert [word for word in WORDS if word in data] == []
    files = b"".join(path.read_bytes() for path in (root / STATE_DIRECTORY).rglob("*") if path.is_file())
    files += in_database(copy.database)
    assert [word for word in (*WORDS, url.encode()) if word in files] == []
    made = Catalogue(f"sqlite:///{scratch / 'made.sqlite'}", utc_now)
    told = rebuild(lambda: DirectoryStore(root), made, scratch / "scratch")
    assert [(one.object, one.kind, one.message) for one in told.findings] == []
    with made.begin() as new, archive.catalogue.begin() as old:
        rows = [json.loads(row) for row in dump_lines(old)]
        assert [json.loads(row) for row in dump_lines(new)] == rows
    assert not any(url in json.dumps(row) for row in rows)
    assert any("/news/two" in json.dumps(row) for row in rows)
    made.close()
    archive.close()


def test_an_article_is_gone_and_the_rest_is_whole(kept: Kept, copy: Copy, command: Command) -> None:
    url = kept.url
    sizes = {path.name: path.stat().st_size for path in copy.root.rglob("*.warc.gz")}
    assert all(word in stored(copy.root) for word in WORDS)
    assert command("suppress", url, "--reason", "until then", "--by", "me").code == 0
    ran = erased(command, url)
    assert ran.code == 0, ran.err
    assert (ran.json["dryRun"], ran.json["captures"]) == (False, 2)
    assert_gone_and_whole(copy, url)
    assert {path.name: path.stat().st_size for path in copy.root.rglob("*.warc.gz")} == sizes
    for path in copy.root.rglob("*.warc.gz"):
        assert command("validate", str(path)).code == 0
    events = b"".join(_unpacked(path) for path in copy.root.glob("events/*/*/*/*.gz")).splitlines()
    (tombstone,) = [one for one in map(json.loads, events) if one["type"] == "erased"]
    assert (tombstone["reason"], tombstone["order"], "url" in tombstone) == ("a judgment", "7 K 12/26", False)
    assert command("show", url).code == 2
    assert "Harbour two" in command("show", f"{kept.address}/news/two").out
    assert command("verify", "--deep", "--json").json["ok"]


def test_a_dry_run_and_a_wrong_word_change_nothing(kept: Kept, copy: Copy, command: Command) -> None:
    url = kept.url
    before = stored(copy.root)
    shown = command("erase", url)
    assert shown.code == 0, shown.err
    assert "Nothing was changed" in shown.out
    assert "2 exchanges, 2 versions, 1 lead" in shown.out
    number = shown.out.split("--yes-erase ")[1].split()[0]
    why = ("--reason", "x")
    for words, told in (
        (("--confirm-url", url), "--yes-erase"),
        (("--yes-erase", number), "--confirm-url"),
        (("--confirm-url", f"{url}x", "--yes-erase", number), "--confirm-url"),
        (("--confirm-url", url, "--yes-erase", "0" * 12), "--yes-erase"),
    ):
        ran = command("erase", url, *why, *words)
        assert (ran.code, told in ran.err, "nothing was changed" in ran.err) == (2, True, True)
    assert command("erase", url, "--confirm-url", url, "--yes-erase", number).code == 2
    assert "nothing is kept" in command("erase", "https://other.example/").err
    assert "No erasure was cut short" in command("erase", "--finish").err
    assert stored(copy.root) == before


class Killed(BaseException):
    """Ends a process where it stands."""


def steps(copy: Copy, url: str) -> list[str]:
    """Each step of an erasure of that article."""
    said: list[str] = []
    _carried_out(copy, url, said.append)
    return said


def _carried_out(copy: Copy, url: str, on_step: Callable[[str], None]) -> None:
    archive = copy.opened()
    meant = meant_by(archive, url, url, None)
    plan = plan_erasure(archive, url, url, meant.source_id, meant.scope, meant.target)
    try:
        with owned(archive, ["n"]):
            finish(archive, begin(archive, plan, Order("me", "why")), on_step)
    finally:
        archive.close()


def test_cut_short_at_any_step_it_can_be_ended(kept: Kept, tmp_path: Path) -> None:
    with kept.copied(tmp_path / "whole") as copy:
        said = steps(copy, kept.url)
    assert len(said) >= 5
    # where the catalogue is matters to no store: one step of each kind is enough there
    every = range(len(said)) if kept.template is None else sorted(map(said.index, set(said)))
    for last in every:
        with kept.copied(tmp_path / f"{last}") as copy:
            _killed_after(copy, kept.url, last)
            archive = copy.opened()
            left = journals(archive)
            kinds = {kind for _, kind, _ in findings(archive)}
            assert kinds <= {"unfinished-erasure"}
            for journal in left:
                with owned(archive, sources_of(journal)):
                    finish(archive, journal)
            assert journals(archive) == []
            archive.close()
            shutil.rmtree(copy.root / STATE_DIRECTORY / "erase")
            assert_gone_and_whole(copy, kept.url)


def _killed_after(copy: Copy, url: str, last: int) -> None:
    done: list[str] = []

    def killed(step: str) -> None:
        if len(done) == last:
            raise Killed
        done.append(step)

    with pytest.raises(Killed):
        _carried_out(copy, url, killed)


@pytest.mark.parametrize("point", [one.name for one in ERASING])
def test_killed_it_is_ended_by_running_it_again(kept: Kept, copy: Copy, command: Command, point: str) -> None:
    url, home = kept.url, copy.root.parent
    plan = command("erase", url, "--json").json["id"]
    words = ("erase", url, "--reason", "why", "--confirm-url", url, "--yes-erase", plan)
    trap = [sys.executable, "-m", "benchmarks.crashpoints", "--point", point, "--mark", str(home / "mark"), "--"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    killed = subprocess.run([*trap, *words], cwd=home, env=environment, start_new_session=True, check=False)
    assert (killed.returncode, (home / "mark").read_text()) == (-signal.SIGKILL, point)
    again = command(*words)
    if point != ERASING[0].name:
        assert (again.code, "newsark erase --finish" in again.err) == (2, True)
        again = command("erase", "--finish")
    assert (again.code, "Erased: 2 exchanges" in again.out) == (0, True), again.err
    assert list((copy.root / STATE_DIRECTORY / "erase").iterdir()) == []
    assert_gone_and_whole(copy, url)
    assert command("verify", "--deep", "--json").json["ok"]


def test_lists_that_name_it_go_too_when_that_is_wanted(kept: Kept, copy: Copy, command: Command) -> None:
    url = kept.url
    named = f"<loc>{url}</loc>".encode()
    assert f"{kept.address}/sitemap.xml, which names it: --also-listings" in command("erase", url).out
    assert named in stored(copy.root)
    assert erased(command, url, "--also-listings").code == 0
    assert named not in stored(copy.root)
    assert_gone_and_whole(copy, url)


def test_a_tombstone_is_one_record_where_several_stood(kept: Kept, copy: Copy, command: Command) -> None:
    assert erased(command, kept.url).code == 0
    found = []
    for path in copy.root.rglob("*.warc.gz"):
        with path.open("rb") as file:
            found += [one.data for one in read_members(file, path.name) if b"\r\nerased: " in one.data]
    assert len(found) == 2
    assert all(b"WARC-Target-URI" not in one for one in found)


def test_records_of_later_readings_go_too(
    tmp_path: Path,
    catalogue_setting: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = older(tmp_path, 6)
    settings(tmp_path, catalogue_setting)
    if catalogue_setting is not None:
        move_catalogue(root, catalogue_setting)
    assert reextract(tmp_path).code == 0
    command = in_process(tmp_path, monkeypatch, capsys)
    records = command("export", "-o", "-").lines
    gone = records[2]
    assert erased(command, gone["url"]).code == 0
    data = stored(root)
    # the tombstone names their ids, and nothing else does
    words = [gone["url"], gone["headline"], f'"id":"{gone["id"]}"', f'"id":"{gone["supersedes"]}"']
    assert [word for word in words if word.encode() in data] == []
    assert command("export", "-o", "-").lines == [one for one in records if one is not gone]
    assert command("verify", "--deep", "--json").json["findings"] == []


def test_on_a_terminal_both_words_are_asked_for(kept: Kept, copy: Copy, command: Command) -> None:
    url = kept.url
    words = ("erase", url, "--reason", "x")
    number = command("erase", url, "--json").json["id"]
    before = stored(copy.root)
    code, screen = on_a_terminal(*words, cwd=copy.root.parent, typed=f"{url}\nyes\n".encode())
    assert (code, "not confirmed" in screen, stored(copy.root) == before) == (2, True, True)
    code, screen = on_a_terminal(*words, cwd=copy.root.parent, typed=f"{url}\n{number}\n".encode())
    assert (code, "Erased: 2 exchanges" in screen) == (0, True), screen
