"""Two processes with one catalogue: what one reads before it writes, the other has not changed meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from storage.alerts import Alert, Alerts
from storage.catalogue import Catalogue
from storage.errors import SourceBusy, WrongUse
from storage.fixity.checks import Check, Checks
from storage.lead import NewLead, lead_identity
from storage.leads import Leads
from storage.objects import ObjectStore
from storage.rebuilding.rebuild import rebuild
from storage.sources import Sources
from storage.spending import Spending, Spent
from tests.postgresql import database

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
SOURCES = ("lantern", "harbour")
COUNT = 30
ROOT = Path(__file__).parents[2]


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    yield from filled(catalogue_url)


def filled(url: str) -> Iterator[Catalogue]:
    """A catalogue of two sources with leads, and room for noting who is at work."""
    made = Catalogue(url, lambda: NOW)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE at_work (source_id VARCHAR(100) PRIMARY KEY)"))
        for source in SOURCES:
            Sources(connection).enlist(source, name=source, home="http://l.example/", toml="x", now=NOW)
            urls = [f"http://{source}.example/{number}" for number in range(COUNT)]
            Leads(connection, source).add([NewLead(url, lead_identity(url), "article", 50) for url in urls], NOW)
    yield made
    made.close()


def at_once(catalogue: Catalogue, *names: str) -> list[dict[str, Any]]:
    """What processes of these names did that worked on the sources at the same time."""
    command = [sys.executable, "-m", "tests.storage.leasing", catalogue.url]
    begun = [
        subprocess.Popen([*command, name, *SOURCES], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for name in names
    ]
    try:
        ended = [process.communicate(timeout=60) for process in begun]
    finally:
        for process in begun:
            process.kill()
    assert [process.returncode for process in begun] == [0] * len(begun), [err.decode() for _, err in ended]
    return [json.loads(out) for out, _ in ended]


def all_leads(catalogue: Catalogue) -> list[int]:
    with catalogue.begin() as connection:
        return sorted(connection.execute(text("SELECT id FROM leads WHERE state = 'captured'")).scalars())


def test_each_lead_goes_to_one_process_and_each_source_to_one_at_a_time(catalogue: Catalogue) -> None:
    first, second = at_once(catalogue, "here:1", "there:1")
    assert sorted(first["had"] + second["had"]) == all_leads(catalogue)
    assert len(all_leads(catalogue)) == COUNT * len(SOURCES)


def test_processes_that_lease_from_one_source_at_once_get_other_leads(on_server: Catalogue) -> None:
    # even where nothing but the rows themselves keeps them apart
    with on_server.begin() as one, on_server.begin() as other:
        first, second = Leads(one, "lantern").lease(5), Leads(other, "lantern").lease(5)
        assert [lead.url[-2:] for lead in first] == ["/0", "/1", "/2", "/3", "/4"]
        assert [lead.url[-2:] for lead in second] == ["/5", "/6", "/7", "/8", "/9"]
    with on_server.begin() as connection:
        Leads(connection, "lantern").release([lead.id for lead in (*first, *second)])
    had = at_once(on_server, "-", "-")
    assert sorted(had[0]["had"] + had[1]["had"]) == all_leads(on_server)
    assert len(all_leads(on_server)) == COUNT * len(SOURCES)


def together(catalogue: Catalogue, *works: Any) -> list[Any]:
    """What each work gave or raised; each has a transaction of its own, and all begin at once."""
    results: list[Any] = [None] * len(works)
    ready = threading.Barrier(len(works))

    def run(place: int) -> None:
        ready.wait()
        try:
            with catalogue.begin() as connection:
                results[place] = works[place](connection)
        except SourceBusy as problem:
            results[place] = problem

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@pytest.fixture
def on_server() -> Iterator[Catalogue]:
    """The catalogue where many write at once; SQLite lets one do so."""
    with database() as url:
        yield from filled(url)


def test_of_two_that_take_a_source_at_once_one_has_it(on_server: Catalogue) -> None:
    for number in range(10):
        with on_server.begin() as connection:
            connection.execute(text("UPDATE sources SET owner = 'gone:1', owned_until = '2000-01-01T00:00:00.000000Z'"))

        def take(name: str) -> Any:
            return lambda connection: Sources(connection).own("lantern", name, NOW, timedelta(seconds=60))

        results = together(on_server, take(f"a:{number}"), take(f"b:{number}"))
        assert sum(isinstance(one, SourceBusy) for one in results) == 1


def test_a_source_file_that_two_bring_at_once_has_one_revision_more_for_each_state(on_server: Catalogue) -> None:
    def bring(toml: str) -> Any:
        return lambda connection: Sources(connection).enlist("lantern", name="L", home="http://l/", toml=toml, now=NOW)

    assert sorted(together(on_server, bring("y"), bring("z"))) == [2, 3]
    assert together(on_server, bring("new"), bring("new")) == [4, 4]


def test_of_two_that_raise_an_alert_one_tells_of_it(on_server: Catalogue) -> None:
    def alert(key: str) -> Alert:
        return Alert(key, "removed", NOW, key)

    both = [alert(str(number)) for number in range(50)]
    first, second = together(on_server, *(lambda c, r=raised: Alerts(c).add(r) for raised in (both, both[::-1])))
    assert sorted(one.key for one in first + second) == sorted(one.key for one in both)


def test_what_two_note_at_once_is_noted_once(on_server: Catalogue) -> None:
    done = [Check("store", str(number)) for number in range(50)]
    together(on_server, *(lambda c, d=some: Checks(c).note(d, NOW, "quick") for some in (done, done[::-1])))
    spent = Spent("2026-03-12", 5, 500)
    together(on_server, *(lambda c: Spending(c, "lantern").promise(spent) for _ in range(3)))
    with on_server.begin() as connection:
        assert len(Checks(connection).times("store", "quick")) == 50
        assert Spending(connection, "lantern").on("2026-03-12") == spent


def test_whoever_slept_longer_than_its_lease_writes_into_nobodys_work(catalogue: Catalogue) -> None:
    def own(name: str, now: datetime) -> None:
        with catalogue.begin() as connection:
            Sources(connection).own("lantern", name, now, timedelta(seconds=60))

    own("sleeper/1:1", NOW)
    own("other/2:2", NOW + timedelta(seconds=61))
    with catalogue.begin() as connection, pytest.raises(SourceBusy, match="other/2:2"):
        Sources(connection).hold("lantern", "sleeper/1:1")
    with catalogue.begin() as connection:
        Sources(connection).hold("lantern", "other/2:2")


def test_a_chain_of_manifests_that_went_on_does_not_fork(catalogue: Catalogue) -> None:
    with catalogue.begin() as connection:
        assert Sources(connection).follow("lantern", None, "a" * 64)
        assert not Sources(connection).follow("lantern", None, "b" * 64)
        assert Sources(connection).follow("lantern", "a" * 64, "b" * 64)
        assert Sources(connection).last_manifest_sha256("lantern") == "b" * 64


def test_of_two_rebuilds_of_one_database_one_is_refused(on_server: Catalogue, tmp_path: Path) -> None:
    from storage.directory import DirectoryStore

    def opening() -> ObjectStore:
        return DirectoryStore(tmp_path / "archive")

    with on_server.engine.connect() as other:
        other.exec_driver_sql(f"SELECT pg_advisory_lock({0x72656275})")
        with pytest.raises(WrongUse, match="another process rebuilds this catalogue"):
            rebuild(opening, on_server, tmp_path / "scratch")
