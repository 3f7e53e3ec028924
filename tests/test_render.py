"""`render = true`: a browser makes the pages, the crawler makes their requests, and the archive has every byte."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from playwright.sync_api import Browser
from warcio.archiveiterator import ArchiveIterator

import newsark as python_door
from tests.browser import chromium
from tests.cli import Ran, newsark
from tests.crawling import Leads, report_of, start, wait_until, write_source
from tests.in_process import asked
from tests.scriptedsite import ScriptedSite
from tests.test_replay import NOW, Replayed, replaying

CRAWL = ("crawl", "--archive", "archive", "--contact", "test@localhost", "--json", "--source-file")
ASKS_FOR_TOO_MUCH = """
<script src="/js/forbidden.js"></script><img src="http://{other}/x.png"><img src="http://10.0.0.1/secret.png">
<iframe src="http://{other}/frame"></iframe><iframe src="/frame/of-its-own"></iframe>
<video src="/film.mp4" autoplay></video>
<script>
  fetch("http://{other}/data").catch(() => 0);
  fetch("/posted", {{method: "POST", body: "x"}}).catch(() => 0);
  fetch("file:///etc/passwd").catch(() => 0);
  new WebSocket("ws://{other}/");
  navigator.sendBeacon("/beacon", "x");
  const turn = {{urls: "turn:{other}?transport=tcp", username: "a", credential: "b"}};
  const servers = [{{urls: "stun:{other}"}}, turn];
  const peer = new RTCPeerConnection({{iceServers: servers}});
  peer.createDataChannel("a");
  peer.createOffer().then((offer) => peer.setLocalDescription(offer));
  window.open("/another-window");
  alert("stop");
</script>
"""


@pytest.fixture(scope="module", autouse=True)
def browser() -> Iterator[Browser]:
    """A reader's browser; where there is none all of this is skipped, and says so."""
    with chromium() as started:
        yield started


class Kept(NamedTuple):
    """A site, and what a crawl of it left in `home`."""

    site: ScriptedSite
    home: Path
    report: dict[str, Any]

    def records(self) -> Iterator[Any]:
        for warc in sorted((self.home / "archive" / "warc").rglob("*.warc.gz")):
            with warc.open("rb") as stream:
                for record in ArchiveIterator(stream, check_digests="raise"):
                    record.raw = record.raw_stream.read()
                    yield record


def crawl(home: Path, *words: str) -> Ran:
    return newsark(*CRAWL, home / "n.toml", *words, cwd=home)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    home = tmp_path_factory.mktemp("rendered")
    with ScriptedSite("one", "greedy") as site:
        site.extra["greedy"] = ASKS_FOR_TOO_MUCH.format(other=site.other)
        listed = {"sitemaps": [f"{site.url}/sitemap.xml"], "requisites": "page"}
        write_source(home / "n.toml", site.url, **listed, render=True, scroll=2, click=["#decline"])
        done = crawl(home)
        assert done.code == 0, done.err
        yield Kept(site, home, report_of(done))


def record_of(kept: Kept, name: str) -> dict[str, Any]:
    lines = Leads(kept.home / "archive").rows("line", "versions")
    (found,) = (line for (line,) in lines if f"/news/{name}" in json.loads(line)["url"])
    return dict(json.loads(found))


@pytest.mark.parametrize("name", ["one", "greedy"])
def test_the_text_is_what_scripts_made_of_the_page(kept: Kept, name: str) -> None:
    record = record_of(kept, name)
    assert record["headline"] == f"Ferry {name} sails again"
    for part in (f"Sentence 7 of the first part of {name}", "the second part of it", "the last part of it"):
        assert part in record["articleBody"]
    assert "«паром»" in record["articleBody"]
    assert record["archive"]["browser"].startswith("Chromium/")
    assert kept.report["kinds"]["article"] == {"captured": 2}
    assert not kept.report["problems"]


def test_the_document_is_a_conversion_of_the_page(kept: Kept) -> None:
    where = record_of(kept, "one")["archive"]
    by_id = {record.rec_headers.get_header("WARC-Record-ID"): record for record in kept.records()}
    document, page = by_id[where["recordId"]], by_id[where["refersTo"]]
    assert (document.rec_type, page.rec_type) == ("conversion", "response")
    assert document.rec_headers.get_header("WARC-Refers-To") == where["refersTo"]
    assert document.rec_headers.get_header("Content-Type") == "text/html; charset=utf-8"
    assert document.rec_headers.get_header("WARC-Date") == page.rec_headers.get_header("WARC-Date") == where["date"]
    assert "Sentence 3 of the second part" in document.raw.decode()
    with python_door.open(kept.home / "archive") as archive:
        stored = archive.capture(record_of(kept, "one"))
    assert stored.payload == document.raw


def told_of_documents(kept: Kept) -> str:
    return "\n".join(
        record.raw.decode()
        for record in kept.records()
        if record.rec_type == "metadata" and b"browser: Chromium/" in record.raw
    )


