"""An archive as one thing: what is settled is durable, what a crash left is sealed, nothing else is written over."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from storage.archive import HEAD, Archive, ArchiveSettings, Settlement
from storage.catalogue import captures
from storage.errors import NotAnArchive
from storage.exchange import Exchange
from storage.lead import NewLead, lead_identity
from storage.leads import Acknowledgement
from storage.manifest import Manifest
from storage.readback import read_capture
from storage.versions import Version

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
SOURCE = "lantern"


class MovableClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def archive(tmp_path: Path, clock: MovableClock, catalogue_setting: str | None) -> Iterator[Archive]:
    opened = opened_at(tmp_path / "archive", clock, catalogue_url=catalogue_setting)
    yield opened
    opened.close()


def opened_at(root: Path, clock: MovableClock, **settings: object) -> Archive:
    """The archive there, with one source."""
    opened = Archive.open(root, ArchiveSettings(**settings), clock)
    opened.enlist(SOURCE, name="The Lantern", home="http://l.example/", toml='id = "lantern"\n')
    return opened


def exchange(path: str, body: bytes = b"<p>words</p>", status: int = 200) -> Exchange:
    """An exchange with that body."""
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return Exchange(
        url=f"http://l.example/{path}",
        request=f"GET /{path} HTTP/1.1\r\nHost: l.example\r\n\r\n".encode(),
        started=NOW,
        ended=NOW,
        response_head=head,
        body=body,
    )


def objects(archive: Archive) -> dict[str, bytes]:
    """Every object of the store."""
    return {info.key: archive.store.get(info.key) for info in archive.store.list()}


def test_a_settled_exchange_is_on_disk_before_the_catalogue_knows_it(archive: Archive) -> None:
    capture = archive.keep(SOURCE, exchange("a"))
    before = archive.segment(SOURCE).size_bytes
    archive.settle(SOURCE, Settlement())
    (path,) = (archive.state / "open" / SOURCE).glob("*.warc.gz.open")
    assert path.stat().st_size == before
    with archive.catalogue.begin() as connection:
        (row,) = connection.execute(select(captures.c.record_id, captures.c.offset)).all()
    assert tuple(row) == (capture.record_id, capture.offset)


def test_a_sealed_segment_is_in_the_store_and_nowhere_else(archive: Archive) -> None:
    capture = archive.keep(SOURCE, exchange("a"))
    archive.add_record(SOURCE, b'{"type": "NewsArticle"}\n')
    archive.settle(SOURCE, Settlement(events=[{"type": "lead-found"}]))
    archive.seal(SOURCE)
    kinds = sorted(key.partition("/")[0] for key in objects(archive))
    assert kinds == ["events", "index", "manifests", HEAD, "records", "sources", "warc"]
    assert read_capture(archive.store, capture.key, capture.offset, capture.length).payload == b"<p>words</p>"
    assert [path.name for path in (archive.state / "open" / SOURCE).iterdir()] == ["serial"]


def test_a_payload_that_is_kept_becomes_a_revisit_once_it_is_durable(archive: Archive) -> None:
    first = archive.keep(SOURCE, exchange("a"))
    assert archive.keep(SOURCE, exchange("b")).record_type == "response"
    archive.settle(SOURCE, Settlement())
    again = archive.keep(SOURCE, exchange("c"))
    assert (again.record_type, again.refers_to) == ("revisit", first.record_id)


def test_manifests_name_the_one_before(archive: Archive, clock: MovableClock) -> None:
    for number in range(3):
        clock.now += timedelta(seconds=1)
        archive.keep(SOURCE, exchange(str(number), str(number).encode()))
        archive.seal(SOURCE)
    manifests = [data for key, data in sorted(objects(archive).items()) if key.startswith("manifests/")]
    chain = [Manifest.from_bytes(data).previous for data in manifests]
    assert chain == [None, *(hashlib.sha256(data).hexdigest() for data in manifests[:-1])]


@pytest.mark.parametrize(
    ("settings", "seconds"), [({"segment_max_bytes": 1}, 0.0), ({"segment_max_age_seconds": 60.0}, 61.0)]
)
def test_a_segment_is_rolled_by_size_and_by_age(
    tmp_path: Path, clock: MovableClock, settings: dict[str, object], seconds: float
) -> None:
    archive = opened_at(tmp_path / "archive", clock, **settings)
    first = archive.keep(SOURCE, exchange("a", b"a"))
    clock.now += timedelta(seconds=seconds)
    second = archive.keep(SOURCE, exchange("b", b"b"))
    assert first.key != second.key
    assert archive.store.head(first.key).size_bytes == first.offset + first.length
    archive.close()


def test_what_a_crash_left_is_sealed_with_everything_that_was_settled(tmp_path: Path, clock: MovableClock) -> None:
    crashed = opened_at(tmp_path / "archive", clock)
    settled = crashed.keep(SOURCE, exchange("a", b"a"))
    crashed.settle(SOURCE, Settlement())
    flushed = crashed.keep(SOURCE, exchange("b", b"b"))
    crashed.segment(SOURCE).flush()
    crashed.close()
    (path,) = (crashed.state / "open" / SOURCE).glob("*.warc.gz.open")
    path.write_bytes(path.read_bytes() + gzip.compress(b"WARC/1.1\r\n")[:-4])

    archive = opened_at(tmp_path / "archive", clock)
    assert archive.recover(SOURCE) == 1
    for capture, payload in ((settled, b"a"), (flushed, b"b")):
        assert read_capture(archive.store, capture.key, capture.offset, capture.length).payload == payload
    with archive.catalogue.begin() as connection:
        ids = connection.exec_driver_sql("SELECT record_id FROM captures ORDER BY id").scalars().all()
    assert ids == [settled.record_id, flushed.record_id]
    assert archive.recover(SOURCE) == 0
    archive.close()


def test_a_settlement_commits_leads_versions_and_acknowledgements_together(archive: Archive) -> None:
    url = "http://l.example/feed"
    archive.with_leads(SOURCE, lambda leads: leads.add([NewLead(url, lead_identity(url), "feed", 10)], NOW))
    (lead,) = archive.with_leads(SOURCE, lambda leads: leads.lease(5))
    capture = archive.keep(SOURCE, exchange("feed"), lead_id=lead.id)
    story = NewLead("http://l.example/a", lead_identity("http://l.example/a"), "article", 50)
    version = Version("k", "r1", 1, story.url, "sha256:0", NOW, "records/x", json.dumps({"id": "r1"}), lead.id)
    done = Acknowledgement(lead.id, "captured", None, None, NOW, 0, None, capture_record_id=capture.record_id)
    added = archive.settle(SOURCE, Settlement([done], [[story, story]], [version]))
    assert added == [1]
    assert archive.with_leads(SOURCE, lambda leads: leads.counts())["captured"] == 1
    assert archive.latest_versions(SOURCE, ["k", "other"]) == {"k": version}
    assert archive.articles_of_leads(SOURCE, [lead.id]) == {lead.id: "k"}


def test_a_failed_commit_keeps_the_captures_for_the_next_one(archive: Archive) -> None:
    kept = archive.keep(SOURCE, exchange("a"))
    broken = Settlement([Acknowledgement(1, "captured", None, None, "not a time", 0, None)], [[]])
    with pytest.raises(Exception, match=r"not a time|astimezone"):
        archive.settle(SOURCE, broken)
    archive.settle(SOURCE, Settlement())
    with archive.catalogue.begin() as connection:
        assert connection.exec_driver_sql("SELECT record_id FROM captures").scalars().all() == [kept.record_id]


def test_each_state_of_a_source_file_is_an_object(archive: Archive) -> None:
    archive.enlist(SOURCE, name="The Lantern", home="http://l.example/", toml="changed")
    assert archive.store.get(f"sources/{SOURCE}/1.toml") == b'id = "lantern"\n'
    assert archive.store.get(f"sources/{SOURCE}/2.toml") == b"changed"


@pytest.mark.parametrize("content", ["other", "format"])
def test_a_place_that_is_no_archive_is_left_as_it_is(tmp_path: Path, clock: MovableClock, content: str) -> None:
    name, text = ("notes.txt", "mine") if content == "other" else (HEAD, '{"format": 99}')
    (tmp_path / name).write_text(text)
    with pytest.raises(NotAnArchive, match="not a Newsark archive"):
        Archive.open(tmp_path, ArchiveSettings(), clock)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_reading_makes_no_archive(tmp_path: Path, clock: MovableClock) -> None:
    with pytest.raises(NotAnArchive, match="does not exist"):
        Archive.open(tmp_path / "none", ArchiveSettings(), clock, create=False)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_says_its_format(archive: Archive) -> None:
    assert json.loads(archive.store.get(HEAD))["format"] == 1
    assert (archive.state / "catalogue.sqlite").is_file() == (not archive.catalogue.is_shared)
    assert not [key for key in objects(archive) if key.startswith(".")]
