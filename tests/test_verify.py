"""`newsark verify` as people and programs meet it: what it says, how it ends, what it repairs."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from newsark.commands.verify import size_bytes
from storage.errors import BadSetting
from tests.cli import Ran, crawl
from tests.in_process import Command, asked, in_process
from tests.newsroom import running_newsroom
from tests.storage.bitrot import objects_of


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the archive of a crawl of the sample newsroom."""
    directory = tmp_path_factory.mktemp("verify")
    with running_newsroom() as site:
        assert crawl(site.url + "/", directory, "--limit", "12").code in (0, 1)
    return directory / "archive"


@dataclass(frozen=True, slots=True)
class Kept:
    """A copy of the archive to be damaged, and the command."""

    archive: Path
    run: Command

    def verify(self, *options: str) -> Ran:
        return self.run("verify", "--archive", self.archive, *options)

    def one(self, room: str) -> Path:
        (path,) = (self.archive / room).rglob("*.*")
        path.chmod(0o644)
        return path

    def key(self, room: str) -> str:
        return self.one(room).relative_to(self.archive).as_posix()

    def forge(self, room: str, lines: list[bytes]) -> None:
        """Other lines, and a manifest that was made to agree with them."""
        path, manifest = self.one(room), self.one("manifests")
        path.write_bytes(gzip.compress(b"".join(lines), mtime=0))
        facts = orjson.loads(manifest.read_bytes())
        for one in facts["objects"]:
            if one["key"] == self.key(room):
                data = path.read_bytes()
                one |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        manifest.write_bytes(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS))


@pytest.fixture
def kept(crawled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Kept:
    archive = tmp_path / "archive"
    shutil.copytree(crawled, archive)
    # It names the place that the archive was copied from.
    (archive / ".newsark" / "archive").unlink(missing_ok=True)
    return Kept(archive, in_process(tmp_path, monkeypatch, capsys))


def records(kept: Kept) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in gzip.decompress(kept.one("records").read_bytes()).splitlines()]


def lines(values: list[dict[str, Any]]) -> list[bytes]:
    return [orjson.dumps(value) + b"\n" for value in values]


def test_a_fresh_archive_is_whole_and_json_says_so(kept: Kept) -> None:
    ran = kept.verify("--json")
    assert ran.code == 0
    assert ran.err == ""
    assert {name: ran.json[name] for name in ("ok", "findings", "notes", "complete")} == {
        "ok": True,
        "findings": [],
        "notes": [],
        "complete": True,
    }
    whole = objects_of(kept.archive)
    assert ran.json["objects"] == len(whole)
    assert ran.json["bytes"] == sum(map(len, whole.values()))


def test_every_article_reads_again_as_it_was_recorded(kept: Kept) -> None:
    ran = kept.verify("--deep", "--all", "--json")
    assert (ran.code, ran.json["findings"], ran.json["notes"]) == (0, [], [])
    assert ran.json["reread"] == sum(record.get("articleBody") is not None for record in records(kept)) > 3


def test_a_sample_is_as_large_as_was_asked_for(kept: Kept) -> None:
    assert kept.verify("--deep", "--sample", "2", "--json").json["reread"] == 2
    assert kept.verify("--deep", "--sample", "0", "--json").json["reread"] == 0


def test_a_text_that_is_not_in_the_page_is_a_finding(kept: Kept) -> None:
    changed = records(kept)
    place = next(number for number, record in enumerate(changed) if record.get("articleBody"))
    changed[place]["articleBody"] += "\nIt never happened."
    changed[place]["author"] = [{"name": "Nobody"}]
    kept.forge("records", lines(changed))
    ran = kept.verify("--deep", "--all", "--json")
    assert ran.code == 1
    (finding,) = [one for one in ran.json["findings"] if one["kind"] == "reading-differs"]
    assert finding["object"] == kept.key("records")
    assert "articleBody" in finding["message"]
    assert "author" in finding["message"]


