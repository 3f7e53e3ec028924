"""The reading room over HTTP: every page and its twin, what can be taken away."""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from lxml import html

from newsark.home import utc_now
from pipelines.pool import ReaderPool
from reading.article import history_of
from reading.ledger import Wanted, ledger
from reading.provenance import check_record
from reading.web.downloads import wacz_file, warc_file
from reading.web.exportjobs import ExportJobs
from reading.web.ledgerpage import LedgerAsked
from reading.web.ledgerpage import _entries as ledger_entries
from reading.web.room import Remembered
from reading.web.room import Room as WholeRoom
from storage.archive import Archive, ArchiveSettings
from storage.errors import StorageError
from tests.cli import newsark
from tests.readingroom import BREAK, HOSTILE_ID, RUN, Room, lived, serving

PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    with lived(tmp_path_factory.mktemp("kept")) as made:
        yield made


@pytest.fixture(scope="module")
def room(kept: tuple[str, Path]) -> Iterator[Room]:
    with serving("--archive", kept[1]) as running:
        yield running


@pytest.fixture(scope="module")
def ids(room: Room) -> dict[str, str]:
    """The latest record of each article, by the last part of its address."""
    found = room.get("/search.json").json["articles"]
    return {article["url"].rpartition("/")[2]: article["id"] for article in found}


def test_the_front_page_tells_what_is_kept_and_what_is_gone(room: Room) -> None:
    front = room.get("/index.json").json
    assert (front["totals"]["articles"], front["totals"]["versions"]) == (3, 4)
    assert front["removedThisWeek"] == 1
    assert front["removed"][0]["headline"] == "Harbour two"
    assert [one["name"] for one in front["health"]] == ["N"]
    page = room.get("/", **PAGE)
    assert page.headers["content-type"].startswith("text/html")
    assert "Harbour one" in page.text
    assert "Removed this week" in page.text


def pages(ids: dict[str, str]) -> list[str]:
    one = f"/articles/{ids['one']}"
    fixed = ["/", "/search?q=harbour", "/ledger", "/sources", "/sources/n", "/figures", "/exports", "/help"]
    return [*fixed, one, f"{one}/compare", f"{one}/replay"]


def test_every_page_has_a_twin_and_names_no_other_host(room: Room, ids: dict[str, str]) -> None:
    for path in pages(ids):
        page = room.get(path, **PAGE)
        assert page.status == 200, path
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        tree = html.fromstring(page.body)
        (twin,) = tree.xpath("//link[@rel='alternate'][@type='application/json']/@href")
        assert room.get(twin).headers["content-type"] == "application/json", path
        frame = tree.xpath("//iframe/@src")
        loaded = tree.xpath("//@src | //link/@href | //@srcset | //form/@action")
        assert [one for one in loaded if not one.startswith("/") and one not in frame] == [], path
        assert tree.xpath("//@style | //style | //script[not(@src)]") == [], path


def test_a_search_finds_marks_counts_and_filters(room: Room) -> None:
    found = room.get("/search.json?q=harbour").json
    assert found["total"] == 3
    assert {one["value"]: one["count"] for one in found["facets"]["source"]} == {"n": 3}
    assert [True, "Harbour"] in [piece for article in found["articles"] for piece in article["headline"]]
    assert room.get("/search.json?q=%22new+harbour%22").json["total"] == 1
    assert room.get("/search.json?q=harbour&state=removed").json["total"] == 1
    assert room.get("/search.json?q=harbour&versions=all").json["total"] == 4
    assert room.get("/search.json?q=harbour&source=other").json["total"] == 0
    assert [one["value"] for one in room.get("/search.json").json["facets"]["published"]] == ["2026"]
    counts = {when: room.get(f"/search.json?published={when}").json["total"] for when in ("2026", "2026-03", "2026-04")}
    assert counts == {"2026": 1, "2026-03": 1, "2026-04": 0}
    assert room.get("/search.json?published=2026-03-10").json["total"] == 1
    page = room.get("/search?q=harbour", **PAGE).text
    assert "<mark>Harbour</mark>" in page


@pytest.mark.parametrize("query", ["%22open", "(harbour", "OR", "-harbour"])
def test_a_query_that_is_none_is_told_so(room: Room, query: str) -> None:
    answer = room.get(f"/search.json?q={query}")
    assert answer.status == 400
    assert "sign" in answer.json["error"]
    page = room.get(f"/search?q={query}", **PAGE)
    assert (page.status, 'role="alert"' in page.text) == (400, True)


