"""Rebuild and recovery take in what the segments tell: the same as the catalogue that wrote them, whatever happened."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import orjson
import pytest
from sqlalchemy import event as database_event

from storage.archive import Archive, ArchiveSettings, Settlement
from storage.captures import original_of
from storage.catalogue import Catalogue
from storage.directory import DirectoryStore
from storage.events import RunBegan, RunEnded, from_line
from storage.exchange import Exchange, FetchFailure
from storage.lead import NewLead, lead_identity
from storage.leads import Acknowledgement, LeadState
from storage.rebuilding.dump import dump_lines
from storage.rebuilding.onthisdisk import take_in
from storage.rebuilding.rebuild import RebuildReport, is_unfinished, rebuild
from storage.versions import Observation, Version

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
SOURCE = "lantern"


class Ticking:
    """A clock that goes on by a millisecond each time it is read."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def archive(tmp_path: Path, clock: Ticking, catalogue_setting: str | None) -> Iterator[Archive]:
    """An archive whose catalogue is in either database; what is made from its store is in SQLite."""
    opened = opened_at(tmp_path / "archive", clock, catalogue_url=catalogue_setting)
    yield opened
    opened.close()


def opened_at(root: Path, clock: Ticking, source: str = SOURCE, catalogue_url: str | None = None) -> Archive:
    """The archive there, with one source."""
    opened = Archive.open(root, ArchiveSettings(catalogue_url=catalogue_url), clock)
    enlist(opened, source)
    return opened


def enlist(archive: Archive, source: str, delay: int = 1) -> None:
    """Make a source known."""
    toml = f'id = "{source}"\nname = "The {source}"\nhome = "http://{source}.example/"\ndelay_seconds = {delay}\n'
    archive.enlist(source, name=f"The {source}", home=f"http://{source}.example/", toml=toml)


def add_leads(archive: Archive, *paths: str, source: str = SOURCE) -> dict[str, int]:
    """Leads of these paths, leased; their ids by path."""
    urls = {f"http://{source}.example/{path}": path for path in paths}
    new = [NewLead(url, lead_identity(url), "article", 50, hints={"title": path}) for url, path in urls.items()]
    archive.with_leads(source, lambda leads: leads.add(new, archive.clock()))
    leased = archive.with_leads(source, lambda leads: leads.lease(100))
    return {urls[lead.url]: lead.id for lead in leased if lead.url in urls}


def exchange(archive: Archive, path: str, body: bytes, source: str = SOURCE) -> Exchange:
    """An exchange with that body; without one it failed."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    now = archive.clock()
    return Exchange(
        url=f"http://{source}.example/{path}",
        request=f"GET /{path} HTTP/1.1\r\nHost: {source}.example\r\n\r\n".encode(),
        started=now,
        ended=now,
        response_head=head if body else b"",
        body=body,
        failure=None if body else FetchFailure("dns", "no such host"),
    )


def visit(
    archive: Archive,
    path: str,
    lead_id: int,
    body: bytes = b"words",
    *,
    number: int | None = 1,
    observed: str | None = None,
    state: LeadState = "captured",
    source: str = SOURCE,
    found: tuple[str, ...] = (),
) -> Settlement:
    """What a visit of a page with that body comes to, its exchange kept."""
    capture = archive.keep(source, exchange(archive, path, body, source), lead_id=lead_id)
    url, at = f"http://{source}.example/{path}", archive.clock()
    article = lead_identity(url)
    is_response = capture.record_type == "response"
    done = Acknowledgement(
        lead_id, state, None, None, at, 0, None, '"e"', None, capture.record_id if is_response else None
    )
    settlement = Settlement(
        [done], [[NewLead(f"http://{source}.example/{one}", lead_identity(one), "article", 50) for one in found]]
    )
    if number is not None:
        record_id = f"{path}-{number}"
        date = capture.date.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        archived = {"filename": capture.key, "offset": capture.offset, "date": date}
        facts = {"id": record_id, "url": url, "version": number, "contentDigest": "sha256:0", "archive": archived}
        line = orjson.dumps(facts) + b"\n"
        settlement.records.append(line)
        settlement.versions.append(
            Version(article, record_id, number, url, "sha256:0", capture.date, "", line.decode(), lead_id)
        )
    if observed is not None:
        seen = {"type": "Observation", "url": url, "at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "outcome": observed}
        settlement.records.append(orjson.dumps(seen | {"detail": "told", "recordId": capture.record_id}))
        settlement.observations.append(Observation(url, at, observed, "told", article, lead_id, capture.record_id))
    return settlement


def dumped(catalogue: Catalogue) -> list[bytes]:
    """The whole catalogue, and how many versions its words are of."""
    with catalogue.begin() as connection:
        index = "words" if catalogue.is_shared else "words_docsize"
        indexed = connection.exec_driver_sql(f"SELECT count(*) FROM {index}").scalar_one()
        return [*dump_lines(connection), b'{"table":"words","count":%d}' % indexed]


def rebuilt(archive: Archive, tmp_path: Path, *, workers: int = 1) -> tuple[list[bytes], RebuildReport]:
    """A new catalogue made from the store, dumped, and what was reported."""
    (tmp_path / "new").mkdir(exist_ok=True)
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'new' / 'catalogue.sqlite'}", archive.clock)
    opening = partial(DirectoryStore, Path(archive.store.place))
    report = rebuild(opening, catalogue, tmp_path / "new" / "scratch", workers=workers)
    rows = dumped(catalogue)
    catalogue.close()
    return rows, report


def event_lines(archive: Archive) -> list[bytes]:
    """The lines of the open segment's events."""
    paths = (archive.state / "open" / SOURCE).glob("*.jsonl.open")
    (path,) = (path for path in paths if not path.name.endswith(".0.jsonl.open"))
    return path.read_bytes().splitlines()


