"""`newsark export`: what researchers' own tools read is what the archive holds, and an export says what it is."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas
import polars
import pyarrow.parquet
import pytest

import newsark as newsark_api
from reading.exports.arrow import arrow_schema
from reading.exports.articles import COLUMNS
from reading.exports.selection import Selection, count_of, stream
from reading.exports.writers import Parquet
from reading.spreadsheets import cell
from storage.archive import Archive
from storage.archivesettings import ArchiveSettings
from tests.cli import Ran
from tests.exportable import DAY, START, make_archive
from tests.in_process import Command, in_process


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve articles of two sources, one with a second version, one removed, one removed and back."""
    place = tmp_path_factory.mktemp("export")
    make_archive(place).close()
    return place


@pytest.fixture
def archive(directory: Path) -> Iterator[Archive]:
    opened = Archive.open(directory / "archive", ArchiveSettings(), lambda: START + 61 * DAY, create=False)
    yield opened
    opened.close()


@pytest.fixture
def newsark(directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_process(directory, monkeypatch, capsys)


def export(newsark: Command, output: str | Path, *options: str) -> Ran:
    return newsark("export", "-o", output, "--archive", "archive", *options)


def numbers(archive: Archive, selection: Selection) -> list[int]:
    with archive.catalogue.begin() as connection:
        return [int(row.record["url"].rpartition("/")[2]) for row in stream(connection, selection)]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, list(range(12))),
        ({"latest_only": False}, [0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11]),
        ({"sources": ["gazette"]}, [9, 10, 11]),
        ({"captured_since": START + 30 * DAY}, [10, 11]),
        ({"captured_until": START + 6 * DAY}, [0, 1]),
        ({"published_since": "2026-03", "published_until": "2026-04"}, [2, 6, 10]),
        ({"languages": ["en"]}, [0, 3, 6, 9]),
        ({"languages": ["zh", "ru"]}, [1, 2, 4, 5, 7, 8, 10, 11]),
        ({"state": "removed"}, [1]),
        ({"state": "present"}, [0, *range(2, 12)]),
        ({"text": "СТАРЫЙ рынок"}, [1, 4, 7, 10]),
        ({"min_confidence": 0.75}, [10, 11]),
        ({"text": "no such words"}, []),
    ],
)
def test_a_selection_takes_what_was_asked_for(archive: Archive, chosen: dict[str, Any], expected: list[int]) -> None:
    assert numbers(archive, Selection(**chosen)) == expected


def test_the_count_beforehand_is_right_where_the_catalogue_knows_it(archive: Archive) -> None:
    with archive.catalogue.begin() as connection:
        assert count_of(connection, Selection(languages=["en"])) == 4
        assert count_of(connection, Selection(latest_only=False)) == 13


def expected_table(newsark: Command) -> list[dict[str, Any]]:
    return export(newsark, "-").lines


