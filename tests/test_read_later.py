"""Archive now, read later: in the end the archive says what it would have said, had every page been read at once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crawler import finishing
from crawler.finishing import Finished
from pipelines.page import PageInput, ReadLimits
from pipelines.read import read_page
from pipelines.reading import Reading
from reading.reextract import recover_sources
from storage.archive import Archive, ArchiveSettings
from storage.catalogue import Catalogue
from storage.rebuilding.dump import dump
from storage.settling import Settling
from tests.articlesite import NAMES, OTHER, Site, article
from tests.cli import Ran, crawl, newsark
from tests.crawling import assert_sound, report_of
from tests.in_process import asked
from tests.test_judged_crawl import STUBS

_OF_THE_RECORD = frozenset({"id", "archive", "previousVersion", "fingerprint", "metadata"})


pytestmark = pytest.mark.timeout(600)


class TaggedSite(Site):
    """Some of the pages have an ETag, and are not sent to who has them."""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        shown = self.shown(handler.path)
        tag = f'"{hashlib.sha256(str(shown).encode()).hexdigest()[:8]}"'
        is_tagged = isinstance(shown, str) and handler.path.rpartition("/")[2] in ("stays", "edited", "moved", "busy")
        if is_tagged and handler.headers.get("If-None-Match") == tag:
            handler.send_response(304)
            handler.send_header("ETag", tag)
            handler.end_headers()
            return
        if not is_tagged:
            super().answer(handler)
            return
        body = str(shown).encode()
        handler.send_response(200)
        for name, value in (("ETag", tag), ("Content-Type", "text/html"), ("Content-Length", str(len(body)))):
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


def rounds(site: Site) -> Iterator[int]:
    """What happens in the newsroom, one round of visits after the other."""
    first = {name: site.pages[name] for name in NAMES}
    site.pages |= {"busy": STUBS["challenge"], "slash": STUBS["paywalled"], "replaced": STUBS["removed-notice"]}
    yield 0
    site.pages |= {"replaced": first["replaced"], "gone": 410, "home": (302, "/")}
    site.pages["edited"] = article("edited", "Hall edited sold", "This is the report called edited, and it was mended.")
    site.pages["renamed"] = article("renamed", "Hall renamed is not sold")
    yield 1
    site.pages |= {"moved": (301, "/news/here-now"), "here-now": article("moved", "Hall moved sold"), "busy": 403}
    site.pages |= {"replaced": (302, "/news/other"), "other": OTHER, "gone": first["gone"]}
    site.pages |= {"edited": first["edited"], "slash": first["slash"]}
    yield 2


def told(directory: Path) -> list[dict[str, Any]]:
    """What an archive says, without what two crawls never have in common: ids, times, places in files."""
    catalogue = Catalogue(f"sqlite:///{directory}/archive/.newsark/catalogue.sqlite", lambda: datetime.now(UTC))
    with closing(catalogue), catalogue.begin() as connection:
        rows = list(dump(connection))
    captures = _numbered(rows)
    found = [{"table": row["table"], **_told(row, captures)} for row in rows if row["table"] not in _LEFT_OUT]
    return sorted(found, key=lambda one: json.dumps(one, sort_keys=True, default=str))


def _numbered(rows: list[dict[str, Any]]) -> dict[str | None, str]:
    """For each capture's record id its URL, and the how many-th of that it is."""
    found: dict[str | None, str] = {}
    counts: Counter[str] = Counter()
    for row in sorted((row for row in rows if row["table"] == "captures"), key=lambda row: row["date"]):
        counts[row["url"]] += 1
        found[row["record_id"]] = f"{row['url']} {counts[row['url']]}"
    return found


def _told(row: dict[str, Any], captures: dict[str | None, str]) -> dict[str, Any]:
    if row["table"] == "versions":
        record = json.loads(row["line"])
        kept = {name: value for name, value in record.items() if name not in _OF_THE_RECORD}
        return {**kept, "article": row["article"], "number": row["version"]} | {
            "read from": captures[record["archive"]["recordId"]]
        }
    facts = {name: row[name] for name in _TOLD[row["table"]]}
    capture = row.get("capture_record_id") or row.get("capture")
    return facts | {"capture": captures.get(capture)}