def crawl_some(archive: Archive, source: str = SOURCE) -> None:
    """Two crawls of a source in three segments, with everything that a visit can come to."""
    began = archive.clock()
    archive.settle(source, Settlement(runs=[RunBegan(began)]))
    ids = add_leads(archive, "a", "b", "c", "d", source=source)
    archive.settle(source, visit(archive, "a", ids["a"], found=("x", "y"), source=source))
    archive.seal(source)
    both = visit(archive, "b", ids["b"], b"other words", source=source)
    archive.keep(source, exchange(archive, "robots.txt", b"*", source))
    archive.keep(source, exchange(archive, "c", b"hop", source), lead_id=ids["c"])
    archive.settle(source, both)
    failed = visit(archive, "d", ids["d"], b"", number=None, observed="unreachable", state="failed", source=source)
    archive.settle(source, failed)
    ended = RunEnded(began, archive.clock(), "finished", {"requests": 4}, [{"reason": "dns", "count": 1}])
    archive.settle(source, Settlement(runs=[ended]))
    archive.seal(source)
    enlist(archive, source, delay=2)
    archive.settle(source, Settlement(runs=[RunBegan(archive.clock())]))
    archive.settle(source, visit(archive, "a", ids["a"], b"edited", number=2, observed="edited", source=source))
    archive.settle(
        source, visit(archive, "b", ids["b"], b"other words", number=None, observed="unchanged", source=source)
    )
    archive.seal(source)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_rebuilt_catalogue_is_the_one_that_was(archive: Archive, tmp_path: Path, workers: int) -> None:
    enlist(archive, "beacon")
    crawl_some(archive)
    crawl_some(archive, "beacon")
    rows, report = rebuilt(archive, tmp_path, workers=workers)
    assert rows == dumped(archive.catalogue)
    assert report.ok
    assert report.rows["segments"] == 6
    assert report.rows["versions"] == 6


def test_a_catalogue_that_is_not_whole_cannot_be_crawled_with(archive: Archive, tmp_path: Path) -> None:
    crawl_some(archive)
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'other.sqlite'}", archive.clock)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    opening = partial(DirectoryStore, Path(archive.store.place))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("storage.rebuilding.rebuild.replay", stop)
        with pytest.raises(KeyboardInterrupt):
            rebuild(opening, catalogue, tmp_path / "scratch")
    with catalogue.begin() as connection:
        assert is_unfinished(connection)
    assert rebuild(opening, catalogue, tmp_path / "scratch").resumed == 0
    with catalogue.begin() as connection:
        assert not is_unfinished(connection)
    assert dumped(catalogue) == dumped(archive.catalogue)
    catalogue.close()