def test_an_article_has_its_versions_its_life_and_its_bytes(room: Room, ids: dict[str, str]) -> None:
    told = room.get(f"/articles/{ids['one']}.json").json
    assert [one["version"] for one in told["versions"]] == [1, 2]
    assert told["record"]["archive"]["recordId"].startswith("<urn:uuid:")
    assert "edited" in [one["kind"] for one in told["timeline"]]
    gone = room.get(f"/articles/{ids['two']}.json").json
    assert (gone["state"], gone["timeline"][-1]["kind"]) in {("removed", "removed"), ("removed", "visit")}
    page = room.get(f"/articles/{ids['one']}", **PAGE).text
    assert "Sentence 3 on the new harbour called one" in page
    assert told["record"]["archive"]["filename"] in page


def test_versions_are_compared_word_by_word(room: Room, ids: dict[str, str]) -> None:
    told = room.get(f"/articles/{ids['one']}/compare.json").json
    assert (told["old"]["version"], told["new"]["version"], told["changed"]) == (1, 2, 1)
    (line,) = [line for line in told["lines"] if line["differs"]]
    assert ["new", " new"] in line["new"]
    assert "".join(text for _, text in line["old"]).startswith("Sentence 3 on the harbour")
    assert "<ins> new</ins>" in room.get(f"/articles/{ids['one']}/compare?old=1&new=2", **PAGE).text
    shown = room.get(f"/articles/{ids['one']}/replay", Host="[::1]:80", **PAGE).text
    assert ("<iframe" in shown, "localhost" in shown) == (False, True)
    assert room.get(f"/articles/{ids['two']}/compare.json").status == 404
    assert room.get(f"/articles/{ids['one']}/compare.json?old=7").status == 404


def test_a_record_is_held_against_its_bytes(room: Room, ids: dict[str, str]) -> None:
    checks = room.post(f"/articles/{ids['one']}/check.json").json["checks"]
    assert [(one["what"], one["holds"]) for one in checks] == [("bytes", True), ("identity", True), ("words", True)]
    page = room.post(f"/articles/{ids['one']}/check", **PAGE)
    assert page.text.count(": right.") == 3


