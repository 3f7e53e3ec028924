"""Tombstones of any length, and what an erasure takes with it, leaves, and refuses."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from storage.archive import Archive, ArchiveSettings, Settlement
from storage.capture import Capture
from storage.captures import capture_columns, capture_from_row
from storage.catalogue import captures
from storage.erasing.carrying import Order, begin, finish, journals, owned, refuse_unfinished, sources_of
from storage.erasing.erasureerrors import ErasureUnfinished, NotErasable, TooSmall
from storage.erasing.plan import Plan, plan_erasure
from storage.erasing.tombstone import tombstone
from storage.fixity.recordstream import stream_records
from storage.fixity.verifier import Scope, Verifier
from storage.readback import read_capture
from storage.segment import utc_now
from storage.versions import Version, Versions, article_key
from storage.warcscan import capture_of, scan_records
from tests.storage.storage_samples import exchange

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
SOURCE = "gazette"
ID = "<urn:uuid:00000000-0000-4000-8000-000000000001>"
ONE, TWO = (f"http://gazette.example/{name}" for name in ("one", "two"))


@settings(deadline=None, max_examples=60)
@given(st.one_of(st.integers(330, 3000), st.integers(65_400, 65_700), st.integers(130_900, 131_300)))
def test_a_tombstone_is_one_whole_record_of_just_that_length(length: int) -> None:
    data = tombstone(length, ID, NOW, "e" * 32)
    assert len(data) == length
    assert gzip.decompress(data)
    (record,) = scan_records(io.BytesIO(data), "a.warc.gz")
    assert capture_of(record, "a.warc.gz") is None
    (streamed,) = stream_records(iter([data]), "a.warc.gz")
    assert list(streamed.problems) == []


def test_what_has_no_room_for_a_tombstone_is_said() -> None:
    with pytest.raises(TooSmall):
        tombstone(200, ID, NOW, "e" * 32)


@pytest.fixture
def archive(tmp_path: Path, catalogue_setting: str | None) -> Iterator[Archive]:
    opened = Archive.open(tmp_path / "archive", ArchiveSettings(catalogue_url=catalogue_setting), utc_now)
    opened.enlist(SOURCE, name="G", home="http://gazette.example/", toml='id = "gazette"\n')
    yield opened
    opened.close()


def keep(archive: Archive, url: str, body: bytes, status: int = 200, hours: int = 0) -> Capture:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    at = NOW + timedelta(hours=hours)
    kept = archive.keep(SOURCE, replace(exchange(url=url, body=body, response_head=head), started=at, ended=at))
    archive.settle(SOURCE, Settlement())
    return kept


def planned(archive: Archive, url: str = ONE) -> Plan:
    return plan_erasure(archive, url, url, SOURCE, "url", url)


def erase(archive: Archive, url: str = ONE) -> Plan:
    plan = planned(archive, url)
    with owned(archive, [SOURCE]):
        finish(archive, begin(archive, plan, Order("me", "why")))
    assert Verifier(archive.stores, archive.catalogue, Scope(deep=True)).run().findings == []
    return plan


def kept_of(archive: Archive) -> list[Capture]:
    with archive.catalogue.begin() as connection:
        rows = connection.execute(select(*capture_columns()).order_by(captures.c.date)).all()
    return [capture for row in rows if (capture := capture_from_row(row)) is not None]


def test_an_error_page_that_others_have_too_stays(archive: Archive) -> None:
    keep(archive, ONE, b"<p>a secret text</p>")
    gone = keep(archive, ONE, b"<p>it is gone, sorry</p>", 410, 1)
    same = keep(archive, TWO, b"<p>it is gone, sorry</p>", 410, 2)
    archive.seal(SOURCE)
    assert (same.record_type, same.refers_to) == ("revisit", gone.record_id)
    plan = erase(archive)
    assert (plan.records, plan.sources[0].kept) == (1, 1)
    assert [one.record_id for one in kept_of(archive)] == [gone.record_id, same.record_id]
    told = read_capture(archive.store, same.key, same.offset, same.length, resolve=lambda _: gone)
    assert told.payload == b"<p>it is gone, sorry</p>"


def test_the_same_bytes_at_another_address_go_too(archive: Archive) -> None:
    keep(archive, ONE, b"<p>a secret text</p>")
    keep(archive, TWO, b"<p>a secret text</p>", hours=1)
    keep(archive, TWO, b"<p>quite another one</p>", hours=2)
    archive.seal(SOURCE)
    assert erase(archive).records == 2
    assert [one.date for one in kept_of(archive)] == [NOW + timedelta(hours=2)]


def test_an_article_of_the_same_bytes_is_not_erased_by_the_way(archive: Archive) -> None:
    keep(archive, ONE, b"<p>a secret text</p>")
    keep(archive, TWO, b"<p>a secret text</p>", hours=1)
    with archive.catalogue.begin() as connection:
        Versions(connection, SOURCE).add([Version(article_key(TWO), "2" * 32, 1, TWO, "d", NOW, "", "{}")])
    archive.seal(SOURCE)
    with pytest.raises(NotErasable, match=f"{TWO} is an article"):
        planned(archive)


def test_an_address_that_differs_in_a_letter_is_another_one(archive: Archive) -> None:
    keep(archive, ONE, b"<p>a secret text</p>")
    keep(archive, ONE.replace("one", "ONE"), b"<p>another text</p>", hours=1)
    keep(archive, ONE.replace("http:", "https:"), b"<p>a secret text, too</p>", hours=2)
    archive.seal(SOURCE)
    assert erase(archive).records == 2
    assert [one.url for one in kept_of(archive)] == ["http://gazette.example/ONE"]


def test_files_of_others_are_refused(archive: Archive) -> None:
    keep(archive, ONE, b"<p>a secret text</p>")
    with archive.catalogue.begin() as connection:
        connection.execute(update(captures).values(key=f"imports/{'a' * 64}/b.warc.gz"))
    with pytest.raises(NotErasable, match="suppress it instead"):
        planned(archive)


def test_a_plan_has_another_id_when_something_was_added(archive: Archive) -> None:
    keep(archive, ONE, b"<p>a secret text</p>")
    archive.seal(SOURCE)
    before = planned(archive).id
    assert planned(archive).id == before
    keep(archive, ONE, b"<p>a secret text, edited</p>", hours=1)
    archive.seal(SOURCE)
    assert planned(archive).id != before


def test_what_was_begun_and_not_ended_is_said_and_ended(archive: Archive) -> None:
    keep(archive, ONE, b"<p>a secret text</p>")
    archive.seal(SOURCE)
    (archive.state / "erase" / "stale").mkdir(parents=True)
    with owned(archive, [SOURCE]):
        journal = begin(archive, planned(archive), Order("me", "why"))
    assert [path.name for path in (archive.state / "erase").iterdir()] == [journal.parent.name]
    with pytest.raises(ErasureUnfinished, match=f"{journal.parent.name} is not finished; newsark erase --finish"):
        refuse_unfinished(archive)
    assert journals(archive) == [journal]
    with owned(archive, sources_of(journal)):
        finish(archive, journal)
    refuse_unfinished(archive)
    assert kept_of(archive) == []


def test_two_erasures_of_one_segment_follow_each_other(archive: Archive) -> None:
    for hours, url in enumerate((ONE, TWO, "http://gazette.example/three")):
        keep(archive, url, f"<p>the text of {url}</p>".encode(), hours=hours)
    archive.seal(SOURCE)
    erase(archive, ONE)
    erase(archive, TWO)
    assert [one.url for one in kept_of(archive)] == ["http://gazette.example/three"]
    (info,) = archive.store.list("warc/")
    data = gzip.decompress(archive.store.get(info.key))
    assert (data.count(b"\r\nerased: "), b"the text of" in data) == (2, True)
