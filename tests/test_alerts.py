"""Alerts: what is raised, once each, and how people are told of it, over a real hook on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from newsark.alerting import due_alerts, message, note_told
from reading.alerts import Rules, raise_alerts
from storage.alerts import Alert
from storage.archive import Archive
from storage.archivesettings import ArchiveSettings
from storage.catalogue import leads, metadata
from storage.deliveries import Backlog
from storage.lead import NewLead
from storage.settling import Settlement
from storage.versions import Observation, Version
from tests.articlesite import Site
from tests.cli import Ran, newsark
from tests.in_process import asked
from tests.loopback import LoopbackSite, Shown

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROOM = 10**12
USUAL = Rules()
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Bench:
    """An archive with a clock that the test sets."""

    def __init__(self, directory: Path, catalogue_url: str | None) -> None:
        self.now = START
        settings = ArchiveSettings(catalogue_url=catalogue_url)
        self.archive = Archive.open(directory / "archive", settings, lambda: self.now, create=True)
        self.archive.enlist("paper", name="The Paper", home="http://p.example/", toml="")
        lead = NewLead("http://p.example/feed", "feed", "feed", 10)
        self.archive.with_leads("paper", lambda leads: leads.add([lead], START))

    def article(self, name: str, at: datetime, confidence: float = 0.99) -> None:
        line = json.dumps({"headline": f"On {name}", "metadata": {"confidence": confidence, "judgement": "article"}})
        url = f"http://p.example/{name}"
        version = Version(name, f"r-{name}", 1, url, name, at, "", line, headline=f"On {name}")
        self.archive.settle("paper", Settlement(versions=[version], records=[line.encode() + b"\n"]))

    def seen(self, name: str, outcome: str, at: datetime) -> None:
        one = Observation(f"http://p.example/{name}", at, outcome, "the server answered 404", article=name)
        self.archive.settle("paper", Settlement(observations=[one]))

    def looked(self, at: datetime) -> None:
        with self.archive.catalogue.begin() as connection:
            connection.execute(leads.update().values(visited_at=at))

    def raised(self, rules: Rules = USUAL, free_bytes: int = ROOM, sources: Sequence[str] | None = None) -> list[str]:
        found = raise_alerts(self.archive, rules, free_bytes=free_bytes, source_ids=sources)
        return [alert.title for alert in found]


@pytest.fixture
def bench(tmp_path: Path, catalogue_setting: str | None) -> Iterator[Bench]:
    made = Bench(tmp_path, catalogue_setting)
    yield made
    made.archive.close()


def gone(bench: Bench, name: str, visits: int) -> None:
    bench.article(name, START)
    for visit in range(visits):
        bench.now = START + HOUR + visit * 14 * HOUR
        bench.seen(name, "removed", bench.now)


def test_a_removal_is_told_when_it_is_sure_and_once(bench: Bench) -> None:
    gone(bench, "hall", 2)
    assert bench.raised() == []
    assert bench.raised(Rules(removed="never")) == []
    bench.now += 14 * HOUR
    bench.seen("hall", "removed", bench.now)
    (title,) = bench.raised()
    assert title == "removed: “On hall”, gone since 2026-03-01 13:00 UTC (the server answered 404)"
    assert bench.raised() == []


def test_a_crawl_looks_at_its_own_sources_and_at_this_machine(bench: Bench) -> None:
    gone(bench, "hall", 1)
    suspects = Rules(removed="suspected")
    assert bench.raised(suspects, sources=["elsewhere"]) == []
    assert len(bench.raised(suspects, free_bytes=1, sources=["elsewhere"])) == 1
    assert len(bench.raised(suspects, sources=["paper"])) == 1


def test_a_suspicion_is_told_where_it_is_asked_for_and_not_again_when_it_is_sure(bench: Bench) -> None:
    gone(bench, "hall", 1)
    assert len(bench.raised(Rules(removed="suspected"))) == 1
    for _ in range(2):
        bench.now += 14 * HOUR
        bench.seen("hall", "removed", bench.now)
    assert bench.raised(Rules(removed="suspected")) == []


def test_a_purge_is_told_before_each_of_it_is_sure(bench: Bench) -> None:
    for number in range(4):
        gone(bench, f"hall-{number}", 1)
    assert bench.raised(Rules(removed_in_an_hour=4)) == []
    assert bench.raised(Rules(removed_in_an_hour=0)) == []
    assert bench.raised(Rules(removed_in_an_hour=3)) == [
        "4 articles of paper found removed within an hour, from 2026-03-01 13:00 UTC"
    ]


def test_a_source_that_is_away_is_told_once_it_is_sure(bench: Bench) -> None:
    for number in range(10):
        bench.article(f"a{number}", START)
    for number in range(9):
        bench.seen(f"a{number}", "unreachable", START + number * HOUR)
    bench.now = START + 9 * HOUR
    assert bench.raised() == []
    bench.seen("a9", "unreachable", bench.now)
    assert bench.raised() == ["The Paper does not answer since 2026-03-01 12:00 UTC"]


def test_silence_is_measured_against_the_sources_own_habit(bench: Bench) -> None:
    for number in range(60):
        bench.article(f"a{number}", START + number * 5 * HOUR)
    last = START + 59 * 5 * HOUR
    bench.now = last + 40 * DAY
    # it was not looked at since, so that its silence is ours
    bench.looked(last + HOUR)
    assert bench.raised() == []
    bench.looked(last + 17 * HOUR)
    assert bench.raised() == []
    bench.looked(last + 19 * HOUR)
    assert bench.raised() == ["The Paper is silent: nothing new for 19 h, though usually something comes within 5 h"]
    assert bench.raised(Rules(silent_times=0)) == []


def test_texts_that_became_less_certain_are_told(bench: Bench) -> None:
    for number in range(60):
        bench.article(f"a{number}", START + number * HOUR, 0.98 if number < 40 else 0.7)
    bench.now = START + 61 * HOUR
    assert bench.raised() == ["The Paper: its texts are less certain (0.70, it was 0.98); see newsark sources check"]
    assert bench.raised(Rules(confidence_fall=0.5)) == []


def test_a_disk_and_a_store_that_need_somebody_are_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    behind = Backlog(store="s3://b", parcels=3, bytes=9, since=START, problem="no answer")
    monkeypatch.setattr(bench.archive, "backlogs", lambda: [behind])
    bench.now = START + 23 * HOUR
    assert bench.raised() == []
    bench.now = START + 25 * HOUR
    assert bench.raised(free_bytes=100_000_000) == [
        "s3://b has confirmed nothing of 3 objects since 2026-03-01 12:00 UTC: no answer",
        "the disk of the working state is nearly full: 100 MB are free",
    ]


def test_what_is_long_over_is_no_alert(bench: Bench) -> None:
    gone(bench, "hall", 3)
    bench.now += 8 * DAY
    assert [title for title in bench.raised() if title.startswith("removed")] == []


def test_messages_keep_their_distance_and_bring_what_happened_meanwhile(bench: Bench) -> None:
    gone(bench, "hall", 3)
    bench.raised()
    first = due_alerts(bench.archive, 15)
    note_told(bench.archive, first)
    bench.now += timedelta(minutes=5)
    bench.article("bridge", START)
    bench.seen("bridge", "removed", bench.now)
    bench.raised(Rules(removed="suspected"))
    assert due_alerts(bench.archive, 15) == []
    bench.now += timedelta(minutes=11)
    (second,) = due_alerts(bench.archive, 15)
    assert second.url == "http://p.example/bridge"


def test_one_message_says_how_much_there_is_and_ends() -> None:
    alert = Alert("k", "removed", START, "removed: “On\nhall”", "paper", "http://p.example/hall")
    away = replace(alert, rule="away", title="The Paper does not answer", url=None)
    title, body = message([*[alert] * 30, away])
    assert title == "Newsark: 30 articles removed, 1 source away"
    assert body.splitlines()[:2] == ["- removed: “On hall”", "  http://p.example/hall"]
    assert body.splitlines()[-1] == "and 11 more: newsark ledger --kind alert"


def test_every_table_of_alerts_is_in_the_catalogue() -> None:
    assert {"alerts", "spending"} <= set(metadata.tables)


class Hook(LoopbackSite):
    """Whoever is told: keeps the messages, or answers with an error."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.status = 200
        super().__init__()
        self.address = f"{self.url.replace('http', 'json')}/hook"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if self.status == 200:
            self.messages.append(json.loads(body))
        super().answer(handler)

    def shown(self, path: str) -> Shown:
        return self.status


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as made:
        yield made


