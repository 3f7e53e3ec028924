"""What lay on the disk of a machine that is gone is given up, due again and counted; and comes back with that disk."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select
from test_rebuild import SOURCE, Ticking, add_leads, dumped, enlist, visit

from storage.archive import Archive, ArchiveSettings, Settlement
from storage.catalogue import Catalogue, captures, deliveries, leads, unsent
from storage.directory import DirectoryStore
from storage.fixity.inventory import OnTheirWay
from storage.fixity.verifier import Report, Scope, Verifier
from storage.lostsegment import REASON
from storage.parcels import segment_parcel
from storage.place import Place
from storage.readback import read_capture
from storage.rebuilding.rebuild import rebuild
from storage.sealed import sealed_segment
from storage.takeover import bring_home, left_elsewhere, take_over
from storage.unsent import Losses, Unsent

Opener = Callable[[str], Archive]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Opener]:
    """Opens the archive as another machine does: a state of its own, the same stores and the same catalogue."""
    opened: list[Archive] = []
    clock = Ticking()

    def open_on(name: str) -> Archive:
        stores = (DirectoryStore(tmp_path / "store"), DirectoryStore(tmp_path / "replica"))
        settings = ArchiveSettings(catalogue_url=f"sqlite:///{tmp_path / 'catalogue.sqlite'}", host=name)
        archive = Archive.open(Place(stores, tmp_path / name), settings, clock)
        opened.append(archive)
        enlist(archive, SOURCE)
        return archive

    yield open_on
    for archive in opened:
        archive.close()


def deliver(archive: Archive) -> None:
    archive.courier.start()
    assert archive.courier.wait(20)


def visited(archive: Archive, *paths: str) -> None:
    """These pages visited, what came of it acknowledged."""
    for path, lead_id in add_leads(archive, *paths).items():
        archive.settle(SOURCE, said(archive, path, lead_id, "words"))


def again(archive: Archive, words: str = "words") -> list[str]:
    """Visit what is ready; the paths of it."""
    leased = archive.with_leads(SOURCE, lambda mine: mine.lease(100))
    paths = [lead.url.rpartition("/")[2] for lead in leased]
    for path, lead in zip(paths, leased, strict=True):
        archive.settle(SOURCE, said(archive, path, lead.id, words))
    return paths


def said(archive: Archive, path: str, lead_id: int, words: str) -> Settlement:
    """A visit of a page that says these words; another one of the same words says nothing new."""
    told = visit(archive, path, lead_id, f"{path} {words}".encode(), observed="new")
    (version,) = told.versions
    facts = orjson.loads(version.line) | {"contentDigest": f"sha256:{words}", "id": f"{path}-{words}"}
    line = orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE)
    told.versions = [replace(version, record_id=facts["id"], content_digest=facts["contentDigest"], line=line.decode())]
    told.records[0] = line
    return told


def verified(archive: Archive) -> Report:
    """What is wrong with the chain or any object; each capture's bytes can be read."""
    with archive.catalogue.begin() as connection:
        places = connection.execute(select(captures.c.key, captures.c.offset, captures.c.length)).all()
    for key, offset, length in places:
        assert read_capture(archive.holdings, key, offset, length).payload
    return Verifier(archive.stores, archive.catalogue, Scope()).run()


def rebuilt(archive: Archive, scratch: Path) -> list[bytes]:
    """What a catalogue says that is made from the store."""
    scratch.mkdir()
    fresh = Catalogue(f"sqlite:///{scratch / 'catalogue.sqlite'}", archive.clock)
    try:
        assert not rebuild(lambda: archive.store, fresh, scratch).unknown_events
        return dumped(fresh)
    finally:
        fresh.close()


def held_by(archive: Archive) -> set[str]:
    """The machines whose disks hold what no store has, by the catalogue."""
    with archive.catalogue.begin() as connection:
        return Unsent(connection).machines().get(SOURCE, set())


