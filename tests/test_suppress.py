"""`newsark suppress` as an operator runs it: what it says, what it refuses, and that a bucket alone tells it again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storage.place import Place
from storage.s3.store import S3Store
from storage.stores import S3Place, StoreSettings
from tests.exportable import START, make_archive, record
from tests.in_process import Command, in_process
from tests.seaweed import shared_seaweed

ID = str(record(4, 2)["id"])
URL = "https://p.example/4"
WHY = ("--reason", "the author asked", "--by", "Ada")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    make_archive(tmp_path).close()
    return in_process(tmp_path, monkeypatch, capsys)


def headlines(command: Command, *options: str) -> int:
    return len(command("export", "-o", "-", *options).lines)


def test_it_is_listed_with_who_why_and_until_when(command: Command) -> None:
    ran = command("suppress", ID, *WHY, "--until", "2099-01-01", "--json")
    (told,) = ran.lines
    assert (told["scope"], told["by"], told["reason"], told["holds"]) == ("article", "Ada", "the author asked", True)
    assert (told["url"], told["until"][:10], told["source"]) == (URL, "2099-01-01", "paper")
    assert headlines(command) == 11
    listed = command("suppress", "list")
    assert all(word in listed.out for word in (told["id"], URL, "Ada", "the author asked", "2099-01-01"))
    assert command("suppress", "--json").lines == [told]
    assert "1 suppression in force" in command("status").out
    assert command("suppress", "--lift", told["id"], "--by", "Bo", "--reason", "asked again").code == 0
    assert headlines(command) == 12
    assert "Nothing is suppressed" in command("suppress", "list").err
    assert "by Bo: asked again" in command("suppress", "list", "--ended").out


def test_a_version_and_a_source(command: Command) -> None:
    assert command("suppress", ID, "--version", *WHY).code == 0
    assert (headlines(command), headlines(command, "--versions", "all")) == (12, 12)
    assert command("suppress", "gazette", "--source", *WHY).code == 0
    assert headlines(command) == 9
    assert command("suppress", "--lift", ID).code == 0
    assert headlines(command, "--versions", "all") == 10


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["https://p.example/none", *WHY], "nothing is kept by the name 'https://p.example/none'; newsark search"),
        (["https://p.example/4", "--version", *WHY], "record's id"),
        (["nobody", "--source", *WHY], "newsark sources list"),
        ([ID], "--reason"),
        ([ID, "--reason", " "], "--reason"),
        ([ID, *WHY, "--until", "2020-01-01"], "has passed"),
        ([ID, *WHY, "--version", "--source"], "two things"),
        ([ID, "https://p.example/none", *WHY], "nothing is kept"),
        (["--lift", ID], "is not suppressed; newsark suppress list"),
    ],
)
def test_what_is_refused_says_what_to_do_and_hides_nothing(command: Command, words: list[str], told: str) -> None:
    ran = command("suppress", *words)
    assert ran.code == 2
    assert told in ran.err
    assert headlines(command) == 12


def test_twice_is_said(command: Command) -> None:
    assert command("suppress", ID, *WHY).code == 0
    ran = command("suppress", URL, *WHY)
    assert (ran.code, "--lift" in ran.err) == (2, True)
    for words in (("show", ID), ("diff", URL)):
        ran = command(*words)
        assert (ran.code, "newsark show --suppressed" in ran.err) == (2, True)
    assert "Hall 4" in command("show", URL, "--suppressed").out


def test_a_bucket_alone_tells_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = shared_seaweed()
    for name, value in (server.environment | {"NEWSARK_STATE": str(tmp_path / "state")}).items():
        monkeypatch.setenv(name, value)
    place = f"s3://{server.bucket('suppress')}/{START:%Y%m%d}-{tmp_path.name}"
    command = in_process(tmp_path, monkeypatch, capsys)
    _in_bucket(place, tmp_path)
    ran = command("suppress", ID, *WHY, "--archive", place)
    assert ran.code == 0, ran.err
    listed = command("suppress", "list", "--json", "--archive", place).lines
    shutil.rmtree(tmp_path / "state")
    ran = command("rebuild", "--archive", place, "--json")
    assert ran.code == 0, ran.out + ran.err
    assert command("suppress", "list", "--json", "--archive", place).lines == listed


def _in_bucket(place: str, tmp_path: Path) -> None:
    store = S3Store(S3Place.parse(place), StoreSettings(place))
    archive = make_archive(Place((store,), tmp_path / "state"))
    archive.seal("paper")
    archive.courier.start()
    assert archive.courier.wait(60)
    archive.close()