def test_every_answer_is_kept_as_it_was_sent(kept: Kept) -> None:
    found, bodies = {}, {}
    for record in kept.records():
        if record.rec_type in ("response", "revisit"):
            digest = record.rec_headers.get_header("WARC-Payload-Digest")
            found[record.rec_headers.get_header("WARC-Target-URI").removeprefix(kept.site.url)] = digest
            if record.rec_type == "response":
                bodies[digest] = record.raw
    assert found.keys() == set(kept.site.asked)
    for path, body in kept.site.sent.items():
        assert bodies[found[path]] == body, path
    assert {"/css/v2/site.css", "/data/lazy.json?of=one"} <= kept.site.sent.keys()


def test_a_file_that_pages_share_is_asked_for_once(kept: Kept) -> None:
    assert {path: count for path, count in Counter(kept.site.asked).items() if count > 1} == {}
    assert {"/js/app.js", "/css/v2/paper.png", "/img/ship.png"} <= set(kept.site.asked)
    assert kept.site.headers["/data/one.json"]["x-reader"] == "1"
    assert kept.site.headers["/data/one.json"]["cookie"] == "reader=1"
    assert kept.site.headers["/data/one.json"]["user-agent"].startswith("Newsark/")


def test_nothing_else_is_connected_to(kept: Kept) -> None:
    told = told_of_documents(kept)
    assert kept.site.connected == []
    assert set(kept.site.methods) == {"GET"}
    assert "/frame/of-its-own" in kept.site.asked
    for path in ("/js/forbidden.js", "/another-window", "/film.mp4", "/posted", "/beacon"):
        assert path not in kept.site.asked
    assert f"declined: GET http://{kept.site.other}/data: private-address: " in told
    assert "declined: GET http://10.0.0.1/secret.png: private-address: " in told
    assert f"declined: GET {kept.site.url}/js/forbidden.js: robots: robots.txt line 2" in told
    assert f"declined: POST {kept.site.url}/posted: only GET is asked for" in told


def catalogue_of(kept: Kept) -> tuple[list[Any], list[Any]]:
    """Its captures, and what each lead refers to, without the numbers that a rebuilt one may give anew."""
    known = Leads(kept.home / "archive")
    captures = known.rows('record_id, record_type, key, "offset", length, url, urlkey, refers_to', "captures")
    told = "url, state, (select record_id from captures where captures.id = capture_id)"
    return sorted(captures, key=str), sorted(known.rows(told), key=str)


def test_the_archive_is_sound(kept: Kept) -> None:
    before = record_of(kept, "one"), *catalogue_of(kept)
    checked = asked("verify", "--deep", "--json", "--archive", "archive", cwd=kept.home)
    assert (checked.code, checked.json["findings"]) == (0, [])
    warcs = sorted((kept.home / "archive" / "warc").rglob("*.warc.gz"))
    assert asked("validate", *warcs, cwd=kept.home).code == 0
    rebuilt = asked("rebuild", "--replace", "--archive", "archive", cwd=kept.home)
    assert rebuilt.code == 0, rebuilt.err
    assert (record_of(kept, "one"), *catalogue_of(kept)) == before
    reread = asked("reextract", "--all", "--dry-run", "--json", "--archive", "archive", cwd=kept.home)
    assert reread.code == 0, reread.err + reread.out
    assert (reread.json["read"], reread.json["changed"], reread.json["unread"]) == (2, 0, 0)


def test_a_package_has_what_the_browser_was_given(kept: Kept, tmp_path: Path) -> None:
    path = tmp_path / "one.warc.gz"
    where = ("--archive", kept.home / "archive")
    done = asked("export", *where, "--format", "warc", "-o", path, "--text", "Ferry one sails", cwd=tmp_path)
    assert done.code == 0, done.err
    found = Counter()
    with path.open("rb") as stream:
        for record in ArchiveIterator(stream, check_digests="raise"):
            found[(record.rec_type, record.rec_headers.get_header("WARC-Target-URI"))] += 1
            record.raw_stream.read()
    for name in ("/news/one", "/data/one.json", "/data/lazy.json?of=one", "/js/app.js", "/css/site.css"):
        url = kept.site.url + name
        assert found[("response", url)] + found[("revisit", url)] == 1, name
    assert found[("conversion", f"{kept.site.url}/news/one")] == 1
    assert asked("validate", path, cwd=tmp_path).code == 0


@pytest.fixture(scope="module")
def replay(kept: Kept) -> Iterator[Replayed]:
    with replaying("--archive", str(kept.home / "archive")) as running:
        yield running