def test_what_lay_on_a_machine_that_is_gone_is_visited_again_and_the_store_tells_it_all(
    machine: Opener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = machine("first")
    visited(first, "safe", "also-safe")
    first.seal(SOURCE)
    deliver(first)
    assert held_by(first) == set()
    visited(first, "sealed")
    first.courier.close()
    first.seal(SOURCE)
    visited(first, "open", "second-open")
    add_leads(first, "never-visited")
    assert held_by(first) == {first.machine}
    shutil.rmtree(tmp_path / "first")

    second = machine("second")
    with caplog.at_level(logging.WARNING):
        losses = take_over(second, SOURCE, living=[])
    assert losses == Losses(segments=2, captures=3, versions=3)
    assert "3 captures lay on" in caplog.text
    with second.catalogue.begin() as connection:
        urls = set(connection.execute(select(captures.c.url)).scalars())
        ready = select(leads.c.url).where(leads.c.reason == REASON, leads.c.state == "pending")
        lost = {url.rpartition("/")[2] for url in connection.execute(ready).scalars()}
    assert {url.rpartition("/")[2] for url in urls} == {"safe", "also-safe"}
    assert lost == {"sealed", "open", "second-open"}

    second.with_leads(SOURCE, lambda mine: mine.reclaim())
    assert sorted(again(second)) == ["never-visited", "open", "sealed", "second-open"]
    second.seal(SOURCE)
    deliver(second)
    assert verified(second).ok
    assert dumped(second.catalogue) == rebuilt(second, tmp_path / "rebuilt")
    with second.catalogue.begin() as connection:
        assert Unsent(connection).losses(SOURCE) == losses
        assert connection.execute(select(deliveries)).all() == []
    assert take_over(second, SOURCE, living=[]) == Losses()


def test_a_disk_that_comes_back_brings_its_captures_after_those_that_were_made_meanwhile(
    machine: Opener, tmp_path: Path
) -> None:
    first = machine("first")
    visited(first, "safe")
    first.seal(SOURCE)
    deliver(first)
    first.courier.close()
    visited(first, "sealed", "changing")
    first.seal(SOURCE)
    visited(first, "open")
    for segment in first._open.values():
        segment.close()
    first._open.clear()

    second = machine("second")
    take_over(second, SOURCE, living=[])
    second.with_leads(SOURCE, lambda mine: mine.reclaim())
    again(second, "other words")
    second.seal(SOURCE)
    deliver(second)
    with second.catalogue.begin() as connection:
        at = dict(connection.execute(select(leads.c.url, leads.c.visited_at)).all())

    back = machine("first")
    assert bring_home(back) == []
    deliver(back)
    assert verified(back).ok
    with back.catalogue.begin() as connection:
        assert Unsent(connection).losses(SOURCE) == Losses()
        assert connection.execute(select(unsent)).all() == []
        assert dict(connection.execute(select(leads.c.url, leads.c.visited_at)).all()) == at
        paths = [url.rpartition("/")[2] for url in connection.execute(select(captures.c.url)).scalars()]
    assert sorted(paths) == sorted(["safe", *2 * ["sealed", "changing", "open"]])
    assert dumped(back.catalogue) == rebuilt(back, tmp_path / "rebuilt")


def test_a_living_machine_keeps_what_it_has_and_delivers_it_itself(machine: Opener) -> None:
    first, second = machine("first"), machine("second")
    visited(first, "one")
    first.seal(SOURCE)
    assert first.machine is not None
    assert take_over(second, SOURCE, living=[first.machine]) == Losses()
    assert left_elsewhere(second, SOURCE).total() == 1
    assert left_elsewhere(first, SOURCE).total() == 0
    second.courier.start()
    assert second.courier.wait(5), "what another machine has is no business of this one"
    assert held_by(second) == {first.machine}
    assert [one.problem for one in second.backlogs()] == [None, None]
    deliver(first)
    assert held_by(second) == set()
    assert verified(second).ok


def test_what_a_store_has_after_all_is_not_lost_and_goes_on_to_the_others(machine: Opener, tmp_path: Path) -> None:
    first = machine("first")
    visited(first, "one")
    first.seal(SOURCE)
    held, away = first.stores
    with first.catalogue.begin() as connection:
        (stem,) = connection.execute(select(unsent.c.stem)).scalars()
    sealed = sealed_segment(first.place.open_segments / SOURCE, stem)
    assert sealed is not None
    segment_parcel(SOURCE, sealed).put(held)
    shutil.rmtree(tmp_path / "first")

    second = machine("second")
    assert take_over(second, SOURCE, living=[]) == Losses()
    deliver(second)
    assert {info.key for info in held.list()} == {info.key for info in away.list()}
    assert verified(second).ok


def test_what_others_went_on_with_before_the_loss_was_known_is_not_visited_again(machine: Opener) -> None:
    first = machine("first")
    visited(first, "lost")
    add_leads(first, "fresh", "later")
    second = machine("second")
    assert first.machine is not None
    take_over(second, SOURCE, living=[first.machine])
    second.with_leads(SOURCE, lambda mine: mine.reclaim())
    assert again(second) == ["fresh", "later"]
    take_over(second, SOURCE, living=[])
    assert again(second) == ["lost"]


def test_parts_of_a_lost_segment_that_a_store_has_are_on_their_way(machine: Opener, tmp_path: Path) -> None:
    first = machine("first")
    visited(first, "one")
    first.seal(SOURCE)
    (stem,) = sorted(path.name.removesuffix(".warc.gz") for path in (tmp_path / "first").rglob("*.warc.gz"))
    sealed = sealed_segment(first.place.open_segments / SOURCE, stem)
    assert sealed is not None
    for part in segment_parcel(SOURCE, sealed).files[:2]:
        first.store.put_file(part.key, part.path, part.sha256)
    shutil.rmtree(tmp_path / "first")
    second = machine("second")
    take_over(second, SOURCE, living=[])
    again(second)
    second.seal(SOURCE)
    deliver(second)
    with second.catalogue.begin() as connection:
        lost = OnTheirWay({store.place: Unsent(connection).lost_stems() for store in second.stores})
    found = Verifier(second.stores, second.catalogue, Scope(), waiting=lambda: lost).run()
    assert found.ok, found.findings
    assert not Verifier(second.stores, second.catalogue, Scope()).run().ok
