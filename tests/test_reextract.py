"""`newsark reextract` as a user runs it: new records beside the old ones, nothing twice, nothing lost."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import time
from collections import Counter
from hashlib import sha256
from html import escape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading.comparison import Change, Tally, differing_fields, similarity
from reading.sidebyside import marked, side_by_side
from storage.catalogue import Catalogue
from storage.directory import DirectoryStore
from storage.place import STATE_DIRECTORY, Place
from storage.rebuilding.dump import dump_lines
from storage.segment import utc_now
from storage.stores import StoreSettings, open_store
from tests.cli import NEWSARK, Ran, newsark, on_a_terminal
from tests.in_process import asked
from tests.older_archive import OLDER, Story, story, write_older_archive
from tests.seaweed import shared_seaweed

SEGMENT = 20_000
COUNT = 40


def older(directory: Path, count: int = COUNT) -> Path:
    """An archive of several segments whose records an older extractor made."""
    root = directory / "archive"
    write_older_archive(Place((DirectoryStore(root),), root / STATE_DIRECTORY), count, segment_bytes=SEGMENT)
    return root


def reextract(directory: Path, *options: str, archive: str = "archive") -> Ran:
    return asked("reextract", "--archive", archive, "--json", "--workers", "2", *options, cwd=directory)


def tree(root: Path) -> dict[str, str]:
    """Every file of an archive with its digest."""
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.is_file()}


def objects(root: Path) -> dict[str, str]:
    """Every stored object with its digest."""
    return {name: digest for name, digest in tree(root).items() if f"/{STATE_DIRECTORY}/" not in name}


def records(directory: Path, archive: str = "archive") -> list[dict[str, object]]:
    return asked("export", "--archive", archive, "-o", "-", "--versions", "all", cwd=directory).lines


def later_lines(root: Path) -> list[dict[str, object]]:
    """The lines of all later readings in the store."""
    paths = sorted(path for path in root.glob("records/*/*/*/*.jsonl.gz") if not path.name.endswith(".0.jsonl.gz"))
    return [json.loads(line) for path in paths for line in gzip.decompress(path.read_bytes()).splitlines()]


def dumped(root: Path) -> list[bytes]:
    catalogue = Catalogue(f"sqlite:///{root / STATE_DIRECTORY / 'catalogue.sqlite'}", utc_now)
    try:
        with catalogue.begin() as connection:
            return list(dump_lines(connection))
    finally:
        catalogue.close()


def is_whole(directory: Path) -> bool:
    ran = asked("verify", "--deep", "--all", "--archive", "archive", "--json", cwd=directory)
    return ran.code == 0 and not ran.json["findings"]


def test_a_dry_run_tells_by_field_and_writes_nothing(tmp_path: Path) -> None:
    root = older(tmp_path, 12)
    before = tree(root)
    ran = reextract(tmp_path, "--dry-run", "--report", "r.html")
    assert ran.code == 0, ran.err
    assert (ran.json["read"], ran.json["changed"], ran.json["fields"]["articleBody"]) == (12, 12, 12)
    assert 0.5 < ran.json["bodySimilarity"] < 1
    assert "headline" not in ran.json["fields"]
    assert tree(root) == before
    assert "<ins>" in (tmp_path / "r.html").read_text()


def test_a_suppressed_article_is_read_again_and_its_text_is_not_in_the_report(tmp_path: Path) -> None:
    older(tmp_path, 4)
    hidden, url = story(2), story(2).url
    asked("suppress", url, "--reason", "the author asked", "--archive", "archive", cwd=tmp_path)
    told = reextract(tmp_path, "--dry-run", "--report", "r.html").json
    assert (told["changed"], told["withheld"]) == (4, 1)
    ran = newsark("reextract", "--yes", "--archive", "archive", "--report", "written.html", cwd=tmp_path)
    assert "written.html; 1 suppressed article left out" in ran.err + ran.out
    for name in ("r.html", "written.html"):
        page = (tmp_path / name).read_text()
        assert "3 of 4 changes follow. Left out, since their articles are suppressed: 1." in page
        assert not any(words in page for words in (url, hidden.headline, *hidden.paragraphs))
        assert all(escape(story(number).headline) in page for number in (0, 1, 3))
    asked("suppress", "--lift", url, "--archive", "archive", cwd=tmp_path)
    assert all(one["metadata"]["extractorVersion"] != OLDER for one in records(tmp_path))


def test_new_records_supersede_and_the_old_ones_stay(tmp_path: Path) -> None:
    root = older(tmp_path)
    old, stored = records(tmp_path), objects(root)
    ran = reextract(tmp_path)
    assert (ran.code, ran.json["changed"], ran.json["unread"]) == (0, COUNT, 0), ran.err
    new = records(tmp_path)
    for one, other in zip(old, new, strict=True):
        assert other["supersedes"] == one["id"] != other["id"]
        assert all(one[name] == other[name] for name in ("version", "archive", "url"))
        number = int(str(one["url"]).rpartition("/")[2][:6])
        assert other["articleBody"] == "\n".join(story(number).paragraphs)
    assert stored.items() <= objects(root).items()
    shown = asked("show", str(old[0]["id"]), "--json", "--archive", "archive", cwd=tmp_path)
    assert [one["id"] for one in shown.json["versions"]] == [new[0]["id"]]
    assert is_whole(tmp_path)


def test_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    root = older(tmp_path, 8)
    assert reextract(tmp_path).json["read"] == 8
    before = objects(root)
    again = reextract(tmp_path).json
    assert (again["read"], again["skipped"], objects(root)) == (0, 8, before)
    every = reextract(tmp_path, "--all").json
    assert (every["read"], every["changed"], objects(root)) == (8, 0, before)


def test_a_rebuilt_catalogue_is_the_same(tmp_path: Path) -> None:
    root = older(tmp_path)
    assert reextract(tmp_path).code == 0
    before = dumped(root)
    for path in (root / STATE_DIRECTORY).glob("catalogue.sqlite*"):
        path.unlink()
    ran = asked("rebuild", "--archive", "archive", "--json", "--workers", "2", cwd=tmp_path)
    assert (ran.code, ran.json["findings"]) == (0, []), ran.err
    assert ran.json["later_readings"] > 1
    assert dumped(root) == before
    assert reextract(tmp_path).json["read"] == 0


def test_a_missing_later_manifest_is_named(tmp_path: Path) -> None:
    root = older(tmp_path, 4)
    reextract(tmp_path)
    (manifest,) = root.glob("manifests/*/*/*/*.1.json")
    manifest.unlink()
    ran = asked("verify", "--archive", "archive", "--json", cwd=tmp_path)
    key = manifest.relative_to(root).as_posix()
    assert ran.code == 1
    assert ("missing", key) in {(one["kind"], one["object"]) for one in ran.json["findings"]}


@pytest.mark.parametrize("later", [1, 3])
def test_a_killed_run_goes_on_and_does_nothing_twice(tmp_path: Path, later: int) -> None:
    root = older(tmp_path, 120)
    command = [NEWSARK, "reextract", "--archive", "archive", "--json", "--workers", "1"]
    process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while len(list(root.glob("manifests/*/*/*/*.1.json"))) < later and time.monotonic() < end:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = len(later_lines(root))
    assert 0 < done < 120
    ran = reextract(tmp_path)
    assert ran.code == 0, ran.err
    assert ran.json["read"] <= 120 - done
    superseded = [str(one["supersedes"]) for one in later_lines(root)]
    assert len(superseded) == len(set(superseded)) == 120
    assert not any(one["metadata"]["extractorVersion"] == OLDER for one in records(tmp_path))
    assert is_whole(tmp_path)


def test_damaged_bytes_keep_their_record_and_are_tried_again(tmp_path: Path) -> None:
    root = older(tmp_path, 8)
    (warc, *_) = sorted(root.glob("warc/*/*/*/*.gz"))
    data, where = warc.read_bytes(), records(tmp_path)[0]["archive"]
    assert isinstance(where, dict)
    middle = where["offset"] + where["length"] // 2
    warc.chmod(0o644)
    warc.write_bytes(data[:middle] + bytes(byte ^ 255 for byte in data[middle : middle + 4]) + data[middle + 4 :])
    ran = reextract(tmp_path)
    assert (ran.code, ran.json["unread"], ran.json["changed"]) == (1, 1, 7)
    assert records(tmp_path)[0]["metadata"]["extractorVersion"] == OLDER
    warc.write_bytes(data)
    again = reextract(tmp_path)
    assert (again.code, again.json["read"], again.json["changed"]) == (0, 1, 1)
    assert is_whole(tmp_path)


def test_a_terminal_is_asked_first(tmp_path: Path) -> None:
    root = older(tmp_path, 4)
    before = objects(root)
    code, screen = on_a_terminal("reextract", "--archive", "archive", cwd=tmp_path, typed=b"n\n")
    assert (code, "articleBody" in screen, objects(root) == before) == (0, True, True)
    code, screen = on_a_terminal("reextract", "--archive", "archive", "--yes", cwd=tmp_path)
    assert (code, "4 articles got a new record" in screen) == (0, True)


def test_a_text_that_would_be_lost_is_loud(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    place = Place((DirectoryStore(root),), root / STATE_DIRECTORY)
    write_older_archive(place, 3, story_of=lambda number: bare(number) if number == 1 else story(number))
    told = reextract(tmp_path, "--dry-run").json
    assert (told["lostText"], told["lostTextUrls"]) == (1, [story(1).url])
    ran = newsark("reextract", "--dry-run", "--archive", "archive", cwd=tmp_path)
    assert "1 article would lose their text" in ran.out


class Bare(Story):
    """A story whose page has no text."""

    __slots__ = ()

    def page(self) -> bytes:
        return b"<!doctype html><html><head><title>Nothing</title></head><body><div id=app></div></body></html>"


def bare(number: int) -> Story:
    one = story(number)
    return Bare(one.number, one.headline, one.paragraphs)


def test_an_archive_in_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = shared_seaweed()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NEWSARK_STATE", str(tmp_path / "state"))
    place = f"s3://{server.make_bucket('reextract')}/paper"
    where = {"NEWSARK_STATE": str(tmp_path / "state")}
    write_older_archive(Place((open_store(StoreSettings(place)),), tmp_path / "state"), 12, segment_bytes=SEGMENT)

    def run(*words: str) -> Ran:
        return newsark(*words, "--archive", place, "--json", cwd=tmp_path, environment=where)

    ran = run("reextract", "--workers", "2")
    assert (ran.code, ran.json["changed"], ran.json["stored"]) == (0, 12, True), ran.err
    keys = [info.key for info in open_store(StoreSettings(place)).list()]
    assert any(key.endswith(".1.jsonl.gz") for key in keys)
    assert any(key.endswith(".1.json") for key in keys)
    assert [path.name for path in (tmp_path / "state" / "open").rglob("*") if path.is_file()] == ["serial"]
    assert run("verify", "--deep").code == 0
    assert run("reextract").json["read"] == 0


def test_fields_of_the_crawl_do_not_count_and_missing_is_empty() -> None:
    now: dict[str, object] = {
        "id": "b",
        "version": None,
        "headline": "A",
        "removed": [],
        "contentDigest": "y",
        "metadata": {"doubts": []},
    }
    then = {"id": "a", "version": 3, "headline": "A", "contentDigest": "x", "metadata": {"extractorVersion": "1"}}
    assert differing_fields(then, now) == {}
    assert differing_fields(then, now | {"headline": "B"}) == {"headline": ("A", "B")}
    assert set(differing_fields(then, now | {"metadata": {"judgement": "other"}})) == {"metadata.judgement"}


@pytest.mark.parametrize(
    ("one", "other", "alike"), [("", "", 1.0), ("a b", "b a", 1.0), ("a b", "a c", 0.5), ("a", "", 0.0)]
)
def test_how_alike_texts_are(one: str, other: str, alike: float) -> None:
    assert similarity(one, other) == alike


@given(st.lists(st.text("ab \n", max_size=12), min_size=2, max_size=2))
def test_lines_in_common_do_not_change_how_alike_texts_are(texts: list[str]) -> None:
    one, other = (Counter(text.split()) for text in texts)
    total = one.total() + other.total()
    assert similarity(*texts) == pytest.approx(2 * (one & other).total() / total if total else 1.0)


def test_the_page_of_changes_escapes_what_newsrooms_wrote() -> None:
    evil = '<script>alert(1)</script><img src=x onerror="a">'
    record = {"id": evil, "url": f"https://a.example/{evil}", "headline": evil, "articleBody": f"one {evil} two"}
    tally = Tally(keep=1)
    change = Change(evil, record, replace_body(record), ("headline", "articleBody"))
    tally.add(change.compared(), lambda: change)
    page = "".join(side_by_side(tally))
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert "prefers-color-scheme:dark" in page
    assert marked("a <b> c", "a <i> c") == ("a <del>&lt;b&gt;</del> c", "a <ins>&lt;i&gt;</ins> c")


def replace_body(record: dict[str, str]) -> dict[str, str]:
    return record | {"articleBody": record["articleBody"].replace("two", "three <b>")}
