"""A TMPDIR too long for the path of a socket: readers start all the same, or it is said what to set."""

from __future__ import annotations

import tempfile
from multiprocessing import util
from pathlib import Path

import pytest

from storage import socketplace
from storage.errors import WrongUse
from tests.cli import newsark

PAGE = f"<h1>Ferry</h1><article><p>{'The ferry sails again on Monday. ' * 20}</p></article>"


@pytest.fixture
def long(tmp_path: Path) -> Path:
    directory = tmp_path / ("long" * 30)
    directory.mkdir()
    return directory


def test_readers_start(long: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    words = ("extract", "page.html", "--url", "https://news.example.org/ferry")
    ran = newsark(*words, cwd=tmp_path, environment={"TMPDIR": str(long)})
    assert ran.code == 0, ran.err
    assert "The ferry sails again" in ran.json["articleBody"]
    doctor = newsark("doctor", "--json", cwd=tmp_path, environment={"TMPDIR": str(long)})
    (reader,) = [one for one in doctor.json["findings"] if one["check"] == "reader process"]
    assert reader["verdict"] == "ok", reader


def test_what_to_set_is_said_where_no_place_is_short(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setattr(socketplace, "SHORT_PLACES", (str(long / "none"),))
    monkeypatch.setitem(util.process.current_process()._config, "tempdir", None)
    with pytest.raises(WrongUse, match=r"is too long for the path of a socket.* set TMPDIR to .* at most 71 bytes"):
        socketplace.shorten_sockets()
    assert tempfile.gettempdir() == str(long)
