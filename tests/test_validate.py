"""`newsark validate` as users run it: its JSON, its words, its exit codes."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from storage.stores import StoreSettings, open_store
from tests.cli import newsark
from tests.seaweed import shared_seaweed
from tests.storage.wacz_files import valid
from tests.storage.warc_files import NAME, Made, packed, sha256, warc_1_1


def broken() -> list[Made]:
    records = warc_1_1()
    records["resource"] = records["resource"].put("WARC-Block-Digest", sha256(b"other"))
    return list(records.values())


def test_json_is_one_object_a_file_and_the_exit_code_tells_of_errors(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(packed(warc_1_1().values()))
    (tmp_path / "bad.warc.gz").write_bytes(packed(broken()))
    (tmp_path / "x.wacz").write_bytes(valid().bytes())
    well = newsark("validate", NAME, "x.wacz", "--json", cwd=tmp_path)
    assert (well.code, well.err) == (0, "")
    assert well.lines == [
        {"file": NAME, "ok": True, "records": 8, "faults": []},
        {"file": "x.wacz", "ok": True, "records": 8, "faults": []},
    ]
    ill = newsark("validate", NAME, "bad.warc.gz", "--json", cwd=tmp_path)
    assert ill.code == 1
    good, bad = ill.lines
    assert good["ok"]
    assert not bad["ok"]
    name, digest = bad["faults"]
    assert name["rule"] == "filename-other"
    assert name["severity"] == "warning"
    assert set(digest) == {"record", "offset", "rule", "severity", "message", "clause"}
    assert digest["record"] == 8
    assert digest["offset"] == len(packed(broken()[:7]))
    assert digest["rule"] == "block-digest"
    assert digest["severity"] == "error"
    assert digest["clause"] == "ISO 28500:2017, 5.8"


def test_text_groups_faults_by_rule_caps_them_and_ends_with_the_sums(tmp_path: Path) -> None:
    many = [made.more("WARC-Mood", "fine") for made in warc_1_1().values()]
    (tmp_path / NAME).write_bytes(packed(many))
    shown = newsark("validate", NAME, cwd=tmp_path)
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0] == f"✓ {NAME}  8 records, 8 warnings"
    assert lines[1].startswith("  warning field-unknown  ")
    assert lines[1].endswith("(ISO 28500:2017, 5.1)")
    assert lines[2].startswith("    record 1, offset 0: warc-mood")
    assert lines[7] == "    and 3 more: --json lists them"
    assert lines[8:] == ["1 file, 8 records: all ok"]


def test_standard_input_is_validated(tmp_path: Path) -> None:
    for data in (packed(warc_1_1().values()), valid().bytes()):
        read = newsark("validate", "-", "--json", cwd=tmp_path, stdin=data)
        assert (read.code, read.json) == (0, {"file": "-", "ok": True, "records": 8, "faults": []})
    empty = newsark("validate", "-", "--json", cwd=tmp_path)
    assert empty.code == 1
    assert empty.json["faults"][0]["rule"] == "format-empty"


def test_objects_of_a_bucket_are_validated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = shared_seaweed()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    place = f"s3://{server.bucket('validate')}/{uuid4().hex}"
    store = open_store(StoreSettings(place))
    store.put_bytes("x.wacz", valid().bytes())
    store.put_bytes(NAME, packed(broken()))
    read = newsark("validate", f"{place}/x.wacz", f"{place}/{NAME}", "--json", cwd=tmp_path)
    assert read.code == 1
    assert [(one["file"], one["ok"], one["records"]) for one in read.lines] == [
        (f"{place}/x.wacz", True, 8),
        (f"{place}/{NAME}", False, 8),
    ]
    missing = newsark("validate", f"{place}/none.wacz", cwd=tmp_path)
    assert missing.code == 3
    assert "none.wacz is not in" in missing.err


def test_what_is_no_archive_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<!doctype html><title>x</title>")
    shown = newsark("validate", "page.html", cwd=tmp_path)
    assert shown.code == 1
    assert "this is an HTML page" in shown.out


def test_wrong_use_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(packed(warc_1_1().values()))
    for words, told in (
        (("none.warc.gz",), "none.warc.gz: no such file"),
        ((".",), ".: is a directory; name the files in it"),
        (("s3://bucket",), "s3://bucket: names no object; write s3://bucket/key"),
        (("-", "-"), "-: standard input can be read once"),
    ):
        refused = newsark("validate", NAME, *words, cwd=tmp_path)
        assert (refused.code, refused.out) == (2, "")
        assert refused.err == f"newsark: {told}\n"
    assert newsark("validate", cwd=tmp_path).code == 2