def test_parquet_opens_in_every_tool_with_the_same_words(newsark: Command, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    assert export(newsark, path).code == 0
    records = expected_table(newsark)
    bodies = [one["articleBody"] for one in records]
    frame = pandas.read_parquet(path)
    assert frame["articleBody"].tolist() == bodies
    assert frame["captured"].dt.tz_convert("UTC").tolist()[0] == START
    assert [list(one) for one in frame["author"]] == [["Ada Brook", "-Б. Петров"]] * 12
    table = polars.read_parquet(path)
    assert table["headline"].to_list() == [one["headline"] for one in records]
    assert table["offset"].to_list() == [one["archive"]["offset"] for one in records]
    asked = duckdb.sql(f"SELECT url FROM '{path}' WHERE articleBody LIKE '%рынок%' ORDER BY url").fetchall()
    assert [url for (url,) in asked] == sorted(one["url"] for one in records if "рынок" in one["articleBody"])
    assert pyarrow.parquet.read_schema(path).equals(arrow_schema(COLUMNS))


def test_csv_is_safe_in_a_spreadsheet_and_keeps_lines_and_letters(newsark: Command, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert export(newsark, path).code == 0
    records = expected_table(newsark)
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    assert [row["articleBody"] for row in rows] == [one["articleBody"] for one in records]
    assert {row["headline"][:2] for row in rows} == {"'="}
    assert rows[0]["author"] == "Ada Brook | -Б. Петров"
    assert (rows[0]["isAccessibleForFree"], rows[1]["isAccessibleForFree"]) == ("true", "")
    assert pandas.read_csv(path)["wordCount"].tolist() == [one["wordCount"] for one in records]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell([text, "b"]) == f"'{text} | b"


def test_numbers_are_numbers_in_a_cell() -> None:
    assert [cell(value) for value in (-1, 2.5, True, None, "a-b")] == ["-1", "2.5", "true", "", "a-b"]


def test_packed_lines_are_the_lines(newsark: Command, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl.gz"
    assert export(newsark, path).code == 0
    plain = export(newsark, "-").out
    assert gzip.decompress(path.read_bytes()).decode() == plain
    first = path.read_bytes()
    export(newsark, path)
    assert path.read_bytes() == first
    assert export(newsark, "-", "--format", "csv").out.splitlines()[0].startswith("id,source,article,")


def test_a_directory_says_what_it_is(newsark: Command, tmp_path: Path) -> None:
    where = tmp_path / "out"
    ran = export(newsark, f"{where}/", "--format", "parquet", "--language", "ru", "--split", "month")
    assert (ran.code, ran.err.startswith("Wrote 4 records in 2 files, ")) == (0, True), ran.err
    package = json.loads((where / "datapackage.json").read_text())
    names = [one["path"] for one in package["resources"]]
    assert names == ["articles-2026-01.parquet", "articles-2026-02.parquet", "ids.txt.gz"]
    for one in package["resources"]:
        data = (where / one["path"]).read_bytes()
        assert (one["bytes"], one["hash"]) == (len(data), f"sha256:{hashlib.sha256(data).hexdigest()}")
    for one in package["resources"][:2]:
        assert [field["name"] for field in one["schema"]["fields"]] == [column.name for column in COLUMNS]
    assert package["newsark"]["query"] == {"languages": ["ru"], "latest_only": True, "split": "month"}
    assert (package["newsark"]["rows"], package["newsark"]["versionsHeld"]) == (4, 13)
    croissant = json.loads((where / "croissant.json").read_text())
    assert croissant["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert [one["sha256"] for one in croissant["distribution"]] == [
        one["hash"].removeprefix("sha256:") for one in package["resources"]
    ]
    assert sorted(path.name for path in where.iterdir()) == sorted(["croissant.json", "datapackage.json", *names])


def test_a_file_for_each_source(newsark: Command, tmp_path: Path) -> None:
    where = tmp_path / "out"
    assert export(newsark, f"{where}/", "--split", "source").code == 0
    counts = {path.name: len(path.read_text().splitlines()) for path in where.glob("*.jsonl")}
    assert counts == {"articles-gazette.jsonl": 3, "articles-paper.jsonl": 9}


@pytest.mark.parametrize(
    ("output", "options", "words"),
    [
        ("-", ("--format", "parquet"), "standard output takes one stream"),
        ("out.csv", ("--split", "month"), "name a directory: out.csv/"),
        ("archive/", (), "archive is not empty"),
        ("archive", (), "archive is a directory; name a file in it, or archive/"),
        ("out.csv", ("--state", "gone"), "'gone' is no state; there are present, removed"),
        ("out.csv", ("--published-since", "soon"), "'soon' is no day like 2026-11-23"),
        ("out.csv", ("--since", "soon"), "'soon' is no date"),
    ],
)
def test_what_cannot_be_written_is_said_and_nothing_is(
    directory: Path, newsark: Command, output: str, options: tuple[str, ...], words: str
) -> None:
    before = sorted(directory.iterdir())
    ran = export(newsark, output, *options)
    assert (ran.code, words in ran.err) == (2, True), ran.err
    assert sorted(directory.iterdir()) == before


@pytest.mark.parametrize(
    ("limits", "groups"),
    [({"writers.GROUP_ROWS": 5}, [5, 5, 2]), ({"writers.GROUP_BYTES": 1, "arrow.ROWS_AT_ONCE": 4}, [4, 4, 4])],
)
def test_row_groups_are_bounded(
    tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], groups: list[int]
) -> None:
    for name, limit in limits.items():
        monkeypatch.setattr(f"reading.exports.{name}", limit)
    path = tmp_path / "out.parquet"
    with path.open("wb") as to, archive.catalogue.begin() as connection:
        writer = Parquet(to, COLUMNS)
        for row in stream(connection, Selection()):
            writer.write(row)
        writer.close()
    read = pyarrow.parquet.ParquetFile(path)
    assert [read.metadata.row_group(place).num_rows for place in range(read.num_row_groups)] == groups
    assert read.read()["url"].to_pylist() == [f"https://p.example/{number}" for number in range(12)]


def test_a_notebook_gets_the_same_with_the_same_filters(directory: Path) -> None:
    with newsark_api.open(directory / "archive") as opened:
        frame = opened.to_pandas(languages=["ru"], min_confidence=0.6)
        assert frame["url"].tolist() == [f"https://p.example/{number}" for number in (4, 7, 10)]
        assert opened.to_arrow(text="no such words").num_rows == 0
        assert opened.to_arrow(text="no such words").schema.equals(arrow_schema(COLUMNS))
        assert [one["url"] for one in opened.articles(state="removed")] == ["https://p.example/1"]
        assert len(list(opened.articles("gazette", captured_since=START + 30 * DAY))) == 2
        with pytest.raises(ValueError, match="state is one of present, removed"):
            opened.articles(state="gone")
        assert [one["kind"] for one in opened.ledger("paper")] == [*("edited", "removed", "removed", "restored")]
        assert [one["url"] for one in opened.ledger(kinds=["restored"])] == ["https://p.example/2"]


def test_a_notebook_sees_what_changed(directory: Path) -> None:
    with newsark_api.open(directory / "archive") as opened:
        told = opened.diff("https://p.example/4")
        assert (told["old"]["version"], told["new"]["version"]) == (1, 2)
        assert told == opened.diff("https://p.example/4", 1, 2)
        (changed,) = told["paragraphs"]
        assert ["gone", "1"] in changed["words"] or ["gone", "(4.1)"] in changed["words"]
        for wrong in (("https://p.example/1",), ("https://p.example/4", 1, 7), ("https://p.example/none",)):
            with pytest.raises(KeyError):
                opened.diff(*wrong)