def test_a_worker_that_is_killed_costs_nothing(archive: Archive, tmp_path: Path) -> None:
    crawl_some(archive)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("storage.rebuilding.rebuild.read_in_worker", end_at_once)
        rows, report = rebuilt(archive, tmp_path, workers=2)
    assert rows == dumped(archive.catalogue)
    assert report.ok


def end_at_once(*_: object) -> None:
    """What a worker that the system kills does."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_step_whose_commit_failed_is_not_told_twice(archive: Archive, tmp_path: Path) -> None:
    ids = add_leads(archive, "a", "b")
    settlement = visit(archive, "a", ids["a"], observed="edited")
    failing = [True]

    def fail(*_: object) -> None:
        if failing:
            failing.clear()
            raise OSError("no room")

    database_event.listen(archive.catalogue.engine, "commit", fail)
    with pytest.raises(OSError, match="no room"):
        archive.settle(SOURCE, settlement)
    archive.settle(SOURCE, settlement)
    kinds = [orjson.loads(line)["type"] for line in event_lines(archive)]
    assert kinds.count("undone") == 1
    archive.settle(SOURCE, visit(archive, "b", ids["b"], b"b"))
    archive.seal(SOURCE)
    rows, _ = rebuilt(archive, tmp_path)
    assert rows == dumped(archive.catalogue)
    assert sum(b'"table":"observations"' in row for row in rows) == 1


def test_what_was_flushed_and_not_committed_is_taken_in_by_recovery(tmp_path: Path, clock: Ticking) -> None:
    crashed = opened_at(tmp_path / "archive", clock)
    ids = add_leads(crashed, "a", "b")
    crashed.settle(SOURCE, visit(crashed, "b", ids["b"], b"b"))
    settlement = visit(crashed, "a", ids["a"], observed="edited", found=("x",))
    database_event.listen(crashed.catalogue.engine, "commit", _die)
    with pytest.raises(KeyboardInterrupt):
        crashed.settle(SOURCE, settlement)
    crashed.close()

    archive = opened_at(tmp_path / "archive", clock)
    archive.recover(SOURCE)
    assert archive.with_leads(SOURCE, lambda leads: leads.counts())["captured"] == 2
    rows, _ = rebuilt(archive, tmp_path)
    assert rows == dumped(archive.catalogue)
    archive.close()


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def told_by_steps(archive: Archive) -> list[bytes]:
    """The catalogue without what sealing adds to it."""
    left_out = (b'"table":"segments"', b'"table":"sources"')
    return [row for row in dumped(archive.catalogue) if not any(word in row for word in left_out)]


def test_with_the_catalogue_lost_an_open_segment_tells_all_that_it_had(tmp_path: Path, clock: Ticking) -> None:
    crashed = opened_at(tmp_path / "archive", clock)
    crawl_some(crashed)
    ids = add_leads(crashed, "e")
    crashed.settle(SOURCE, visit(crashed, "e", ids["e"], b"e", observed="unchanged"))
    before = told_by_steps(crashed)
    crashed.close()
    (crashed.state / "catalogue.sqlite").unlink()

    catalogue = Catalogue(crashed.place.catalogue_url, clock)
    report = rebuild(partial(DirectoryStore, tmp_path / "archive"), catalogue, tmp_path / "scratch")
    catalogue.close()
    archive = Archive.open(tmp_path / "archive", ArchiveSettings(), clock)
    take_in(archive, report)
    assert told_by_steps(archive) == before
    assert report.rows["segments"] == 4
    assert archive.recover(SOURCE) == 0
    archive.close()


def test_a_step_that_tells_more_than_reached_the_disk_counts_for_nothing(tmp_path: Path, clock: Ticking) -> None:
    crashed = opened_at(tmp_path / "archive", clock)
    ids = add_leads(crashed, "a", "b")
    crashed.settle(SOURCE, visit(crashed, "a", ids["a"], b"a"))
    whole = crashed.segment(SOURCE).size_bytes
    shutil.copy(crashed.state / "catalogue.sqlite", tmp_path / "before.sqlite")
    crashed.settle(SOURCE, visit(crashed, "b", ids["b"], b"b"))
    crashed.close()
    # a power cut: events reached the disk, what they tell of did not, nor did the commit
    (warc,) = (crashed.state / "open" / SOURCE).glob("*.warc.gz.open")
    with warc.open("r+b") as file:
        file.truncate(whole + 10)
    shutil.copy(tmp_path / "before.sqlite", crashed.state / "catalogue.sqlite")

    archive = opened_at(tmp_path / "archive", clock)
    archive.recover(SOURCE)
    assert archive.with_leads(SOURCE, lambda leads: leads.counts())["captured"] == 1
    rows, report = rebuilt(archive, tmp_path)
    assert rows == dumped(archive.catalogue)
    assert report.ok
    archive.close()


def test_events_of_a_later_version_are_counted_and_the_rest_is_taken_in(archive: Archive, tmp_path: Path) -> None:
    ids = add_leads(archive, "a")
    settlement = visit(archive, "a", ids["a"])
    settlement.events += [{"type": "annotated", "url": "http://lantern.example/a"}, {"type": "annotated"}]
    archive.settle(SOURCE, settlement)
    archive.seal(SOURCE)
    rows, report = rebuilt(archive, tmp_path)
    assert report.ok
    assert report.as_json()["unknown_events"] == {"annotated": 2}
    assert rows == dumped(archive.catalogue)


@pytest.mark.parametrize("kind", ["warc", "records", "events", "manifests"])
@pytest.mark.parametrize("harm", ["gone", "cut", "flipped"])
def test_a_damaged_object_is_named_and_the_others_are_taken_in(
    archive: Archive, tmp_path: Path, kind: str, harm: str
) -> None:
    crawl_some(archive)
    path = sorted(archive.place.state.parent.glob(f"{kind}/{SOURCE}/*/*/*"))[1]
    data = bytearray(path.read_bytes())
    if harm == "flipped":
        data[len(data) // 2] ^= 0xFF
    path.unlink()
    if harm != "gone":
        path.write_bytes(data[: len(data) - 40] if harm == "cut" else data)
    rows, report = rebuilt(archive, tmp_path)
    key = path.relative_to(archive.place.state.parent).as_posix()
    if (kind, harm) == ("manifests", "gone"):
        key = key.replace("manifests/", "warc/").replace(".json", ".warc.gz")
    if (kind, harm) != ("manifests", "flipped") or not report.ok:
        assert key in {finding.object for finding in report.findings}
        assert not report.ok
    had = [row for row in map(orjson.loads, dumped(archive.catalogue)) if row["table"] == "captures"]
    has = {row["record_id"] for row in map(orjson.loads, rows) if row["table"] == "captures"}
    harmed = sorted({row["key"] for row in had})[1]
    assert has >= {row["record_id"] for row in had if row["key"] != harmed}


def test_events_are_kept_small(archive: Archive) -> None:
    ids = add_leads(archive, *(f"2026/03/{number}-a-story-of-some-length" for number in range(200)))
    for path, lead_id in ids.items():
        archive.settle(SOURCE, visit(archive, path, lead_id, path.encode(), number=None, observed="unchanged"))
    lines = event_lines(archive)
    assert all(not isinstance(from_line(line), str) for line in lines)
    assert len(gzip.compress(b"\n".join(lines))) / len(ids) < 120


def test_a_payload_that_was_kept_before_is_still_known(archive: Archive, tmp_path: Path) -> None:
    first = archive.keep(SOURCE, exchange(archive, "a", b"the same"))
    archive.seal(SOURCE)
    rebuilt(archive, tmp_path)
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'new' / 'catalogue.sqlite'}", archive.clock)
    with catalogue.begin() as connection:
        found = original_of(connection, SOURCE, first.payload_digest or "")
    catalogue.close()
    assert found is not None
    assert (found.key, found.offset, found.record_id) == (first.key, first.offset, first.record_id)
