"""WARC and WACZ of a selection: the stored records byte for byte, and what their pages need; strict checkers agree."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from warcio.archiveiterator import ArchiveIterator

from storage.cdxj import parse_index_line
from storage.gzipmembers import read_members
from storage.warcscan import scan_records
from tests.cli import NEWSARK, newsark
from tests.in_process import Command, asked, in_process
from tests.pressroom import PICTURE, Newsroom, crawl
from tests.seaweed import shared_seaweed

FILES = {"/css/site.css", "/css/more.css", "/a.woff2", "/app.js", "/img/paper.png", "/img/logo.png"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    home = tmp_path_factory.mktemp("kept")
    with Newsroom() as newsroom:
        crawl(newsroom, home)
        yield newsroom.url, home / "archive"


@pytest.fixture(scope="module")
def rebuilt(kept: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An archive that visited its articles twice, and a copy of it whose catalogue was made from its store."""
    home = tmp_path_factory.mktemp("rebuilt")
    shutil.copytree(kept[1].parent, home / "home")
    done = newsark("crawl", "--again", "--source-file", "n.toml", "--no-progress", cwd=home / "home")
    assert done.code == 0, done.err
    shutil.copytree(home / "home" / "archive", home / "copy")
    done = asked("rebuild", "--replace", "--archive", home / "copy", cwd=home)
    assert done.code == 0, done.err
    return home / "home" / "archive", home / "copy"


@pytest.fixture
def newsark_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_process(tmp_path, monkeypatch, capsys)


def export(archive: Path, path: Path, *words: str) -> Path:
    done = asked("export", "--archive", archive, "-o", path, *words, cwd=path.parent)
    assert done.code == 0, done.err
    return path


