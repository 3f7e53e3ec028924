"""Observations and the ledger as exports: readers find what the archive holds, and the same again is the same."""

from __future__ import annotations

import csv
import gc
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

from reading.exports.arrow import arrow_schema
from reading.exports.articles import Articles
from reading.exports.happenings import Ledger
from reading.exports.kind import Kind
from reading.exports.kinds import KINDS
from reading.exports.observations import Observations
from reading.exports.run import Export, export_directory, export_to
from reading.exports.selection import Selection
from reading.exports.target import DirectoryTarget
from reading.exports.writers import WRITERS
from reading.ledger import Wanted, ledger
from storage.archive import Archive
from storage.errors import WrongUse
from storage.versions import find_observations
from tests.cli import Ran
from tests.exportable import DAY, START, make_archive, observe
from tests.in_process import Command, in_process

EVERY: tuple[Kind, ...] = (Articles(Selection()), Observations(), Ledger())


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    opened = make_archive(tmp_path_factory.mktemp("kinds"))
    # the same finding, noted twice
    observe(opened, 2, 51, "unchanged")
    yield opened
    opened.close()


@pytest.fixture
def newsark(archive: Archive, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_process(archive.place.state.parent.parent, monkeypatch, capsys)


def export(newsark: Command, output: str | Path, *options: str) -> Ran:
    return newsark("export", "-o", output, "--archive", "archive", *options)


def rows(archive: Archive, kind: Kind) -> list[dict[str, Any]]:
    to = io.BytesIO()
    export_to(archive, Export(kind, "jsonl"), to)
    return [json.loads(line) for line in to.getvalue().splitlines()]


def test_observations_are_what_the_catalogue_has(archive: Archive) -> None:
    found = rows(archive, Observations())
    assert [(one["url"][-1], one["at"], one["outcome"]) for one in found] == [
        ("1", "2026-03-11T12:00:00.000000Z", "removed"),
        ("2", "2026-03-11T12:00:00.000000Z", "removed"),
        ("2", "2026-03-12T12:00:00.000000Z", "unchanged"),
    ]
    with archive.catalogue.begin() as connection:
        (seen,) = find_observations(connection, "paper", "https://p.example/1")
    first = found[0]
    assert (first["article"], first["detail"], first["recordId"]) == (seen.article, seen.detail, seen.capture_record_id)
    assert len({one["id"] for one in found}) == 3


def test_the_ledger_is_the_ledger(archive: Archive) -> None:
    found = rows(archive, Ledger())
    told = [entry.as_json() for entry in ledger(archive)]
    assert [{name: value for name, value in one.items() if name != "id"} for one in found] == told
    assert [one["kind"] for one in found] == ["edited", "removed", "removed", "restored"]
    assert len({one["id"] for one in found}) == 4


@pytest.mark.parametrize("kind", [Observations(), Ledger()], ids=lambda kind: kind.name)
def test_parquet_opens_everywhere(archive: Archive, newsark: Command, tmp_path: Path, kind: Kind) -> None:
    path, expected = tmp_path / "out.parquet", rows(archive, kind)
    assert export(newsark, path, "--what", kind.name).code == 0
    assert pyarrow.parquet.read_schema(path).equals(arrow_schema(kind.columns))
    frame, table = pandas.read_parquet(path), polars.read_parquet(path)
    for name in ("id", "source", "url", "detail"):
        wanted = [one.get(name) for one in expected]
        assert [None if pandas.isna(value) else value for value in frame[name]] == wanted
        assert table[name].to_list() == wanted
    assert [one.isoformat()[:19] for one in frame["at"]] == [one["at"][:19] for one in expected]
    asked = duckdb.sql(f"SELECT detail FROM '{path}' WHERE detail LIKE '%удалена%'").fetchall()
    assert asked == [("=404\nстраница удалена",)]
    if kind.name == "ledger":
        assert table["versions"].to_list() == [one["versions"] for one in expected]
        assert table["captures"].to_list() == [one["captures"] for one in expected]


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.name)
def test_csv_has_no_formula_and_every_letter(archive: Archive, newsark: Command, tmp_path: Path, kind: Kind) -> None:
    path, expected = tmp_path / "out.csv", rows(archive, kind)
    assert export(newsark, path, "--what", kind.name).code == 0
    text = path.read_text(encoding="utf-8")
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for one in found for value in one.values())
    assert [one["id"] for one in found] == [one["id"] for one in expected]
    if kind.name != "articles":
        assert "'=404\nстраница удалена" in [one["detail"] for one in found]
    ids = [one["id"] for one in expected]
    assert pandas.read_csv(path)["id"].tolist() == ids
    assert polars.read_csv(path)["id"].to_list() == ids
    assert duckdb.sql(f"SELECT id FROM read_csv('{path}', header = true, all_varchar = true)").fetchall() == [
        (one,) for one in ids
    ]


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.name)
def test_the_same_again_is_the_same_to_the_byte(archive: Archive, tmp_path: Path, kind: Kind, form: str) -> None:
    again = KINDS[kind.name].from_json(json.loads(json.dumps(kind.as_json())))
    assert again.as_json() == kind.as_json()
    sums = []
    for one, name in ((kind, "first"), (again, "second")):
        done = export_directory(archive, "a", Export(one, form), DirectoryTarget(tmp_path / name))
        data = [(tmp_path / name / file.name).read_bytes() for file in (*done.tables, *done.lists)]
        assert [hashlib.sha256(part).hexdigest() for part in data] == [
            file.sha256 for file in (*done.tables, *done.lists)
        ]
        sums.append([file.sha256 for file in (*done.tables, *done.lists)])
    assert sums[0] == sums[1]