_LEFT_OUT = frozenset({"captures", "sources", "segments", "runs"})
_TOLD = {
    "leads": ("url", "kind", "state", "reason", "detail", "last_modified"),
    "observations": ("article", "url", "outcome", "detail"),
    "findable": ("article", "version", "latest", "outcome", "in_language"),
    "furniture": ("digest",),
    "unread": ("lead", "absence", "reason", "detail"),
}


def happened(directory: Path) -> list[tuple[Any, ...]]:
    entries = asked("ledger", "--json", "--archive", "archive", cwd=directory).lines
    return sorted((one["url"], one["kind"], one["state"], str(one.get("detail"))) for one in entries)


def read_later(directory: Path, *options: str) -> Ran:
    return newsark("reextract", "--json", "--archive", "archive", *options, cwd=directory)


class Twins(NamedTuple):
    """The directories of two archives of the same visits to the same newsroom, and the reports of the second's."""

    now: Path
    later: Path
    reports: list[dict[str, Any]]


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Twins:
    """Every round is visited twice, once for each archive."""
    twins = Twins(tmp_path_factory.mktemp("now"), tmp_path_factory.mktemp("later"), [])
    with TaggedSite() as site, ThreadPoolExecutor(2) as both:
        for number in rounds(site):
            again = ("--again",) if number else ()
            read_now = both.submit(crawl, site.url + "/", twins.now, "--extract", "now", *again)
            read_then = both.submit(crawl, site.url + "/", twins.later, "--extract", "later", *again)
            for ran in (read_now.result(), read_then.result()):
                assert ran.code in (0, 1), ran.err
                assert report_of(ran)["adds_up"]
            twins.reports.append(report_of(read_then.result()))
    return twins


@pytest.fixture
def twins(crawled: Twins, tmp_path: Path) -> Twins:
    """The same for a test to change the second of."""
    return crawled._replace(later=Path(shutil.copytree(crawled.later, tmp_path / "later")))


def test_in_the_end_it_is_as_if_every_page_had_been_read_at_once(twins: Twins) -> None:
    later = twins.later
    status = report_of(asked("status", "--json", "--archive", "archive", cwd=later))
    assert status["versions"] == 0
    assert status["unread"] == {"pages": len(NAMES), "visits": len(NAMES) * len(twins.reports)}
    assert read_later(later, "--dry-run").json["waited"] == status["unread"]

    ran = read_later(later)
    assert ran.code == 0, ran.err
    assert ran.json["finished"]["visits"] == status["unread"]["visits"]
    assert told(later) == told(twins.now)
    assert happened(later) == happened(twins.now)
    assert asked("verify", "--deep", "--all", "--archive", "archive", cwd=later).code == 0
    assert_sound(later / "archive")
    assert finish(later).visits == 0


def test_a_crawl_says_what_it_kept_and_did_not_read(twins: Twins) -> None:
    first, second, third = twins.reports
    assert first["leads"] == {
        "known": len(NAMES) + 1,
        "captured": len(NAMES) + 1,
        **dict.fromkeys(("unchanged", "failed", "refused", "pending"), 0),
    }
    (problem,) = first["problems"]
    assert (problem["state"], problem["reason"], problem["count"]) == ("captured", "unread", len(NAMES))
    assert first["unread"] == {"visits": len(NAMES), "pages": len(NAMES)}
    # the same bytes, and a 304, wait for the page that they stand for: two lists, and what was not touched
    assert (second["leads"]["captured"], second["leads"]["unchanged"], second["leads"]["failed"]) == (4, 5, 1)
    assert (third["leads"]["failed"], third["unread"]["visits"]) == (1, 3 * len(NAMES))
    shown = newsark("status", "--archive", "archive", cwd=twins.later).out
    assert (
        f"{len(NAMES)} pages kept and not read, of {len(NAMES) * len(twins.reports)} visits: newsark reextract" in shown
    )


def test_pages_that_were_not_read_are_exported_like_all_others(twins: Twins) -> None:
    name = "pages.wacz"
    ran = asked("export", "-o", name, "--archive", "archive", cwd=twins.later)
    assert ran.code == 0, ran.err
    assert asked("validate", name, cwd=twins.later).code == 0
    with zipfile.ZipFile(twins.later / name) as package:
        _, *pages = (json.loads(line) for line in package.read("pages/pages.jsonl").splitlines())
    assert len(pages) == len({page["id"] for page in pages}) == len(NAMES)
    assert all(page["url"] and page["ts"] and "title" not in page for page in pages)
    asked("export", "-o", name, "--language", "en", "--archive", "archive", cwd=twins.later)
    with zipfile.ZipFile(twins.later / name) as package:
        assert len(package.read("pages/pages.jsonl").splitlines()) == 1


