"""Metrics as Prometheus scrapes them: those of a watch on the sample newsroom, and those of the reading room."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from newsark.metrics.facts import Part
from newsark.metrics.families import FAMILIES
from reading.vitals import TooLong
from storage.spread import Spread
from storage.timebudget import time_budget
from tests.cli import newsark
from tests.crawling import Crawling, Leads, host_of, start, wait_until
from tests.newsroom import running_newsroom
from tests.promql import metrics_in
from tests.readingroom import serving

ROOT = Path(__file__).parent.parent
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
DASHBOARD = json.loads((ROOT / "docs" / "monitoring" / "dashboard.json").read_text(encoding="utf-8"))
RULES_FILE = ROOT / "docs" / "monitoring" / "alerts.yml"
RULES = [rule for group in yaml.safe_load(RULES_FILE.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


@dataclass(frozen=True, slots=True)
class Scraped:
    """What a watch showed when it had nothing more to do, and where its archive is."""

    text: str
    directory: Path
    source: str

    @property
    def names(self) -> set[str]:
        """The names that can be asked for."""
        found: set[str] = set()
        for family in text_string_to_metric_families(self.text):
            ends = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
            found |= {family.name + end for end in ends}
        return found

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """The values of a metric by the values of its labels, without the source."""
        return {
            tuple(value for label, value in sorted(one.labels.items()) if label != "source"): one.value
            for family in text_string_to_metric_families(self.text)
            for one in family.samples
            if one.name == name
        }


def address_of(watching: Crawling) -> str:
    """Where a watch that has just begun says that its metrics are."""
    assert watching.process.stderr is not None
    for line in watching.process.stderr:
        if line.startswith(b"Metrics at "):
            return line.decode().split()[2].rstrip(".")
    raise AssertionError("it ended before it showed metrics")


def scrape(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Scraped:
    directory = tmp_path_factory.mktemp("watched")
    with running_newsroom() as site:
        what = [site.url + "/", "--archive", "archive", "--allow-host", host_of(site.url), "--delay", "0"]
        logs = ["--log-level", "info", "--log-format", "json", "--log-file", directory / "log.jsonl"]
        watching = start([*what, "--metrics", "0", *logs], directory, command=("watch", "--no-progress"))
        try:
            url = address_of(watching)
            leads = Leads(directory / "archive")
            # what is read of the catalogue is read when it is first asked for, and then not for a while
            wait_until(lambda: len(leads.kept()) > 60 and leads.rows("1", "leads where state = 'pending'") == [], 90)
            shown = scrape(url)
        finally:
            watching.send(signal.SIGTERM)
            watching.ended(30)
    (source,) = {source for (source,) in Leads(directory / "archive").rows("id", "sources")}
    return Scraped(shown, directory, source)


def test_what_is_counted_is_what_the_archive_has(scraped: Scraped) -> None:
    leads = Leads(scraped.directory / "archive")
    (versions,) = leads.rows("count(*)", "versions")
    assert scraped.samples("newsark_versions_total") == {(): versions[0]}
    assert scraped.samples("newsark_text_confidence_count") == {(): versions[0]}
    states = dict(leads.rows("state, count(*)", "leads group by state"))
    shown = {state: count for (state,), count in scraped.samples("newsark_leads").items() if count}
    assert shown == states
    (captures,) = leads.rows("count(*)", "captures")
    assert sum(scraped.samples("newsark_fetches_total").values()) == captures[0]
    assert sum(scraped.samples("newsark_visits_total").values()) >= sum(states.values())
    assert scraped.samples("newsark_readings_total")["read",] > 0
    assert scraped.samples("newsark_leads_due") == {(): 0}
    assert scraped.samples("newsark_segments_open") == {(): 1}
    (kept,) = leads.rows("sum(length)", "captures")
    assert scraped.samples("newsark_archived_bytes_total") == {(): kept[0]}


def test_a_watch_that_is_stopped_ends_its_log(scraped: Scraped) -> None:
    lines = [json.loads(line) for line in (scraped.directory / "log.jsonl").read_text().splitlines()]
    assert [lines[0]["event"], lines[-1]["event"]] == ["run-began", "run-ended"]
    assert {line["source"] for line in lines if line["event"] == "version-recorded"} == {scraped.source}


def test_every_metric_is_shown_and_documented(scraped: Scraped) -> None:
    families = {family.name: family for family in text_string_to_metric_families(scraped.text)}
    ours = {name for name in families if name.startswith("newsark_")}
    assert ours == {family.name for family in FAMILIES}
    for family in FAMILIES:
        assert families[family.name].documentation == family.help
        row = f"| `{family.shown}` | {family.kind} | {', '.join(family.labels)} | {family.help} |"
        assert row in OPERATIONS


def test_labels_have_few_values_and_no_address_of_a_page(scraped: Scraped) -> None:
    for family in text_string_to_metric_families(scraped.text):
        for sample in family.samples:
            for label, value in sample.labels.items():
                assert "http" not in value
                assert label == "store" or "/" not in value
                assert len(value) < 100 or label == "store"
        without_bounds = {tuple(sorted({**one.labels, "le": ""}.items())) for one in family.samples}
        assert len(without_bounds) < 40, family.name


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_asks_for_what_there_is(scraped: Scraped, panel: dict[str, Any]) -> None:
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["targets"]
    for target in panel["targets"]:
        asked = metrics_in(target["expr"])
        assert asked
        assert asked <= scraped.names, target["expr"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_rule_asks_for_what_there_is_and_says_what_to_do(scraped: Scraped, rule: dict[str, Any]) -> None:
    asked = metrics_in(rule["expr"])
    assert asked
    assert asked <= scraped.names, rule["expr"]
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["action"]
    assert rule["labels"]["severity"] in ("warning", "critical")


def test_names_are_told_from_functions_labels_and_words() -> None:
    asked = """
        sum by (source, le) (rate(a_total{b=~"c|d_total", e!='f'}[5m] offset 1h)) / on (g) group_left h:i
        and -j > bool 5e9 or histogram_quantile(0.9, k_bucket) unless absent(l) == Inf
    """
    assert metrics_in(asked.replace("Inf", "1")) == {"a_total", "h:i", "j", "k_bucket", "l"}


def test_the_dashboard_is_one_that_grafana_takes(scraped: Scraped) -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    places: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        assert grid["x"] >= 0
        assert grid["x"] + grid["w"] <= 24
        columns, rows = range(grid["x"], grid["x"] + grid["w"]), range(grid["y"], grid["y"] + grid["h"])
        cells = {(x, y) for x in columns for y in rows}
        assert not cells & places, panel["title"]
        places |= cells
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == ("datasource", "prometheus")
    assert variables["source"]["query"]["query"] == "label_values(newsark_leads, source)"
    assert "newsark_leads" in scraped.names
    for note in DASHBOARD["annotations"]["list"]:
        assert metrics_in(note["expr"]) <= scraped.names


def test_prometheus_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("NO PROMTOOL: apt-get install prometheus to have it check the rules")
    done = subprocess.run([promtool, "check", "rules", str(RULES_FILE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_room_shows_them_to_whoever_may_come_in(scraped: Scraped) -> None:
    token = "a-long-random-word-for-visitors"
    settings = {"NEWSARK_SERVE_TOKEN": token, "NEWSARK_SERVE_SEARCHES_PER_MINUTE": "1"}
    with serving("--no-replay", "--archive", scraped.directory / "archive", **settings) as room:
        assert room.get("/metrics").status == 401
        assert room.get("/metrics", Authorization="Bearer another-long-random-word").status == 401
        answers = [room.get("/metrics", Authorization=f"Bearer {token}") for _ in range(5)]
        assert {answer.status for answer in answers} == {200}
        assert answers[0].headers["content-type"].startswith("text/plain; version=")
        found = Scraped(answers[-1].text, scraped.directory, "")
        assert found.samples("newsark_leads")["captured",] == scraped.samples("newsark_leads")["captured",]
        assert "newsark_heartbeat_timestamp_seconds" not in found.names
        modern = room.get(
            "/metrics", Authorization=f"Bearer {token}", Accept="application/openmetrics-text; version=1.0.0"
        )
        assert modern.headers["content-type"].startswith("application/openmetrics-text")
        assert modern.text.endswith("# EOF\n")


@pytest.mark.parametrize("words", ["nowhere", "127.0.0.1:99999", "127.0.0.1:"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, words: str) -> None:
    ran = newsark("watch", "https://news.example.org", "--metrics", words, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "--metrics: must be a port, or HOST:PORT" in ran.err


def test_a_port_that_is_taken_is_said_and_ends_the_watch(tmp_path: Path) -> None:
    with running_newsroom() as site:
        ran = newsark(
            "watch", site.url, "--allow-host", host_of(site.url), "--metrics", host_of(site.url), cwd=tmp_path
        )
    assert ran.code == 2
    assert f"metrics cannot be shown at {host_of(site.url)}: Address already in use" in ran.err


# facts that take long


def test_a_query_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.sqlite'}")
    endless = text("with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n")
    with engine.begin() as connection:
        with pytest.raises(OperationalError, match="interrupted"), time_budget(connection, 0.2):
            connection.execute(endless).scalar()
        assert connection.execute(text("select 1")).scalar() == 1
    engine.dispose()


def test_facts_that_cannot_be_read_stay_as_they_were() -> None:
    given: list[Any] = [7, TooLong("it takes too long"), OperationalError("select", {}, Exception("gone")), 8]

    def read() -> Any:
        one = given.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    part = Part("leads", read)
    seen = []
    for _ in range(4):
        part.again = 0.0
        part.refresh()
        seen.append((part.value, part.failures))
    assert seen == [(7, 0), (7, 1), (7, 2), (8, 2)]
    part.refresh()
    assert given == [], "it is not read again before its time"


@given(st.lists(st.floats(0, 400)), st.lists(st.floats(0, 400), min_size=1, unique=True).map(sorted))
def test_a_spread_counts_as_prometheus_does(values: list[float], bounds: list[float]) -> None:
    spread = Spread(bounds)
    threads = [threading.Thread(target=spread.add, args=(value,)) for value in values[:4]]
    for thread in threads:
        thread.start()
    for value in values[4:]:
        spread.add(value)
    for thread in threads:
        thread.join()
    assert spread.upto() == [sum(value <= bound for value in values) for bound in bounds] + [len(values)]
    assert spread.sum == pytest.approx(sum(values))