def test_bytes_that_were_changed_are_told(kept: tuple[str, Path], ids: dict[str, str], tmp_path: Path) -> None:
    copy = tmp_path / "archive"
    shutil.copytree(kept[1], copy)
    archive = Archive.open(copy, ArchiveSettings(), utc_now, create=False)
    history = history_of(archive, ids["one"])
    assert history is not None
    where = history.latest["archive"]
    path = copy / where["filename"]
    data = bytearray(path.read_bytes())
    data[where["offset"] + where["length"] // 2] ^= 1
    path.write_bytes(data)
    pool = ReaderPool(1, timeout_seconds=20)
    checks = check_record(archive, "n", history.latest, pool)
    pool.close()
    made = WholeRoom(archive, "copy", ExportJobs(tmp_path / "none", archive.clock), str, no_pool)
    for download in (warc_file, wacz_file):
        with pytest.raises(StorageError, match=where["filename"]):
            download(made, ids["one"], None)
    archive.close()
    assert [(one.what, one.holds) for one in checks] == [("bytes", False)]
    assert where["filename"] in checks[0].found


def test_one_article_can_be_taken_away(room: Room, ids: dict[str, str], tmp_path: Path) -> None:
    one = f"/articles/{ids['one']}"
    record = room.get(f"{one}/record")
    assert record.json == room.get(f"{one}.json").json["record"]
    assert "attachment" in record.headers["content-disposition"]
    assert room.get(f"{one}/cite.bib").text.startswith("@online{newsark-")
    assert room.get(f"{one}/cite.csl").json[0]["title"] == "Harbour one"
    for form, name in (("warc", "one.warc.gz"), ("wacz", "one.wacz")):
        (tmp_path / name).write_bytes(room.get(f"{one}/{form}").body)
        assert newsark("validate", tmp_path / name, cwd=tmp_path).code == 0
    with zipfile.ZipFile(tmp_path / "one.wacz") as package:
        lines = package.read("pages/pages.jsonl").splitlines()
    assert [json.loads(line)["title"] for line in lines[1:]] == ["Harbour one"]


def done(room: Room, export_id: str) -> dict[str, Any]:
    for _ in range(200):
        told: dict[str, Any] = room.get(f"/exports/{export_id}.json").json
        if told["ended"]:
            return told
        time.sleep(0.1)
    raise AssertionError(told)


def test_an_export_is_built_watched_and_downloaded(room: Room, kept: tuple[str, Path], tmp_path: Path) -> None:
    asked = room.post("/exports.json", {"form": "jsonl.gz", "q": "harbour", "versions": "all"})
    assert asked.status == 202
    told = done(room, asked.json["id"])
    assert (told["state"], told["rows"], told["share"]) == ("done", 4, 1.0)
    names = {one["name"] for one in told["files"]}
    assert {"articles.jsonl.gz", "datapackage.json", "croissant.json"} <= names
    packed = room.get(f"/exports/{told['id']}/files/articles.jsonl.gz")
    same = ["export", "--archive", kept[1], "--query", "harbour", "--versions", "all", "-o", tmp_path / "same.jsonl.gz"]
    assert newsark(*same, cwd=tmp_path).code == 0
    assert packed.body == (tmp_path / "same.jsonl.gz").read_bytes()
    assert len(gzip.decompress(packed.body).splitlines()) == 4
    assert room.get(f"/exports/{told['id']}/files/..%2Fjob.json").status == 404
    assert room.get(f"/exports/{told['id']}", **PAGE).text.count("download>") == len(names)
    assert room.post(f"/exports/{told['id']}/remove").status == 303
    assert room.get(f"/exports/{told['id']}.json").status == 404


def test_pages_are_exported_too_and_a_bad_query_is_refused_at_once(room: Room) -> None:
    shown = room.post("/exports", {"form": "wacz"})
    assert shown.status == 303
    told = done(room, shown.headers["location"].rpartition("/")[2])
    data = room.get(f"/exports/{told['id']}/files/articles.wacz").body
    assert "archive/data.warc.gz" in zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert room.post("/exports.json", {"form": "csv", "q": '"open'}).status == 400
    assert room.post("/exports.json", {"form": "csv", "what": "ledger", "q": "harbour"}).status == 400
    assert room.post("/exports.json", {"form": "wacz", "what": "ledger"}).status == 400
    assert room.post("/exports.json", {"form": "csv", "source": "nobody"}).status == 404
    assert room.post("/exports.json", {"form": "exe"}).status == 422


def test_the_ledger_is_exported_as_well(room: Room) -> None:
    told = done(room, room.post("/exports.json", {"form": "csv", "what": "ledger"}).json["id"])
    table = room.get(f"/exports/{told['id']}/files/ledger.csv").text
    assert told["rows"] == len(table.splitlines()) - 1 == room.get("/ledger.json").json["total"]


def test_the_ledger_is_a_page_a_feed_and_a_table(room: Room) -> None:
    found = room.get("/ledger.json").json
    assert {one["kind"] for one in found["entries"]} >= {"edited", "removed"}
    assert [one["kind"] for one in room.get("/ledger.json?kind=removed").json["entries"]] == ["removed"]
    assert room.get("/ledger.json?state=confirmed&kind=removed").json["total"] == 0
    assert room.get("/ledger.json?kind=nonsense").status == 422
    assert room.get("/ledger.json?source=nobody").status == 404
    assert room.get("/ledger.atom?kind=removed").body.count(b"<entry>") == 1
    assert len(room.get("/ledger.csv").text.splitlines()) == found["total"] + 1


def test_the_ledger_is_remembered_once_and_each_question_answered_as_it_is_asked(kept: tuple[str, Path]) -> None:
    archive = Archive.open(kept[1], ArchiveSettings(), utc_now, create=False)
    made = WholeRoom(archive, "kept", ExportJobs(archive.state / "none", archive.clock), str, no_pool)
    for text, kind, source, since in (
        ("one", (), (), ""),
        ("TWO", ("removed",), ("n",), "2026-01-01"),
        ("", (), (), ""),
    ):
        asked = LedgerAsked(kind=kind, source=source, since=since, text=text)
        moment = datetime.fromisoformat(since).replace(tzinfo=UTC) if since else None
        wanted = Wanted(source, kind, moment, text or None)
        assert ledger_entries(made, asked) == ledger(archive, wanted) != []
    assert [key for key in made.remembered.keys if "ledger" in key] == ["ledger"]
    archive.close()


def no_pool() -> ReaderPool:
    raise AssertionError


def test_what_tells_of_the_last_days_is_gathered_again_though_nothing_came_in(kept: tuple[str, Path]) -> None:
    archive = Archive.open(kept[1], ArchiveSettings(), utc_now, create=False)
    gathered: list[int] = []

    def gather() -> int:
        gathered.append(len(gathered))
        return len(gathered)

    def asked_three_times(remembered: Remembered) -> list[int]:
        found = []
        for _ in range(3):
            found.append(remembered.get("a", gather))
            time.sleep(0.01)
        return found

    assert asked_three_times(Remembered(archive, 0, 3600)) == [1, 1, 1]
    assert asked_three_times(Remembered(archive, 0, 0)) == [2, 3, 4]
    archive.close()


def test_an_address_leads_to_its_article(room: Room, kept: tuple[str, Path], ids: dict[str, str]) -> None:
    found = room.get(f"/find?url={kept[0]}/news/one%23part")
    assert (found.status, found.headers["location"]) == (303, f"/articles/{ids['one']}")
    assert "as no article" in room.get(f"/find?url={kept[0]}/sitemap.xml").json["error"]
    assert room.get("/find?url=http://nowhere.example/").status == 404


def test_figures_are_drawn_and_told(room: Room) -> None:
    told = room.get("/figures.json").json
    assert sum(told["days"][0]["sources"].values()) == 2
    for plot in ("by-day", "survival", "delays", "coverage"):
        svg = room.get(f"/figures/{plot}.svg")
        assert svg.headers["content-type"] == "image/svg+xml"
        assert b"<svg" in svg.body
        assert "default-src 'none'" in svg.headers["content-security-policy"]
    assert room.get("/figures/by-day.svg?theme=dark").body != room.get("/figures/by-day.svg").body


def test_what_somebody_wrote_is_text_wherever_it_stands(room: Room) -> None:
    at = f"/articles/{HOSTILE_ID}"
    for path in (
        at,
        "/search?q=hostile",
        "/",
        f"{at}/replay",
        f"{at}/compare",
        "/search?q=%3Cscript%3E",
        f"/find?url={BREAK}",
    ):
        page = room.get(path.replace(" ", "%20").replace("<", "%3C").replace('"', "%22"), **PAGE)
        assert page.status < 500, path
        tree = html.fromstring(page.body)
        assert tree.xpath("//script[not(starts-with(@src, '/static/'))]") == [], path
        assert [name for one in tree.iter() for name in one.attrib if name.startswith("on")] == [], path
        assert [one for one in tree.xpath("//@href | //@src") if one.lower().startswith("javascript")] == [], path
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", page.text), path
        assert len(page.body) < 400_000, path
    assert len(room.get(f"{at}/record").body) > 10_000_000
    assert [room.get(f"{at}/{form}").status for form in ("warc", "wacz")] == [404, 404]


def test_head_has_no_body(room: Room) -> None:
    answer = room.get("/help", "HEAD", **PAGE)
    assert (answer.status, answer.body) == (200, b"")


def test_what_is_not_there_is_said_in_the_right_form(room: Room) -> None:
    assert "no such page" in room.get("/nothing", **PAGE).text
    assert room.get("/nothing").json["status"] == 404
    assert room.get("/articles/nothing.json").status == 404
    assert room.get("/static/..%2Froom.py").status == 404
    assert room.get(f"/static/{'a' * 300}.css").status == 404


def test_another_site_can_neither_ask_nor_lead_here(room: Room, ids: dict[str, str]) -> None:
    assert room.get("/", Host="evil.example").status == 400
    assert room.get("/", Host="127.0.0.5:80").status == 200
    assert room.post("/exports", {"form": "csv"}, Origin="http://evil.example").status == 403
    assert room.post("/exports", {"form": "csv"}, Sec_Fetch_Site="cross-site").status == 403
    assert room.post("/exports.json", {"form": "csv"}, Origin=room.url, Sec_Fetch_Site="same-origin").status == 202


def test_replay_ends_with_the_room_even_when_that_is_killed(kept: tuple[str, Path], ids: dict[str, str]) -> None:
    with serving("--archive", kept[1]) as room:
        port = urlsplit(room.get(f"/articles/{ids['one']}/replay.json").json["replay"]).port
        assert answers(port)
        room.process.kill()
        room.process.wait(timeout=20)
        for _ in range(100):
            if not answers(port):
                return
            time.sleep(0.1)
    raise AssertionError(f"port {port} still answers")


def answers(port: int | None) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port or 0)) == 0


def test_an_archive_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = subprocess.run([*RUN, "serve", "--archive", tmp_path / "none"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "no archive" in done.stderr
