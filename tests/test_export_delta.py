"""`--delta-since` and `--again`: an export and all that came after it are the export that is made now."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.archive import Archive
from storage.versions import Version, Versions
from tests.cli import Ran
from tests.exportable import DAY, START, add, make_archive, observe, record
from tests.in_process import Command, in_process


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = make_archive(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def newsark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_process(tmp_path, monkeypatch, capsys)


def export(newsark: Command, output: str, *options: str) -> Ran:
    ran = newsark("export", "-o", output, "--archive", "archive", *options)
    assert ran.code == 0, ran.err
    return ran


def held(directory: Path) -> dict[str, Any]:
    lines = [line for path in sorted(directory.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return {one["id"]: one for one in map(json.loads, lines)}


def gone(directory: Path) -> dict[str, tuple[str, str]]:
    with (directory / "gone.csv").open(newline="") as file:
        return {row["id"]: (row["fate"], row["by"]) for row in csv.DictReader(file)}


def ids(directory: Path) -> list[str]:
    return gzip.decompress((directory / "ids.txt.gz").read_bytes()).decode().split()


def applied(have: dict[str, Any], directory: Path) -> dict[str, Any]:
    """What somebody holds who takes a delta as it is to be taken: without what is gone, with what is new."""
    left = {name: one for name, one in have.items() if name not in gone(directory)}
    assert not left.keys() & held(directory).keys()
    return left | held(directory)


def reread(archive: Archive, old: str, new: str, number: int) -> None:
    """Let a record that was read again take the place of another, as `newsark reextract` does."""
    facts = record(number, id=new, supersedes=old)
    version = Version(
        article=facts["url"],
        record_id=new,
        version=1,
        url=facts["url"],
        content_digest=new,
        captured_at=START,
        records_key="",
        line=json.dumps(facts),
    )
    with archive.catalogue.begin() as connection:
        Versions(connection, "paper").supersede([(version, old)])


def grow(archive: Archive) -> None:
    """A new article, a new version, one imported that is older than all, one read again, one gone, one seen gone."""
    add(archive, "paper", record(20))
    add(archive, "paper", record(22))
    add(archive, "paper", record(5, 2))
    earlier = (START - 400 * DAY).isoformat()
    add(archive, "paper", record(30, archive={"date": earlier}))
    reread(archive, f"{7:030x}01", "f" * 32, 7)
    for day in (52, 53):
        observe(archive, 1, day, "removed")
    observe(archive, 3, 52, "removed")


ASKED = [
    ("--what", "articles"),
    ("--what", "articles", "--versions", "all", "--split", "month"),
    ("--what", "articles", "--state", "present", "--split", "source"),
    ("--what", "articles", "--language", "ru"),
    ("--what", "observations"),
    ("--what", "ledger", "--split", "month"),
]


@pytest.mark.parametrize("asked", ASKED, ids=" ".join)
def test_an_export_and_its_deltas_are_the_export_of_now(
    archive: Archive, newsark: Command, tmp_path: Path, asked: tuple[str, ...]
) -> None:
    export(newsark, "first/", *asked)
    grow(archive)
    export(newsark, "second/", "--delta-since", "first")
    add(archive, "paper", record(21, inLanguage="ru"))
    observe(archive, 1, 54, "unchanged")
    export(newsark, "third/", "--delta-since", "second/datapackage.json")
    export(newsark, "now/", "--again", "first")
    second, third, now = (tmp_path / name for name in ("second", "third", "now"))
    assert 0 < len(held(second)) < len(held(now))
    have = applied(applied(held(tmp_path / "first"), second), third)
    assert have == held(now)
    assert ids(third) == sorted(have)
    export(newsark, "fourth/", "--delta-since", "third/")
    assert (held(tmp_path / "fourth"), gone(tmp_path / "fourth")) == ({}, {})
    assert ids(tmp_path / "fourth") == ids(third)
    package = json.loads((tmp_path / "fourth" / "datapackage.json").read_text())["newsark"]
    before = json.loads((third / "datapackage.json").read_text())
    assert (package["rows"], package["gone"], package["ids"]) == (0, 0, len(have))
    assert package["query"] == before["newsark"]["query"]
    assert package["since"]["created"] == before["created"]


def test_what_is_gone_says_what_became_of_it(archive: Archive, newsark: Command, tmp_path: Path) -> None:
    export(newsark, "first/", "--state", "present")
    grow(archive)
    reread(archive, f"{8:030x}01", "d" * 32, 8)
    reread(archive, "d" * 32, "e" * 32, 8)
    ran = export(newsark, "second/", "--delta-since", "first", "--format", "csv")
    assert ran.err.startswith("Wrote 6 records, 4 gone, in 1 file, "), ran.err
    assert gone(tmp_path / "second") == {
        f"{3:030x}01": ("not-selected", ""),
        f"{5:030x}01": ("not-selected", ""),
        f"{7:030x}01": ("superseded", "f" * 32),
        f"{8:030x}01": ("not-held", ""),
    }


def test_other_filters_go_on_from_the_same_rows(archive: Archive, newsark: Command, tmp_path: Path) -> None:
    export(newsark, "first/", "--language", "ru", "--source", "paper")
    grow(archive)
    export(newsark, "second/", "--delta-since", "first", "--source", "gazette")
    assert sorted(held(tmp_path / "second")) == [f"{10:030x}01"]
    assert ids(tmp_path / "second") == [f"{10:030x}01"]
    query = json.loads((tmp_path / "second" / "datapackage.json").read_text())["newsark"]["query"]
    assert (query["languages"], query["sources"]) == (["ru"], ["gazette"])


def test_the_same_is_asked_again_into_a_file(archive: Archive, newsark: Command, tmp_path: Path) -> None:
    export(newsark, "first/", "--source", "paper", "--split", "month", "--versions", "all")
    export(newsark, "again.jsonl", "--again", "first")
    assert held(tmp_path) == held(tmp_path / "first") != {}
    assert export(newsark, "-", "--again", "first").lines == list(held(tmp_path).values())
    add(archive, "paper", record(20))
    assert len(export(newsark, "-", "--again", "first", "--source", "gazette").lines) == 3


def test_an_empty_export_can_be_gone_on_from(archive: Archive, newsark: Command, tmp_path: Path) -> None:
    export(newsark, "first/", "--text", "no such words", "--format", "parquet")
    assert ids(tmp_path / "first") == []
    export(newsark, "second/", "--delta-since", "first", "--format", "csv")
    with (tmp_path / "second" / "articles.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == []


@pytest.mark.parametrize(
    ("output", "options", "words"),
    [
        ("out.csv", ("--delta-since", "first"), "name a directory: -o changes/"),
        ("-", ("--delta-since", "first"), "name a directory: -o changes/"),
        ("out/", ("--delta-since", "first", "--format", "wacz"), "name a directory: -o changes/"),
        ("out/", ("--delta-since", "nothing"), "nothing: there is no datapackage.json"),
        ("out/", ("--delta-since", "bare"), "is not that of a whole export"),
        ("out/", ("--delta-since", "broken"), "its ids.txt.gz is not the one that its datapackage.json names"),
        ("out/", ("--delta-since", "first", "--what", "ledger"), "first has articles, not ledger"),
        ("out/", ("--delta-since", "first", "--again", "first"), "use one of them"),
        ("out/", ("--delta-since", "other"), "other is of another archive than"),
    ],
)
def test_what_cannot_be_gone_on_from_is_refused(
    archive: Archive, newsark: Command, tmp_path: Path, output: str, options: tuple[str, ...], words: str
) -> None:
    export(newsark, "first/")
    for name in ("broken", "bare", "other"):
        shutil.copytree(tmp_path / "first", tmp_path / name)
    (tmp_path / "broken" / "ids.txt.gz").write_bytes(gzip.compress(b"00\n"))
    (tmp_path / "bare" / "datapackage.json").write_text('{"resources": []}')
    package = tmp_path / "other" / "datapackage.json"
    created = json.loads(package.read_text())["newsark"]["archiveCreated"]
    package.write_text(package.read_text().replace(created, "2020-01-01T00:00:00+00:00"))
    before = sorted(tmp_path.rglob("*"))
    ran = newsark("export", "-o", output, "--archive", "archive", *options)
    assert (ran.code, words in ran.err) == (2, True), ran.err
    assert sorted(tmp_path.rglob("*")) == before