def test_what_is_not_read_can_be_verified_rebuilt_and_read_then(twins: Twins) -> None:
    before = told(twins.later)
    assert sum(row["table"] == "unread" for row in before) == len(NAMES) * len(twins.reports)
    assert asked("verify", "--deep", "--all", "--archive", "archive", cwd=twins.later).code == 0
    assert asked("rebuild", "--replace", "--archive", "archive", cwd=twins.later).code == 0
    assert told(twins.later) == before
    finish(twins.later)
    assert told(twins.later) == told(twins.now)


@pytest.mark.parametrize("point", ["read", "told", "committed"])
def test_killed_again_and_again_it_reads_everything_once(
    twins: Twins, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finishing, "GROUP_VISITS", 5)
    kills = 0
    while _is_killed(twins.later, point, after=2):
        kills += 1
    assert kills >= 3
    assert told(twins.later) == told(twins.now)
    assert happened(twins.later) == happened(twins.now)
    assert asked("verify", "--deep", "--all", "--archive", "archive", cwd=twins.later).code == 0
    assert asked("rebuild", "--replace", "--archive", "archive", cwd=twins.later).code == 0
    assert told(twins.later) == told(twins.now)


def test_what_is_erased_does_not_wait_any_more(twins: Twins) -> None:
    directory = twins.later
    url = next(row["url"] for row in told(directory) if row["table"] == "leads" and row["url"].endswith("/edited"))
    order = ("erase", url, "--archive", "archive", "--json")
    plan = newsark(*order, cwd=directory).json["id"]
    sure = ("--reason", "a judgment", "--order", "7 K 12/26", "--confirm-url", url, "--yes-erase", plan)
    assert newsark(*order, *sure, cwd=directory).code == 0
    left = told(directory)
    assert sum(row["table"] == "unread" for row in left) == (len(NAMES) - 1) * len(twins.reports)
    assert asked("rebuild", "--replace", "--archive", "archive", cwd=directory).code == 0
    assert told(directory) == left
    assert finish(directory).left == 0


def test_a_page_whose_bytes_are_gone_waits_with_all_that_came_after_it(twins: Twins) -> None:
    first = min((twins.later / "archive").glob("warc/*/*/*/*.warc.gz"))
    data = first.read_bytes()
    first.unlink()
    done = finish(twins.later)
    assert (done.visits, done.left) == (0, len(NAMES) * len(twins.reports))
    assert len(done.problems) == len(NAMES)
    assert first.name in done.problems[0]
    first.write_bytes(data)
    assert finish(twins.later).left == 0
    assert told(twins.later) == told(twins.now)


def finish(directory: Path, advance: Callable[[], object] = lambda: None) -> Finished:
    """Finish what waits there, in this process."""
    with closing(Archive.open(directory / "archive", ArchiveSettings(), lambda: datetime.now(UTC))) as archive:
        archive.courier.start()
        recover_sources(archive, None)
        return finishing.finish_visits(archive, HerePool(), None, advance)


class HerePool:
    """Reads in this process."""

    def submit(self, page: PageInput) -> Future[Reading]:
        read: Future[Reading] = Future()
        read.set_result(read_page(page, ReadLimits()))
        return read


def _is_killed(directory: Path, point: str, after: int) -> bool:
    """Finish what waits, in a process that is killed when it came to a point so often; whether it came there."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _die_at(point, after)
            finish(directory, _Death.count if point == "read" else lambda: None)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


class _Death:
    left = 0

    @classmethod
    def count(cls) -> None:
        cls.left -= 1
        if cls.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _die_at(point: str, after: int) -> None:
    """Die after so many visits were read, groups told and not committed, or groups committed."""
    _Death.left = after * finishing.GROUP_VISITS if point == "read" else after
    if point == "read":
        return
    name = "_tell" if point == "told" else "_committed"
    whole = getattr(Settling, name)

    def until_then(*arguments: Any, **more: Any) -> None:
        whole(*arguments, **more)
        _Death.count()

    setattr(Settling, name, until_then)