def test_replay_gives_the_page_as_it_was_sent_and_its_scripts_make_it_again(
    kept: Kept, replay: Replayed, browser: Browser
) -> None:
    page = f"{kept.site.url}/news/one"
    _, _, body = replay.get(f"/archive/{NOW}id_/{page}")
    assert b'<main id="root"></main>' in body
    status, _, lines = replay.get(f"/archive/cdx?url={page}&output=json")
    assert (status, len(lines.splitlines())) == (200, 1)
    shown = browser.new_page()
    shown.goto(f"http://{replay.host}/archive/{NOW}/{page}")
    frame = shown.frame_locator("#replay")
    frame.get_by_role("heading", name="Ferry one sails again").wait_for(timeout=20_000)
    assert "Sentence 3 of the first part of one" in frame.locator("article").inner_text()


def conversions(home: Path) -> int:
    warcs = (home / "archive" / "warc").rglob("*.warc.gz")
    return sum(record.rec_type == "conversion" for warc in warcs for record in ArchiveIterator(warc.open("rb")))


def test_a_page_that_shows_the_same_is_unchanged_and_an_edit_is_a_version(tmp_path: Path) -> None:
    with ScriptedSite("one", "two") as site:
        site.extra["one"] = "<script>document.body.dataset.noise = Math.random();</script>"
        write_source(tmp_path / "n.toml", site.url, sections=[], sitemaps=[f"{site.url}/sitemap.xml"], render=True)
        assert report_of(crawl(tmp_path))["kinds"]["article"] == {"captured": 2}
        site.edited.add("two")
        assert report_of(crawl(tmp_path, "--again"))["kinds"]["article"] == {"unchanged": 1, "captured": 1}
    versions = Leads(tmp_path / "archive").rows("version, headline", "versions")
    assert sorted(versions) == [(1, "Ferry one sails again"), (1, "Ferry two sails again"), (2, "Ferry two sinks")]
    assert conversions(tmp_path) == 3
    assert "if-none-match" not in site.headers["/news/one"]
    # requisites = "none": no picture is asked for, not by the browser either
    assert not [path for path in site.asked if path.endswith((".png", ".ico"))]


HOSTILE = {
    "hangs": "<script>addEventListener('load', () => { while (true) {} });</script>",
    "eats": "<script>const all = []; while (true) all.push(new Array(1e6).fill(all.length));</script>",
    "leads-away": "<script>location = '/news/elsewhere'; location = 'http://{other}/';</script>",
    "is-blank": "<script>addEventListener('load', () => {{ location = 'about:blank'; }});</script>",
    "reloads": "<script>location.reload();</script>",
    "downloads": "<a download href='/img/ship.png' id=it>x</a><script>it.click()</script>",
}


def test_a_hostile_page_costs_its_own_text_and_nothing_else(tmp_path: Path) -> None:
    with ScriptedSite(*HOSTILE, "good") as site:
        site.extra |= {name: one.replace("{other}", site.other) for name, one in HOSTILE.items()}
        keys = {"sitemaps": [f"{site.url}/sitemap.xml"], "render": True, "render_seconds": 3}
        write_source(tmp_path / "n.toml", site.url, **keys)
        done = crawl(tmp_path)
        connected = site.connected
    assert connected == []
    report = report_of(done)
    reasons = {url.rpartition("/")[2]: one["reason"] for one in report["problems"] for url in one["urls"]}
    lost = dict.fromkeys(("hangs", "eats", "is-blank"), "not-rendered")
    assert reasons == lost | dict.fromkeys(("leads-away", "reloads"), "empty")
    assert (report["kinds"]["article"], report["adds_up"]) == ({"captured": 2, "failed": 5}, True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_browser_is_left_when_the_crawl_ends_early(tmp_path: Path, number: signal.Signals) -> None:
    with ScriptedSite("one") as site:
        site.stalled.add("/data/one.json")
        listed = {"sitemaps": [f"{site.url}/sitemap.xml"], "render": True}
        write_source(tmp_path / "n.toml", site.url, **listed)
        crawling = start([tmp_path / "n.toml"], tmp_path, command=CRAWL)
        wait_until(lambda: "/data/one.json" in site.asked)
        started = crawling.processes()
        assert any("chrom" in one.name() for one in started)
        os.kill(crawling.process.pid, number)
        site.released.set()
        crawling.ended()
        wait_until(lambda: not any(lives(one) for one in started))


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_without_a_browser_the_crawl_does_not_begin(tmp_path: Path) -> None:
    write_source(tmp_path / "n.toml", "http://127.0.0.1:9", feeds=["http://127.0.0.1:9/feed"], render=True)
    done = newsark(*CRAWL, tmp_path / "n.toml", cwd=tmp_path, environment={"PATH": str(tmp_path)})
    assert done.code == 2
    assert "render: needs Chromium" in done.err
    assert not (tmp_path / "archive" / "warc").exists()
    (tmp_path / "newsark.toml").write_text('archive = "archive"\n')
    sources = tmp_path / "sources"
    sources.mkdir()
    (tmp_path / "n.toml").rename(sources / "n.toml")
    doctor = newsark("doctor", "--json", cwd=tmp_path, environment={"PATH": str(tmp_path)})
    (told,) = (one for one in doctor.json["findings"] if one["check"] == "browser")
    assert told["verdict"] == "fault"
