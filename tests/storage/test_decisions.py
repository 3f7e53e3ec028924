"""Decisions are events in the chain, whoever crawls at the same moment, and the store alone tells them again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from storage import chaining
from storage.archive import Archive, ArchiveSettings, Settlement
from storage.catalogue import Catalogue, sources
from storage.decisions import log_decisions
from storage.directory import DirectoryStore
from storage.fixity.verifier import Scope, Verifier
from storage.place import STATE_DIRECTORY, Place
from storage.rebuilding.dump import dump_lines
from storage.rebuilding.rebuild import rebuild
from storage.suppression import Suppressed, SuppressionLifted
from storage.suppressions import Suppressions
from tests.storage.storage_samples import exchange

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
SOURCE = "gazette"


class Ticking:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


def opened(tmp_path: Path, clock: Ticking) -> Archive:
    stores = (DirectoryStore(tmp_path / "one"), DirectoryStore(tmp_path / "two"))
    archive = Archive.open(Place(stores, tmp_path / "state"), ArchiveSettings(), clock)
    archive.enlist(SOURCE, name="G", home="http://gazette.example/", toml='id = "gazette"\nname = "G"\n')
    archive.courier.start()
    return archive


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def archive(tmp_path: Path, clock: Ticking) -> Iterator[Archive]:
    made = opened(tmp_path, clock)
    yield made
    made.close()


def suppressed(name: str, clock: Ticking) -> Suppressed:
    end = NOW + timedelta(days=9)
    return Suppressed(clock(), name * 32, "url", f"http://gazette.example/{name}", "me", "why not", None, end)


def dumped(catalogue: Catalogue) -> list[bytes]:
    with catalogue.begin() as connection:
        return list(dump_lines(connection))


def assert_whole_and_told(archive: Archive, tmp_path: Path, *names: str) -> None:
    """The chain hangs together in every store, and the store alone tells the same."""
    assert archive.courier.wait(30)
    report = Verifier(archive.stores, archive.catalogue, Scope(deep=True)).run()
    assert [(one.object, one.kind) for one in report.findings] == []
    made = Catalogue(f"sqlite:///{tmp_path / 'made.sqlite'}", archive.clock)
    told = rebuild(lambda: DirectoryStore(tmp_path / "two"), made, tmp_path / "scratch")
    assert [(one.object, one.kind, one.message) for one in told.findings] == []
    assert not told.unknown_events
    assert dumped(made) == dumped(archive.catalogue)
    with made.begin() as connection:
        assert sorted(one.id for one in Suppressions(connection).all()) == [name * 32 for name in names]
    made.close()


def test_a_decision_stands_in_the_chain_beside_a_crawl(archive: Archive, clock: Ticking, tmp_path: Path) -> None:
    archive.keep(SOURCE, exchange())
    archive.settle(SOURCE, Settlement())
    archive.seal(SOURCE)
    archive.keep(SOURCE, exchange(body=b"another one 4321\n"))
    archive.settle(SOURCE, Settlement())
    with archive.catalogue.begin() as connection:
        held = {"owner": "elsewhere:1", "owned_until": NOW + timedelta(days=1)}
        connection.execute(update(sources).values(**held))
    other = opened(tmp_path, clock)
    log_decisions(other, SOURCE, [suppressed("a", clock), suppressed("b", clock)])
    log_decisions(other, SOURCE, [SuppressionLifted(clock(), "a" * 32, "me")])
    other.close()
    archive.seal(SOURCE)
    with archive.catalogue.begin() as connection:
        assert connection.execute(sources.select()).one().owner == "elsewhere:1"
    assert_whole_and_told(archive, tmp_path, "a", "b")


def test_whoever_seals_second_names_the_other(
    archive: Archive, clock: Ticking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The crawl has written its manifest, and before it is in the chain somebody decides something."""
    archive.keep(SOURCE, exchange())
    archive.settle(SOURCE, Settlement())
    other, plain = opened(tmp_path, clock), chaining._manifest
    calls: list[str] = []

    def meanwhile(sealed, previous, vouching):
        made = plain(sealed, previous, vouching)
        calls.append(sealed.stem)
        if len(calls) == 1:
            log_decisions(other, SOURCE, [suppressed("a", clock)])
        return made

    monkeypatch.setattr(chaining, "_manifest", meanwhile)
    archive.seal(SOURCE)
    other.close()
    assert len(calls) == 3
    assert_whole_and_told(archive, tmp_path, "a")


@pytest.mark.parametrize("point", ["adopt", "chained"])
def test_a_decision_that_was_cut_short_is_taken_up(
    archive: Archive, clock: Ticking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("storage.archive.Archive.adopt" if point == "adopt" else "storage.archive.chained", killed)
        with pytest.raises(KeyboardInterrupt):
            log_decisions(archive, SOURCE, [suppressed("a", clock)])
    archive.recover(SOURCE)
    assert_whole_and_told(archive, tmp_path, "a")


def test_in_one_directory_it_is_stored_at_once(tmp_path: Path, clock: Ticking) -> None:
    archive = Archive.open(tmp_path / "archive", ArchiveSettings(), clock)
    archive.enlist(SOURCE, name="G", home="http://gazette.example/", toml='id = "gazette"\n')
    log_decisions(archive, SOURCE, [suppressed("a", clock)])
    stored = [info.key.partition("/")[0] for info in archive.store.list()]
    assert stored == ["events", "manifests", "newsark.json", "sources"]
    left = tmp_path / "archive" / STATE_DIRECTORY / "open" / SOURCE
    assert [path.name for path in left.iterdir()] == ["serial"]
    archive.close()