def members_of(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        return [member.data for member in read_members(file, path.name)]


def urls_of(stream: io.BufferedIOBase) -> dict[str, str]:
    found = {}
    for record in ArchiveIterator(stream, check_digests="raise"):
        if record.rec_type in ("response", "revisit"):
            found[record.rec_headers.get_header("WARC-Target-URI")] = record.rec_type
            record.content_stream().read()
    return found


def test_a_warc_has_the_records_as_they_are_stored(kept: tuple[str, Path], tmp_path: Path) -> None:
    site, archive = kept
    path = export(archive, tmp_path / "one.warc.gz", "--text", "called one")
    (stored,) = (archive / "warc").rglob("*.warc.gz")
    first, *copied = members_of(path)
    assert b"WARC-Type: warcinfo" in first
    assert "the query" in first.decode()
    assert set(copied) <= set(members_of(stored))
    with path.open("rb") as file:
        urls = urls_of(file)
    assert {url.removeprefix(site) for url in urls} >= FILES | {"/news/one", "/img/one.png", "/img/one-big.png"}
    assert f"{site}/news/two" not in urls
    with path.open("rb") as file:
        kinds = [record.record_type for record in scan_records(file, path.name)]
    assert kinds.count("request") == kinds.count("response") + kinds.count("revisit")
    assert asked("validate", path, cwd=tmp_path).code == 0


def test_a_revisit_comes_with_what_it_refers_to(kept: tuple[str, Path], tmp_path: Path) -> None:
    _, archive = kept
    path = export(archive, tmp_path / "all.warc.gz")
    with path.open("rb") as file:
        records = [*scan_records(file, path.name)]
    ids = {record.fields["warc-record-id"] for record in records}
    for record in records:
        if record.record_type == "revisit":
            assert record.fields["warc-refers-to"] in ids


def test_a_wacz_is_whole_and_its_index_leads_to_its_records(kept: tuple[str, Path], tmp_path: Path) -> None:
    site, archive = kept
    path = export(archive, tmp_path / "all.wacz")
    assert asked("validate", path, cwd=tmp_path).code == 0
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        facts = json.loads(package.read("datapackage.json"))
        digest = json.loads(package.read("datapackage-digest.json"))
        assert digest["hash"] == "sha256:" + hashlib.sha256(package.read("datapackage.json")).hexdigest()
        for one in facts["resources"]:
            data = package.read(one["path"])
            assert (one["bytes"], one["hash"]) == (len(data), "sha256:" + hashlib.sha256(data).hexdigest())
        head, *pages = map(json.loads, package.read("pages/pages.jsonl").splitlines())
        lines = package.read("indexes/index.cdx").splitlines()
        warc = package.read("archive/data.warc.gz")
        assert package.getinfo("archive/data.warc.gz").compress_type == zipfile.ZIP_STORED
    assert head["format"] == "json-pages-1.0"
    assert sorted(page["title"] for page in pages) == ["Harbour one", "Harbour two"]
    assert all("where ships lay at anchor" in page["text"] for page in pages)
    assert facts["mainPageUrl"] in {page["url"] for page in pages}
    assert lines == sorted(lines)
    entries = [parse_index_line(line) for line in lines]
    assert {entry.url.removeprefix(site) for entry in entries} >= FILES | {"/news/one", "/news/two"}
    for entry in entries:
        record = next(iter(ArchiveIterator(io.BytesIO(warc[entry.offset : entry.offset + entry.length]))))
        assert record.rec_headers.get_header("WARC-Target-URI") == entry.url
        if entry.url.endswith("/img/logo.png") and entry.mime != "warc/revisit":
            assert record.content_stream().read() == PICTURE


def test_a_package_may_go_to_a_pipe(kept: tuple[str, Path], tmp_path: Path) -> None:
    _, archive = kept
    command = [NEWSARK, "export", "--archive", archive, "--format", "wacz", "-o", "-"]
    path = tmp_path / "piped.wacz"
    path.write_bytes(subprocess.run(command, capture_output=True, check=True, cwd=tmp_path).stdout)
    assert asked("validate", path, cwd=tmp_path).code == 0


def test_what_cannot_be_read_is_named_and_the_rest_is_there(kept: tuple[str, Path], tmp_path: Path) -> None:
    site, archive = kept
    copy = tmp_path / "archive"
    shutil.copytree(archive, copy)
    (stored,) = (copy / "warc").rglob("*.warc.gz")
    stored.write_bytes(stored.read_bytes()[:-400])
    done = asked("export", "--archive", copy, "-o", "rest.warc.gz", cwd=tmp_path)
    assert done.code == 1
    assert "left out" in done.err
    with (tmp_path / "rest.warc.gz").open("rb") as file:
        assert f"{site}/css/site.css" in urls_of(file)


def test_one_file_is_asked_for(kept: tuple[str, Path], tmp_path: Path) -> None:
    done = asked("export", "--archive", kept[1], "--format", "wacz", "-o", f"{tmp_path}/", cwd=tmp_path)
    assert done.code == 2
    assert "one file" in done.err


def test_the_standard_checker_of_packages_agrees(kept: tuple[str, Path], tmp_path: Path) -> None:
    path = export(kept[1], tmp_path / "all.wacz")
    checker = Path(sys.executable).with_name("wacz")

    def checked() -> tuple[int, str]:
        done = subprocess.run([checker, "validate", "-f", path], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()[-1]

    assert checked() == (0, "Validation succeeded, the passed WACZ is valid")
    damaged = tmp_path / "damaged.wacz"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(damaged, "w") as other:
        for name in whole.namelist():
            data = whole.read(name)
            other.writestr(name, data.replace(b"Harbour", b"Haven") if name == "pages/pages.jsonl" else data)
    damaged.replace(path)
    assert checked() == (1, "Validation failed, the passed WACZ is invalid")


def test_what_the_standard_checker_does_not_look_at(
    kept: tuple[str, Path], newsark_here: Command, tmp_path: Path
) -> None:
    path = tmp_path / "all.wacz"
    assert newsark_here("export", "--archive", kept[1], "-o", path).code == 0
    records = newsark_here("export", "--archive", kept[1], "-o", "-").lines
    with zipfile.ZipFile(path) as package:
        _, *pages = map(json.loads, package.read("pages/pages.jsonl").splitlines())
        entries = [parse_index_line(line) for line in package.read("indexes/index.cdx").splitlines()]
        warc = package.read("archive/data.warc.gz")
    assert sorted(page["id"] for page in pages) == sorted(record["id"] for record in records)
    shown = {(entry.url, entry.timestamp) for entry in entries}
    assert {(page["url"], re.sub(r"\D", "", page["ts"])) for page in pages} <= shown
    originals = {(entry.url, entry.timestamp): entry for entry in entries if entry.mime != "warc/revisit"}
    revisits = [entry for entry in entries if entry.mime == "warc/revisit"]
    assert revisits
    for entry in entries:
        member = io.BytesIO(warc[entry.offset : entry.offset + entry.length])
        record = next(iter(ArchiveIterator(member)))
        assert record.rec_headers.get_header("WARC-Payload-Digest") == entry.digest
        if entry not in revisits:
            sent = record.raw_stream.read()
            assert entry.digest == "sha256:" + hashlib.sha256(sent).hexdigest()
            continue
        target = record.rec_headers.get_header("WARC-Refers-To-Target-URI")
        date = re.sub(r"\D", "", record.rec_headers.get_header("WARC-Refers-To-Date"))[:14]
        assert originals[target, date].digest == entry.digest


def test_pages_go_into_a_bucket(kept: tuple[str, Path], newsark_here: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    server = shared_seaweed()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    place = f"s3://{server.bucket('pages')}/{uuid4().hex}"
    for name in ("all.wacz", "all.warc.gz"):
        done = newsark_here("export", "--archive", kept[1], "-o", f"{place}/{name}")
        assert (done.code, done.err.startswith("Wrote 2 pages, ")) == (0, True), done.err
    done = newsark_here("validate", f"{place}/all.wacz", f"{place}/all.warc.gz")
    assert done.code == 0, done.out + done.err


@pytest.mark.parametrize(("what", "rows"), [("articles", 2), ("observations", 2), ("ledger", 0)])
def test_a_rebuilt_catalogue_is_no_news(
    rebuilt: tuple[Path, Path], newsark_here: Command, tmp_path: Path, what: str, rows: int
) -> None:
    before, after = rebuilt
    for archive, output, *more in ((before, "first/"), (after, "second/", "--delta-since", "first")):
        done = newsark_here("export", "--what", what, "--archive", archive, "-o", output, *more)
        assert done.code == 0, done.err
    assert done.err.startswith("Wrote 0 "), done.err
    assert " 0 gone" in done.err
    lists = [(tmp_path / name / "ids.txt.gz").read_bytes() for name in ("first", "second")]
    assert lists[0] == lists[1]
    assert len(gzip.decompress(lists[0]).split()) == rows