def test_a_crawl_tells_what_it_found_and_tells_it_again_only_where_it_failed(
    hook: Hook, site: Site, tmp_path: Path
) -> None:
    environment = {"NEWSARK_ALERT_TO": hook.address, "NEWSARK_ALERT_REMOVED": "suspected"}
    environment |= {"NEWSARK_ALERT_EVERY_MINUTES": "0"}
    host = site.url.removeprefix("http://")

    def crawl(*options: str) -> Ran:
        words = ("crawl", site.url + "/", "--archive", "archive", "--allow-host", host, "--delay", "0", *options)
        return newsark(*words, cwd=tmp_path, environment=environment)

    crawl()
    assert hook.messages == []
    site.pages["gone"] = 410
    hook.status = 500
    failed = crawl("--again")
    assert "could not be sent" in failed.err
    hook.status = 200
    crawl()
    crawl("--again")
    (sent,) = hook.messages
    assert sent["title"] == "Newsark: 1 article removed"
    assert f"{site.url}/news/gone" in sent["message"]
    told = asked("ledger", "--kind", "alert", "--json", "--archive", "archive", cwd=tmp_path).lines
    assert [(one["detail"], one["url"]) for one in told] == [("removed", f"{site.url}/news/gone")]


def test_a_test_message_says_who_was_reached(hook: Hook, tmp_path: Path) -> None:
    both = f"{hook.address} json://user:secret@127.0.0.1:9/hook"
    ran = newsark("alerts", "test", cwd=tmp_path, environment={"NEWSARK_ALERT_TO": both})
    assert ran.code == 1
    assert "1. sent: json://127.0.0.1" in ran.out
    assert "2. not sent: json://" in ran.out
    assert "1 of 2 reached." in ran.out
    assert "secret" not in ran.out + ran.err
    assert [one["message"] for one in hook.messages] == ["This is a test: alerts of Newsark arrive here."]


@pytest.mark.parametrize(
    ("addresses", "words"),
    [("", "nobody would be told"), ("nonsense://user:secret@host", "address 1 (nonsense)"), ("me", "(no scheme)")],
)
def test_an_address_that_cannot_be_used_is_named_without_its_password(
    tmp_path: Path, addresses: str, words: str
) -> None:
    ran = newsark("alerts", "test", cwd=tmp_path, environment={"NEWSARK_ALERT_TO": addresses})
    assert (ran.code, words in ran.err) == (2, True), ran.err
    assert "secret" not in ran.out + ran.err


def test_a_crawl_does_not_begin_with_an_address_that_nobody_understands(site: Site, tmp_path: Path) -> None:
    words = ("crawl", site.url + "/", "--archive", "archive")
    ran = newsark(*words, cwd=tmp_path, environment={"NEWSARK_ALERT_TO": "nonsense://x"})
    assert (ran.code, "address 1 (nonsense)" in ran.err) == (2, True), ran.err