QUERIES: list[Kind] = [
    Articles(Selection(["paper"], captured_since=START, languages=["ru"], min_confidence=0.5, latest_only=False)),
    Observations(["paper"], START, START + 51 * DAY),
    Ledger(Wanted(["paper"], frozenset({"removed"}), START, "hall"), START + 55 * DAY),
]


@pytest.mark.parametrize("kind", QUERIES, ids=lambda kind: kind.name)
def test_a_query_is_told_so_that_it_can_be_asked_again(archive: Archive, kind: Kind) -> None:
    told = json.loads(json.dumps(kind.as_json()))
    again = KINDS[kind.name].from_json(told)
    assert json.loads(json.dumps(again.as_json())) == told
    assert rows(archive, again) == rows(archive, kind) != []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--what", "observations", "--since", "2026-03-12"), ["2"]),
        (("--what", "observations", "--until", "2026-03-12"), ["1", "2"]),
        (("--what", "observations", "--source", "gazette"), []),
        (("--what", "ledger", "--kind", "restored"), ["2"]),
        (("--what", "ledger", "--kind", "removed", "--kind", "edited"), ["4", "1", "2"]),
        (("--what", "ledger", "--since", "2026-03-01", "--until", "2026-03-12"), ["1", "2"]),
        (("--what", "ledger", "--text", "HALL 4"), ["4"]),
    ],
)
def test_filters_choose(newsark: Command, options: tuple[str, ...], expected: list[str]) -> None:
    ran = export(newsark, "-", *options)
    assert ran.code == 0, ran.err
    assert [one["url"].rpartition("/")[2] for one in ran.lines] == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--what", "observations", "--language", "ru"),
            "--language goes with articles; --what observations takes --source, --since, --until",
        ),
        (("--what", "ledger", "--versions", "all"), "--versions goes with articles; --what ledger takes --source"),
        (("--kind", "removed"), "--kind goes with ledger; --what articles takes --source"),
        (("--what", "ledger", "--kind", "gone"), "'gone' is no kind; there are edited"),
        (("--what", "ledger", "--format", "wacz"), "wacz has pages of articles; ledger are written as"),
    ],
)
def test_what_a_kind_lacks_is_refused(newsark: Command, options: tuple[str, ...], words: str) -> None:
    ran = export(newsark, "-", *options)
    assert (ran.code, ran.out, words in ran.err) == (2, "", True), ran.err


def test_the_ledger_is_not_split_by_source(newsark: Command) -> None:
    with pytest.raises(WrongUse, match="ledger can be split by month, not by source"):
        Export(Ledger(), "jsonl", "source")
    ran = export(newsark, "out/", "--what", "ledger", "--split", "source")
    assert (ran.code, "split by month, not by source" in ran.err) == (2, True)


def test_a_directory_describes_its_kind(newsark: Command, tmp_path: Path) -> None:
    from frictionless import validate

    ran = export(newsark, f"{tmp_path}/out/", "--what", "ledger", "--format", "csv", "--split", "month")
    assert ran.err.startswith("Wrote 4 entries in 2 files, "), ran.err
    report = validate(str(tmp_path / "out" / "datapackage.json"))
    assert report.valid, report.flatten(["message"])
    package = json.loads((tmp_path / "out" / "datapackage.json").read_text())
    assert [one["path"] for one in package["resources"]] == ["ledger-2026-02.csv", "ledger-2026-03.csv", "ids.txt.gz"]
    assert (package["newsark"]["what"], package["newsark"]["ids"]) == ("ledger", 4)
    croissant = json.loads((tmp_path / "out" / "croissant.json").read_text())
    assert [field["name"] for field in croissant["recordSet"][0]["field"]] == [one.name for one in Ledger.columns]


@pytest.mark.parametrize(("kind", "steps"), [*zip(EVERY, (12, 4, 3), strict=True)], ids=lambda one: str(one)[:8])
def test_progress_is_told_beforehand(archive: Archive, kind: Kind, steps: int) -> None:
    done: list[int] = []
    export_to(archive, Export(kind, "csv"), io.BytesIO(), lambda: done.append(1))
    with archive.catalogue.begin() as connection:
        assert (kind.steps(connection), len(done)) == (steps, steps)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.name)
@pytest.mark.parametrize(("exists", "form"), [(True, "csv"), (False, "jsonl.gz"), (False, "parquet")])
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupted_export_leaves_nothing(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind, *, exists: bool, form: str
) -> None:
    monkeypatch.setattr("reading.exports.writers.GROUP_ROWS", 1)
    where, calls = tmp_path / "out", [0]
    if exists:
        where.mkdir()

    def stop() -> None:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_directory(archive, "a", Export(kind, form, "month"), DirectoryTarget(where), stop)
    gc.collect()
    assert (where.exists(), list(tmp_path.rglob("*"))) == (exists, [where] if exists else [])
