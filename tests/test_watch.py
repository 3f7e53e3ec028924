"""`newsark watch` as a user runs it: due leads are visited, SIGTERM ends it, a second one refuses."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.articlesite import NAMES, Site, article, sentences
from tests.cli import newsark
from tests.crawling import Crawling, Leads, host_of, start, wait_until
from tests.in_process import asked
from tests.loopback import Shown


def begin(site: Site, directory: Path) -> Crawling:
    what = [site.url + "/", "--archive", "archive", "--allow-host", host_of(site.url), "--delay", "0"]
    return start(what, directory, command=("watch", "--no-progress"))


def visited(directory: Path) -> dict[str, str]:
    rows = Leads(directory / "archive").rows("url, state")
    return {url.rpartition("/")[2]: state for url, state in rows if "/news/" in url}


def make_due(directory: Path) -> None:
    """Let every article fall due now, as time would."""
    path = directory / "archive" / ".newsark" / "catalogue.sqlite"
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE leads SET next_due = '2000-01-01T00:00:00.000000Z' WHERE kind = 'article' AND queue = 0")
        )
    engine.dispose()


def test_a_watch_sees_what_happens_and_ends_cleanly_when_it_is_asked_to(tmp_path: Path) -> None:
    site = Site()
    try:
        watching = begin(site, tmp_path)
        wait_until(lambda: list(visited(tmp_path).values()) == ["captured"] * len(NAMES))

        busy = newsark(
            *("crawl", site.url + "/", "--archive", "archive", "--allow-host", host_of(site.url)), cwd=tmp_path
        )
        assert busy.code == 4

        site.pages |= {"gone": 410, "edited": article("edited", "Hall edited sold", "This sentence was mended.")}
        make_due(tmp_path)
        # the clock is looked at every ten seconds
        wait_until(lambda: visited(tmp_path)["gone"] == "failed", 60)
        wait_until(lambda: visited(tmp_path)["stays"] == "unchanged", 30)

        signalled = time.monotonic()
        watching.send(signal.SIGTERM)
        ran = watching.ended(20)
        assert ran.code == 0, ran.err
        assert time.monotonic() - signalled < 10
    finally:
        site.close()
    entries = newsark("ledger", "--json", "--archive", "archive", cwd=tmp_path).lines
    assert {(one["url"].rpartition("/")[2], one["kind"]) for one in entries} == {
        ("gone", "removed"),
        ("edited", "edited"),
    }
    assert asked("verify", "--deep", "--archive", "archive", cwd=tmp_path).code == 0
    assert sentences("gone")[0] in asked("show", f"{site.url}/news/gone", "--archive", "archive", cwd=tmp_path).out


class Slow(Site):
    """A site on which two articles take their time."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, float] = {}
        self.late: set[str] = set()

    def shown(self, path: str) -> Shown:
        name = path.rpartition("/")[2]
        if name in self.seconds:
            self.late.add(name)
            time.sleep(self.seconds[name])
        return super().shown(path)


def test_what_is_under_way_has_five_seconds_and_its_lead_goes_back_otherwise(tmp_path: Path) -> None:
    site = Slow()
    site.seconds = {"gone": 3.0, "edited": 30.0}
    try:
        watching = begin(site, tmp_path)
        wait_until(lambda: site.late == {"gone", "edited"})
        signalled = time.monotonic()
        # to it alone, as Kubernetes and KillMode=mixed do: readers that are ended too read nothing any more
        watching.process.terminate()
        ran = watching.ended(20)
        lasted = time.monotonic() - signalled
    finally:
        site.close()
    assert ran.code == 0, ran.err
    assert 4.5 < lasted < 10
    states = visited(tmp_path)
    assert (states["gone"], states["edited"]) == ("captured", "pending")
    assert asked("verify", "--deep", "--archive", "archive", cwd=tmp_path).code == 0
