"""`newsark import` as a user runs it: files of others kept as they came, and everything in them that can be read."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from storage.place import STATE_DIRECTORY
from storage.stores import StoreSettings, open_store
from tests.cli import NEWSARK, Ran, newsark
from tests.foreignfiles import HOST, Warc, address, arc, articles, date, packed_whole, page, wacz
from tests.in_process import asked
from tests.seaweed import shared_seaweed

COUNT = 6


def take_in(directory: Path, *files: str, source: str = "old-crawls", archive: str = "archive") -> Ran:
    options = ("--source", source, "--archive", archive, "--json", "--workers", "1")
    return asked("import", *files, *options, cwd=directory)


def imported(directory: Path, data: bytes, name: str = "other.warc.gz") -> dict[str, Any]:
    """What came of one file of these bytes, of which nothing could not be read."""
    (directory / name).write_bytes(data)
    ran = take_in(directory, name)
    assert ran.code == 0, ran.err + ran.out
    (report,) = ran.json["files"]
    assert report["problems"] == []
    return report


def records(directory: Path, versions: str = "all") -> list[dict[str, Any]]:
    return asked("export", "--archive", "archive", "-o", "-", "--versions", versions, cwd=directory).lines


def is_whole(directory: Path) -> None:
    ran = asked("verify", "--deep", "--all", "--archive", "archive", "--json", cwd=directory)
    assert (ran.code, ran.json["findings"]) == (0, [])


def is_rebuilt_the_same(directory: Path) -> None:
    """An archive that lost its catalogue has the same records again."""
    before = records(directory)
    shutil.rmtree(directory / "archive" / STATE_DIRECTORY)
    assert asked("rebuild", "--archive", "archive", cwd=directory).code == 0
    assert records(directory) == before


FORMS = {
    "packed.warc.gz": articles(COUNT),
    "plain.warc": articles(COUNT, packed=False),
    "whole.warc.gz": packed_whole(articles(COUNT, packed=False)),
    "old.arc": arc(COUNT),
    "old-whole.arc.gz": packed_whole(arc(COUNT)),
    "stored.wacz": wacz(articles(COUNT)),
    "packed-again.wacz": wacz(articles(COUNT), zipfile.ZIP_DEFLATED),
    "plain-inside.wacz": wacz(articles(COUNT, packed=False), name="archive/data.warc"),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_kept_as_it_came_and_its_articles_are_read(tmp_path: Path, name: str) -> None:
    report = imported(tmp_path, FORMS[name], name)
    assert (report["captures"], report["new"], report["pages"]) == (COUNT, COUNT, {"article": COUNT})
    digest = sha256(FORMS[name]).hexdigest()
    assert (tmp_path / "archive" / "imports" / digest / name).read_bytes() == FORMS[name]
    found = records(tmp_path)
    assert [one["url"] for one in found] == [address(number) for number in range(COUNT)]
    assert all("Paragraph 4 of story" in one["articleBody"] for one in found)
    assert {one["archive"]["filename"].split("/")[1] for one in found} == {digest}
    is_whole(tmp_path)
    is_rebuilt_the_same(tmp_path)


def test_what_is_here_is_not_taken_twice_under_any_name(tmp_path: Path) -> None:
    first = imported(tmp_path, FORMS["packed.warc.gz"])
    before = sorted(path for path in (tmp_path / "archive").rglob("*") if STATE_DIRECTORY not in path.parts)
    again = imported(tmp_path, FORMS["packed.warc.gz"], "another-name.warc.gz")
    assert (first["state"], again["state"]) == ("imported", "already here")
    assert "old-crawls" in again["reason"]
    assert sorted(path for path in (tmp_path / "archive").rglob("*") if STATE_DIRECTORY not in path.parts) == before


def test_the_same_articles_in_another_packing_are_unchanged(tmp_path: Path) -> None:
    imported(tmp_path, FORMS["packed.warc.gz"])
    report = imported(tmp_path, FORMS["stored.wacz"], "same.wacz")
    assert (report["new"], report["edited"], report["unchanged"]) == (0, 0, COUNT)
    assert len(records(tmp_path)) == COUNT
    is_rebuilt_the_same(tmp_path)


def test_an_older_capture_becomes_a_version_and_not_the_face(tmp_path: Path) -> None:
    imported(tmp_path, articles(2, edition=" again", minutes=1000))
    report = imported(tmp_path, articles(2), "older.warc.gz")
    assert (report["new"], report["edited"]) == (0, 2)
    faces = records(tmp_path, "latest")
    assert [one["headline"] for one in faces] == [f"Story {number} again of the valley" for number in range(2)]
    older = [one for one in records(tmp_path) if one not in faces]
    assert [one["previousVersion"] for one in older] == [None, None]
    assert [one["version"] for one in older] == [2, 2]
    between = imported(tmp_path, articles(2, edition=" between", minutes=500), "between.warc.gz")
    assert between["edited"] == 2
    assert records(tmp_path, "latest") == faces
    third = [one for one in records(tmp_path) if " between " in one["headline"]]
    assert [one["previousVersion"] for one in third] == [one["id"] for one in older]
    is_whole(tmp_path)
    is_rebuilt_the_same(tmp_path)


def test_versions_of_one_article_in_one_file_follow_each_other(tmp_path: Path) -> None:
    """They are recorded as a group: each is compared with the one before it all the same."""
    imported(tmp_path, articles(1))
    editions = (articles(1, edition=" again", minutes=500), articles(1, minutes=1000), articles(1, minutes=1500))
    report = imported(tmp_path, b"".join(editions), "later.warc.gz")
    assert (report["new"], report["edited"], report["unchanged"]) == (0, 2, 1)
    first, second, third = sorted(records(tmp_path), key=lambda one: one["version"])
    assert [second["previousVersion"], third["previousVersion"]] == [first["id"], second["id"]]
    assert first["fingerprint"] == third["fingerprint"] != second["fingerprint"]
    is_rebuilt_the_same(tmp_path)


def test_revisits_are_read_from_their_original_here_or_in_an_earlier_file(tmp_path: Path) -> None:
    warc = Warc()
    record_id = warc.response(address(0), page(0), 0)
    digest = _payload_digest(warc.data, record_id)
    warc.revisit(address(7), digest, 5, (address(0), 0))
    report = imported(tmp_path, warc.data)
    assert (report["captures"], report["pages"]) == (2, {"article": 2})
    later = Warc()
    later.revisit(address(8), digest, 9, (address(0), 0))
    assert imported(tmp_path, later.data, "later.warc.gz")["new"] == 1
    found = {one["url"]: one for one in records(tmp_path)}
    assert found[address(8)]["articleBody"] == found[address(7)]["articleBody"] == found[address(0)]["articleBody"]
    assert found[address(8)]["archive"]["refersTo"] == record_id
    is_whole(tmp_path)
    is_rebuilt_the_same(tmp_path)


def test_a_revisit_of_what_nobody_has_is_told(tmp_path: Path) -> None:
    warc = Warc()
    warc.revisit(address(1), "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ", 5, (address(9), 0))
    (tmp_path / "other.warc.gz").write_bytes(warc.data)
    ran = take_in(tmp_path, "other.warc.gz")
    (problem,) = ran.json["files"][0]["problems"]
    assert ran.code == 1
    assert "original of this revisit" in problem["reason"]
    assert ran.json["files"][0]["captures"] == 1


def _payload_digest(data: bytes, record_id: str) -> str:
    for member in gzip.decompress(data).split(b"WARC/1.0\r\n"):
        if record_id.encode() in member:
            return next(
                line.partition(": ")[2]
                for line in member.decode("latin-1").splitlines()
                if line.startswith("WARC-Payload-Digest")
            )
    raise AssertionError(record_id)


def test_chunks_and_codings_are_undone_however_they_were_kept(tmp_path: Path) -> None:
    body = page(1)
    chunked = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (300, body[:300], len(body) - 300, body[300:])
    warc = Warc()
    warc.response(address(1), chunked, 0, [("Transfer-Encoding", "chunked")])
    warc.response(address(2), page(2), 1, [("Transfer-Encoding", "chunked")])  # undone, and still said
    warc.response(address(3), gzip.compress(page(3)), 2, [("Content-Encoding", "gzip")])
    warc.response(address(4), page(4), 3, [("Content-Encoding", "gzip")])  # undone, and still said
    assert imported(tmp_path, warc.data)["new"] == 4
    assert all("Paragraph 4" in one["articleBody"] for one in records(tmp_path))


def test_records_that_are_no_visits_are_counted_and_left(tmp_path: Path) -> None:
    warc = Warc()
    warc.other("metadata", address(1), b"outlink: x", "application/warc-fields")
    warc.other("resource", f"{HOST}/2021/page", page(1), "text/html")
    warc.other("resource", "urn:thumbnail:x", b"\x89PNG", "image/png")
    warc.other("conversion", address(1), b"only words", "text/plain")
    warc.response(address(5), b"Not here", 0, status="404 Not Found")
    warc.response(f"{HOST}/logo.png", b"\x89PNG\r\n", 0)
    report = imported(tmp_path, warc.data)
    assert report["records"] == {"warcinfo": 1, "metadata": 1, "resource": 2, "conversion": 1, "response": 2}
    assert (report["captures"], report["new"], report["software"]) == (3, 1, "otherbot/2.1")


DAMAGES = {
    "torn": (lambda data: data[:-40], "cut short"),
    "garbage between": (lambda data: data[:700] + b"\0" * 300 + data[700:], "damaged"),
    "a hole": (lambda data: data[:1500] + bytes(64) + data[1564:], "damaged"),
    "no beginning": (lambda data: data[200:], "no WARC or ARC record starts there"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_what_is_left_of_a_damaged_file_is_taken(tmp_path: Path, what: str) -> None:
    damage, reason = DAMAGES[what]
    whole = articles(COUNT)
    (tmp_path / "damaged.warc.gz").write_bytes(damage(whole))
    ran = take_in(tmp_path, "damaged.warc.gz")
    (report,) = ran.json["files"]
    assert (ran.code, report["state"]) == (1, "imported")
    assert COUNT - 2 <= report["new"] < COUNT or (what == "no beginning" and report["new"] == COUNT)
    assert any(reason in problem["reason"] for problem in report["problems"])
    gaps = [(one["offset"], one["length"]) for one in report["problems"]]
    assert all(0 <= offset < len(whole) + 300 for offset, _ in gaps)
    provenance = next((tmp_path / "archive" / "imports").glob("*/provenance.json"))
    assert json.loads(provenance.read_text())["problems"] == report["problems"]
    is_whole(tmp_path)
    is_rebuilt_the_same(tmp_path)


def test_a_zip_file_without_its_directory_is_searched(tmp_path: Path) -> None:
    whole = FORMS["stored.wacz"]
    (tmp_path / "cut.wacz").write_bytes(whole[: whole.index(b"PK\x01\x02")])
    ran = take_in(tmp_path, "cut.wacz")
    report = ran.json["files"][0]
    assert (ran.code, report["new"]) == (1, COUNT)
    assert "looked for one by one" in report["problems"][0]["reason"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<html>no archive</html>" * 100, "neither a WARC nor an ARC nor a WACZ"),
        (b"\x28\xb5\x2f\xfd" + b"0" * 50, "zstd -d"),
        (wacz(b"", name="other/data.warc.gz"), "no WARC in archive/"),
    ],
)
def test_what_is_no_archive_file_is_refused_and_the_others_are_taken(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "no").write_bytes(data)
    (tmp_path / "yes.warc.gz").write_bytes(FORMS["packed.warc.gz"])
    ran = take_in(tmp_path, "no", "yes.warc.gz")
    refused, taken = ran.json["files"]
    assert ran.code == 1
    assert (refused["state"], taken["state"]) == ("refused", "imported")
    assert reason in refused["reason"]
    assert len(list((tmp_path / "archive" / "imports").iterdir())) == 1


def test_wrong_words_are_answered_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words, told in (
        (["nowhere.warc"], "no such file"),
        (["empty"], "holds no file that ends with .warc"),
        (["s3://bucket"], "s3://bucket/key"),
    ):
        ran = newsark("import", *words, cwd=tmp_path)
        assert (ran.code, told in ran.err) == (2, True), ran.err
    (tmp_path / "a.warc").write_bytes(FORMS["plain.warc"])
    ran = newsark("import", "a.warc", "--source", "Not An Id", cwd=tmp_path)
    assert ran.code == 2
    assert "lower-case letters" in ran.err


def test_a_dry_run_keeps_nothing(tmp_path: Path) -> None:
    imported(tmp_path, articles(1))
    before = {path: path.read_bytes() for path in (tmp_path / "archive").rglob("*.gz")}
    (tmp_path / "more.warc").write_bytes(FORMS["plain.warc"])
    ran = newsark("import", "more.warc", "--dry-run", "--source", "unheard-of", "--json", cwd=tmp_path)
    assert (ran.code, ran.json["dryRun"], ran.json["files"][0]["new"]) == (0, True, COUNT)
    assert {path: path.read_bytes() for path in (tmp_path / "archive").rglob("*.gz")} == before
    assert "unheard-of" not in asked("status", "--json", cwd=tmp_path).out


def test_a_collection_is_never_crawled_and_can_be_named(tmp_path: Path) -> None:
    imported(tmp_path, articles(2))
    assert "no source yet" in newsark("crawl", cwd=tmp_path).err
    assert newsark("status", cwd=tmp_path).out.startswith("old-crawls")
    assert asked("export", "--source", "old-crawls", "-o", "-", cwd=tmp_path).lines == records(tmp_path)
    assert asked("verify", "old-crawls", cwd=tmp_path).code == 0
    again = newsark("reextract", "--all", "--json", cwd=tmp_path).json
    assert (again["read"], again["changed"], again["unread"]) == (2, 0, 0)


def test_reextract_writes_new_records_for_imported_articles(tmp_path: Path) -> None:
    imported(tmp_path, articles(3))
    sealed = next((tmp_path / "archive" / "records").rglob("*.0.jsonl.gz"))
    lines = [json.loads(line) for line in gzip.decompress(sealed.read_bytes()).splitlines()]
    assert len(lines) == 3
    with sqlite3.connect(tmp_path / "archive" / STATE_DIRECTORY / "catalogue.sqlite") as database:
        database.execute("update versions set line = replace(line, 'of the valley', 'of the dale')")
    ran = newsark("reextract", "--all", "--json", cwd=tmp_path)
    assert (ran.code, ran.json["changed"], ran.json["unread"]) == (0, 3, 0), ran.out
    assert {one["supersedes"] for one in records(tmp_path)} == {one["id"] for one in lines}
    is_whole(tmp_path)
    is_rebuilt_the_same(tmp_path)


@pytest.mark.parametrize("moment", ["reading", "sealing"])
def test_an_import_that_was_killed_begins_again_and_leaves_nothing_twice(tmp_path: Path, moment: str) -> None:
    (tmp_path / "big.warc.gz").write_bytes(articles(150))
    command = [NEWSARK, "import", "big.warc.gz", "--source", "old-crawls", "--json", "--workers", "1"]
    process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True, stdout=subprocess.DEVNULL)
    state = tmp_path / "archive" / STATE_DIRECTORY
    wanted = "import/old-crawls/file" if moment == "reading" else "open/old-crawls/*.imported"
    end = time.monotonic() + 60
    while not any(state.glob(wanted)) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    ran = take_in(tmp_path, "big.warc.gz")
    assert ran.code == 0, ran.out + ran.err
    assert ran.json["files"][0]["state"] in ("imported", "already here")
    assert len(records(tmp_path)) == 150
    assert len(list((tmp_path / "archive" / "manifests").rglob("*.json"))) == 1
    assert not any((state / "import").rglob("*.*"))
    assert not any(state.glob("open/*/*.imported"))
    is_whole(tmp_path)
    is_rebuilt_the_same(tmp_path)


def test_files_come_from_a_bucket_and_go_to_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = shared_seaweed()
    bucket = s3.make_bucket("imports-from")
    client = s3.client()
    client.put_object(Bucket=bucket, Key="crawls/one.warc.gz", Body=FORMS["packed.warc.gz"])
    client.put_object(Bucket=bucket, Key="crawls/two.wacz", Body=wacz(articles(9)))
    client.put_object(Bucket=bucket, Key="crawls/notes.txt", Body=b"none of it")
    place = f"s3://{s3.make_bucket('imports-to')}"
    options = ("--archive", place, "--json")
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    environment = {"NEWSARK_STATE": str(tmp_path / "state")}
    ran = newsark("import", f"s3://{bucket}/crawls/", *options, cwd=tmp_path, environment=environment)
    assert ran.code == 0, ran.err + ran.out
    assert [one["new"] for one in ran.json["files"]] == [COUNT, 3]
    assert ran.json["stored"] is True
    key = ran.json["files"][0]["key"]
    assert open_store(StoreSettings(place)).get(key) == FORMS["packed.warc.gz"]
    checked = asked("verify", "--deep", *options, cwd=tmp_path, environment=environment)
    assert (checked.code, checked.json["findings"]) == (0, [])


def test_a_time_that_cannot_be_read_is_told_with_its_place(tmp_path: Path) -> None:
    data = articles(2, packed=False).replace(f"WARC-Date: {date(1)}".encode(), b"WARC-Date: some other day at all", 1)
    (tmp_path / "undated.warc").write_bytes(data)
    ran = take_in(tmp_path, "undated.warc")
    (report,) = ran.json["files"]
    assert (ran.code, report["new"]) == (1, 1)
    (problem,) = [one for one in report["problems"] if "it is no capture" in one["reason"]]
    assert data[problem["offset"] :].startswith(b"WARC/1.0")