def test_what_another_version_read_otherwise_is_a_note(kept: Kept) -> None:
    changed = records(kept)
    for record in changed:
        if record.get("articleBody"):
            record["articleBody"] += "\nIt was read otherwise."
            record["metadata"]["extractorVersion"] = "0.0.1 (trafilatura 1.0)"
    kept.forge("records", lines(changed))
    ran = kept.verify("--deep", "--all", "--json")
    assert {one["kind"] for one in ran.json["notes"]} == {"reading-differs"}
    assert len(ran.json["notes"]) == ran.json["reread"] > 3
    assert "0.0.1 (trafilatura 1.0)" in ran.json["notes"][0]["message"]
    # The manifest was altered, which the catalogue knows: that alone is the fault.
    assert {one["kind"] for one in ran.json["findings"]} == {"altered-manifest"}


def test_damage_ends_with_exit_code_1_and_names_object_store_and_cure(kept: Kept) -> None:
    kept.one("warc").write_bytes(kept.one("warc").read_bytes()[:-3])
    ran = kept.verify("--json")
    assert ran.code == 1
    assert ran.json["ok"] is False
    (finding,) = ran.json["findings"]
    assert (finding["object"], finding["kind"]) == (kept.key("warc"), "wrong-size")
    assert finding["store"] == str(kept.archive)
    shown = kept.verify()
    assert shown.code == 1
    assert kept.key("warc") in shown.out
    assert "newsark verify --repair" in shown.out
    assert "1 finding to look at." in shown.out


def test_repair_without_another_store_says_what_it_could_not_do(kept: Kept) -> None:
    kept.one("warc").write_bytes(b"")
    ran = kept.verify("--repair", "--json")
    assert ran.code == 1
    assert [one["message"] for one in ran.json["unrepaired"]] == ["no other store has it right"]


def test_a_replica_is_filled_and_then_gives_back_what_is_lost(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = tmp_path / "replica"
    monkeypatch.setenv("NEWSARK_REPLICAS", str(replica))
    whole = objects_of(kept.archive)
    ran = kept.verify("--json")
    assert ran.code == 1
    assert {one["kind"] for one in ran.json["findings"]} == {"copies-missing"}
    ran = kept.verify("--repair", "--json")
    assert (ran.code, ran.json["repaired"]) == (0, len(whole))
    assert objects_of(replica) == whole
    for room in ("warc", "manifests", "records"):
        kept.one(room).unlink()
    kept_toml = next((kept.archive / "sources").rglob("*.toml"))
    kept_toml.chmod(0o644)
    kept_toml.write_text('id = "other"\n')
    ran = kept.verify("--deep", "--repair")
    assert ran.code == 0, ran.out
    assert "repaired" in ran.out
    assert objects_of(kept.archive) == whole
    assert kept.verify("--deep", "--json").json["findings"] == []


def test_wrong_use_ends_with_exit_code_2(kept: Kept) -> None:
    for options in (("--sample", "3"), ("--all",), ("--deep", "--all", "--sample", "3"), ("--max-bytes", "much")):
        ran = kept.verify(*options)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("newsark: ")
    assert kept.verify("nobody").code == 2


def test_a_limited_run_says_what_it_left(kept: Kept) -> None:
    ran = kept.verify("--max-bytes", "1", "--json")
    assert (ran.code, ran.json["complete"]) == (0, False)
    assert ran.json["left"]["objects"] == 2
    assert "Left for the next run: " in kept.verify("--max-bytes", "1").out


def test_what_is_open_in_a_crawl_is_no_finding(crawled: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    shutil.copytree(crawled, archive)
    opened = archive / ".newsark" / "open" / "some-source"
    opened.mkdir(parents=True)
    (opened / "some-source-20261123180000-00000-host.warc.gz.open").write_bytes(b"")
    assert asked("verify", "--archive", archive, "--json", cwd=tmp_path).json["findings"] == []


@pytest.mark.parametrize(
    ("text", "size"),
    [("500MB", 500_000_000), ("2 GiB", 2 * 1024**3), ("1000", 1000), ("1.5k", 1500), ("3tb", 3 * 10**12)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1.2.3", "MB", "1 XB", "1e3", "0.1"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(BadSetting):
        size_bytes(text)
