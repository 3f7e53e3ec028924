"""`newsark erase`: what goes is nowhere in any store, what stays is whole, and whatever is cut short can be ended."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

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
from tests.pressroom import crawl
from tests.readingroom import ChangingNewsroom, run_again
from tests.test_reextract import older, reextract

WORDS = (b"Harbour one", b"harbour called one")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A newsroom's address, and an archive that saw one of its articles edited and the other removed."""
    home = tmp_path_factory.mktemp("kept")
    with ChangingNewsroom() as newsroom:
        crawl(newsroom, home)
        newsroom.later = True
        run_again(home)
        return newsroom.url, home / "archive"


@pytest.fixture
def copy(kept: tuple[str, Path], tmp_path: Path) -> Path:
    shutil.copytree(kept[1], tmp_path / "archive")
    return tmp_path / "archive"


@pytest.fixture
def command(copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_process(copy.parent, monkeypatch, capsys)


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


def opened(root: Path) -> Archive:
    archive = Archive.open(root, ArchiveSettings(), utc_now, create=False)
    archive.courier.start()
    return archive


def findings(archive: Archive) -> list[tuple[str, str, str]]:
    report = Verifier(archive.stores, archive.catalogue, Scope(deep=True)).run()
    return [(one.object, one.kind, one.message) for one in report.findings]


def assert_gone_and_whole(root: Path, url: str, scratch: Path) -> None:
    """Nothing of it is stored or known, the stores are what the chain lists, and tell what the catalogue knows."""
    archive = opened(root)
    assert findings(archive) == []
    data = stored(root)
    assert [word for word in WORDS if word in data] == []
    files = b"".join(path.read_bytes() for path in (root / STATE_DIRECTORY).rglob("*") if path.is_file())
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


def test_an_article_is_gone_and_the_rest_is_whole(kept: tuple[str, Path], copy: Path, command: Command) -> None:
    url = f"{kept[0]}/news/one"
    sizes = {path.name: path.stat().st_size for path in copy.rglob("*.warc.gz")}
    assert all(word in stored(copy) for word in WORDS)
    assert command("suppress", url, "--reason", "until then", "--by", "me").code == 0
    ran = erased(command, url)
    assert ran.code == 0, ran.err
    assert (ran.json["dryRun"], ran.json["captures"]) == (False, 2)
    assert_gone_and_whole(copy, url, copy.parent)
    assert {path.name: path.stat().st_size for path in copy.rglob("*.warc.gz")} == sizes
    for path in copy.rglob("*.warc.gz"):
        assert command("validate", str(path)).code == 0
    events = b"".join(_unpacked(path) for path in copy.glob("events/*/*/*/*.gz")).splitlines()
    (tombstone,) = [one for one in map(json.loads, events) if one["type"] == "erased"]
    assert (tombstone["reason"], tombstone["order"], "url" in tombstone) == ("a judgment", "7 K 12/26", False)
    assert command("show", url).code == 2
    assert "Harbour two" in command("show", f"{kept[0]}/news/two").out
    assert command("verify", "--deep", "--json").json["ok"]


def test_a_dry_run_and_a_wrong_word_change_nothing(kept: tuple[str, Path], copy: Path, command: Command) -> None:
    url = f"{kept[0]}/news/one"
    before = stored(copy)
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
    assert stored(copy) == before


class Killed(BaseException):
    """Ends a process where it stands."""


def steps(root: Path, url: str) -> Iterator[str]:
    """Each step of an erasure of that article."""
    archive = opened(root)
    meant = meant_by(archive, url, url, None)
    plan = plan_erasure(archive, url, url, meant.source_id, meant.scope, meant.target)
    said: list[str] = []
    with owned(archive, ["n"]):
        finish(archive, begin(archive, plan, Order("me", "why")), said.append)
    archive.close()
    yield from said


def test_cut_short_at_any_step_it_can_be_ended(kept: tuple[str, Path], tmp_path: Path) -> None:
    url = f"{kept[0]}/news/one"
    count = len(list(steps(shutil.copytree(kept[1], tmp_path / "whole"), url)))
    assert count >= 5
    for last in range(count):
        home = tmp_path / f"{last}"
        root = shutil.copytree(kept[1], home / "archive")
        _killed_after(root, url, last)
        archive = opened(root)
        left = journals(archive)
        kinds = {kind for _, kind, _ in findings(archive)}
        assert kinds <= {"unfinished-erasure"}
        for journal in left:
            with owned(archive, sources_of(journal)):
                finish(archive, journal)
        assert journals(archive) == []
        archive.close()
        shutil.rmtree(root / STATE_DIRECTORY / "erase")
        assert_gone_and_whole(root, url, home)


def _killed_after(root: Path, url: str, last: int) -> None:
    archive = opened(root)
    meant = meant_by(archive, url, url, None)
    plan = plan_erasure(archive, url, url, meant.source_id, meant.scope, meant.target)
    done: list[str] = []

    def killed(step: str) -> None:
        if len(done) == last:
            raise Killed
        done.append(step)

    with pytest.raises(Killed), owned(archive, ["n"]):
        finish(archive, begin(archive, plan, Order("me", "why")), killed)
    archive.close()


def test_lists_that_name_it_go_too_when_that_is_wanted(kept: tuple[str, Path], copy: Path, command: Command) -> None:
    url = f"{kept[0]}/news/one"
    named = f"<loc>{url}</loc>".encode()
    assert f"{kept[0]}/sitemap.xml, which names it: --also-listings" in command("erase", url).out
    assert named in stored(copy)
    assert erased(command, url, "--also-listings").code == 0
    assert named not in stored(copy)
    assert_gone_and_whole(copy, url, copy.parent)


def test_a_tombstone_is_one_record_where_several_stood(kept: tuple[str, Path], copy: Path, command: Command) -> None:
    assert erased(command, f"{kept[0]}/news/one").code == 0
    found = []
    for path in copy.rglob("*.warc.gz"):
        with path.open("rb") as file:
            found += [one.data for one in read_members(file, path.name) if b"\r\nerased: " in one.data]
    assert len(found) == 2
    assert all(b"WARC-Target-URI" not in one for one in found)


def test_records_of_later_readings_go_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = older(tmp_path, 6)
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


def test_on_a_terminal_both_words_are_asked_for(kept: tuple[str, Path], copy: Path, command: Command) -> None:
    url = f"{kept[0]}/news/one"
    words = ("erase", url, "--reason", "x")
    number = command("erase", url, "--json").json["id"]
    before = stored(copy)
    code, screen = on_a_terminal(*words, cwd=copy.parent, typed=f"{url}\nyes\n".encode())
    assert (code, "not confirmed" in screen, stored(copy) == before) == (2, True, True)
    code, screen = on_a_terminal(*words, cwd=copy.parent, typed=f"{url}\n{number}\n".encode())
    assert (code, "Erased: 2 exchanges" in screen) == (0, True), screen
