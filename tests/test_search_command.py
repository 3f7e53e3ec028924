"""`newsark search` and `archive.search()`: what people type and see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import newsark
from storage.archive import Archive, ArchiveSettings
from storage.errors import BadQuery, UnknownSource
from storage.settling import Settlement
from tests.cli import on_a_terminal
from tests.in_process import Command, in_process
from tests.test_search import HARBOUR, LANTERN, NOW


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The articles of tests/test_search.py in an archive."""
    place = tmp_path_factory.mktemp("search")
    archive = Archive.open(place / "archive", ArchiveSettings(), lambda: NOW, create=True)
    for name, versions in (("lantern", LANTERN), ("harbour", HARBOUR)):
        toml = f'id = "{name}"\nname = "{name}"\nhome = "https://{name}.example/"\n'
        archive.enlist(name, name=name, home=f"https://{name}.example/", toml=toml)
        lines = [f"{version.line}\n".encode() for version in versions]
        archive.settle(name, Settlement(versions=list(versions), records=lines))
    for name in ("lantern", "harbour"):
        archive.seal(name)
    archive.close()
    return place


@pytest.fixture
def command(directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_process(directory, monkeypatch, capsys)


def test_words_are_found_and_told(command: Command) -> None:
    ran = command("search", "журналистом -прокурор")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "Журналисты объявили забастовку",
        "  lantern  2026-02-01  http://lantern.example/strike",
        "  Журналисты газеты вышли на площадь. Ещё одна ёлка стоит там.",
        "",
    ]
    assert ran.err.startswith("1 article in ")


def test_json_lines_have_what_programs_need(command: Command) -> None:
    (line,) = command("search", "title:суд", "--json").lines
    assert isinstance(line.pop("score"), float)
    assert line == {
        "id": "court-1",
        "source": "lantern",
        "url": "http://lantern.example/court",
        "headline": "Суд над журналистом",
        "datePublished": "2025-12-30T10:00:00+03:00",
        "captured": None,
        "state": "present",
        "snippet": "Дело рассмотрит районный суд; журналистом занялся прокурор.",
    }


def test_filters_order_and_pages(command: Command) -> None:
    def found(*options: str) -> list[str]:
        return [line["id"] for line in command("search", "--json", *options).lines]

    assert found("--sort", "oldest") == ["strike-1", "court-1", "bridge-1", "thai-1", "mayor-2", "tide-1"]
    assert found("--offset", "1", "--limit", "2") == ["mayor-2", "thai-1"]
    assert found("--source", "harbour") == ["tide-1"]
    assert found("--language", "en", "--versions", "all") == ["mayor-2", "mayor-1"]
    assert found("--published-until", "2026", "--since", "2026-01-01", "--state", "present") == ["court-1"]
    assert found("--until", "2026-03-03", "суд OR площадь", "--sort", "newest") == ["strike-1"]


def test_facets_and_totals_are_told_beside(command: Command) -> None:
    ran = command("search", "--facets", "--limit", "1", "журналистом")
    assert ran.err.splitlines()[:4] == [
        "source: lantern 2",
        "language: ru 1, ru-RU 1",
        "year: 2026 1, 2025 1",
        "state: present 2",
    ]
    assert ran.err.splitlines()[4].startswith("1 to 1 of 2 articles in ")


def test_nothing_found_is_no_error_and_says_what_to_try(command: Command) -> None:
    ran = command("search", "nowhere")
    assert (ran.code, ran.out) == (0, "")
    assert "Nothing was found; try fewer words" in ran.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ('"half', "has a quote that does not end, at sign 1; write the other one, or leave it out"),
        ("a OR", "has OR without a word on each side, at sign 3"),
        ("--state gone", "'gone' is no state; there are present, removed"),
        ("--sort best", "'best' is not one of"),
        ("--published-since soon", "'soon' is no day"),
    ],
)
def test_wrong_use_names_the_cure(command: Command, words: str, problem: str) -> None:
    ran = command("search", *(words.split() if words.startswith("--") else [words]))
    assert ran.code == 2
    assert problem in " ".join(ran.err.split())


def test_found_words_stand_out_on_a_terminal(directory: Path) -> None:
    code, screen = on_a_terminal("search", "районный", cwd=directory)
    assert code == 0
    assert max(len(re.sub("\x1b[^m]*m", "", line)) for line in screen.splitlines()) <= 80
    assert re.search("\x1b[^m]*1[^m]*mрайонный\x1b", screen)


def test_an_export_takes_the_same_query(command: Command) -> None:
    lines = command("export", "-o", "-", "--query", "журналистом -площадь").lines
    assert [line["id"] for line in lines] == ["court-1"]
    assert command("export", "-o", "-", "--query", "(").code == 2


def test_python_has_the_same_in_the_same_order(directory: Path) -> None:
    with newsark.open(directory / "archive") as archive:
        assert [record["id"] for record in archive.search("журналистом")] == ["court-1", "strike-1"]
        assert [record["id"] for record in archive.search("журналистом", limit=1, sort="oldest")] == ["strike-1"]
        assert [record["id"] for record in archive.search("strike", "lantern", versions="all")] == ["mayor-1"]
        assert [record["id"] for record in archive.articles(query="суд", languages=["ru"])] == ["court-1"]
        assert archive.to_arrow(query="районный").num_rows == 1
        with pytest.raises(BadQuery):
            archive.search("(")
        with pytest.raises(UnknownSource):
            archive.search("a", "nosuch")
        with pytest.raises(ValueError, match="sort is one of"):
            archive.search("a", sort="best")
