"""A crawl on a cluster: workers on several machines, one of which is lost in the middle with all that it had."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from crawler.report import SourceReport
from crawler.run import Errand
from crawler.source import Source
from newsark.cluster.errors import ClusterMismatch
from newsark.cluster.groups import grouped
from newsark.cluster.machines import Machine, Machines
from newsark.cluster.orders import Orders, probe, versions_here
from newsark.cluster.tally import Seen, Tally
from newsark.cluster.worker import Lines
from storage.directory import DirectoryStore
from storage.place import STATE_DIRECTORY, Place
from storage.stores import StoreSettings, open_store
from tests.cli import NEWSARK, newsark
from tests.older_archive import Story, story, write_older_archive
from tests.postgresql import database
from tests.raycluster import Newsrooms, RayCluster, ray_cluster
from tests.seaweed import shared_seaweed

DELAY_SECONDS = 0.3
# what stamps of a loaded server may be late by
LATE_SECONDS = 0.25


@pytest.fixture(scope="module")
def catalogue() -> Iterator[str]:
    with database() as url:
        yield url


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with ray_cluster([1, 1], shared_seaweed().environment) as made:
        yield made


def home_of(rooms: Newsrooms, directory: Path, catalogue: str) -> Path:
    rooms.write_files(directory / "sources", delay_seconds=DELAY_SECONDS)
    place = f"s3://{shared_seaweed().make_bucket('cluster')}/paper"
    settings = f'archive = "{place}"\ncatalogue = "{catalogue}"\ncontact = "t@localhost"\ncluster_cpus_per_worker = 1\n'
    (directory / "newsark.toml").write_text(settings)
    return directory


@pytest.mark.timeout(300)
def test_batch_work_comes_to_the_same_as_on_one_machine(cluster: RayCluster, made: Path, tmp_path: Path) -> None:
    """Also where workers are killed at it: several sources and WARCs, revisits of other WARCs, furniture, selectors."""
    files = sorted((made / "warc").rglob("*.warc.gz"))
    came: dict[str, list[object]] = {}
    for name in ("here", "away"):
        run = home_with_copy(made, tmp_path / name, cluster)
        options = ("--cluster", cluster.address) if name == "away" else ()
        taken = run("import", *files, "--source", "theirs", "--json", *options)
        with killed_while_they_read(cluster, 2 if name == "away" else 0) as killed:
            again = run("reextract", "--all", "--json", "--report", "changes.html", *options)
        assert (taken.code, again.code) == (0, 0), taken.err + again.err
        files_taken = [{key: one[key] for key in one if key != "seconds"} for one in taken.json["files"]]
        records = records_of(run)
        report = (tmp_path / name / "changes.html").read_text()
        came[name] = [again.json, report, files_taken, sorted(_without_times(one) for one in records)]
    assert came["away"] == came["here"]
    assert len(killed) == 2
    assert "others go on" in again.err
    assert (again.json["changed"], again.json["read"]) == (STORIES + OTHERS, 2 * (STORIES + OTHERS))
    assert run("reextract", "--json", *options).json["read"] == 0, "what is done is not done twice"
    whole = run("verify", "--deep", "--all", "--json", *options)
    assert whole.json["ok"], whole.json["findings"]
    assert whole.json["reread"] > STORIES + OTHERS


@pytest.mark.timeout(200)
def test_batch_work_that_is_interrupted_goes_on(cluster: RayCluster, made: Path, tmp_path: Path) -> None:
    run = home_with_copy(made, tmp_path / "home", cluster)
    command = [NEWSARK, "reextract", "--json", "--cluster", cluster.address]
    environment = {**os.environ, **run.keywords["environment"]}
    with subprocess.Popen(
        command, cwd=tmp_path / "home", env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as reading:
        while not workers_at(cluster, "reread"):
            assert reading.poll() is None, reading.communicate()
        reading.send_signal(signal.SIGINT)
        out, err = reading.communicate(timeout=100)
    assert (reading.returncode, err) == (130, "")
    first = json.loads(out)
    assert not first["complete"]
    again = run(*command[1:])
    assert again.code == 0, again.err
    assert again.json["segments"] + first["segments"] == len({one["archive"]["filename"] for one in records_of(run)})
    assert all(one["supersedes"] for one in records_of(run))


STORIES, TWICE, OTHERS = 14, 4, 8
APPEAL = "Support us: the council of readers keeps this newsroom alive, whatever comes."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sources by an older extractor: one with revisits, their originals in other WARCs, and an article that is
    suppressed; one with furniture that was learned since and a file with selectors."""
    directory = tmp_path_factory.mktemp("made")
    root = directory / "archive"
    place = Place((DirectoryStore(root),), root / STATE_DIRECTORY)
    write_older_archive(
        place,
        STORIES,
        segment_bytes=20_000,
        story_of=lambda number: replace(story(number % (STORIES - TWICE)), number=number),
    )
    write_older_archive(
        place,
        OTHERS,
        segment_bytes=12_000,
        source="other",
        story_of=lambda number: with_appeal(story(1000 + number)),
        more_toml='remove = ["p:last-of-type"]\n',
        furniture=[APPEAL],
    )
    hidden = newsark("suppress", story(3).url, "--reason", "a test", "--by", "a test", "--archive", root, cwd=directory)
    assert hidden.code == 0, hidden.err
    return root


def with_appeal(one: Story) -> Story:
    return replace(one, paragraphs=(*one.paragraphs[:3], APPEAL, *one.paragraphs[3:]))


def home_with_copy(made: Path, directory: Path, cluster: RayCluster) -> Any:
    """What runs commands in a home whose archive is a bucket with these objects, known to a catalogue of its own."""
    directory.mkdir()
    place = f"s3://{shared_seaweed().make_bucket(f'batch-{directory.name}')}/paper"
    (directory / "newsark.toml").write_text(f'archive = "{place}"\ncluster_cpus_per_worker = 1\n')
    environment = {**cluster.environment, "XDG_STATE_HOME": str(directory / "state")}
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in shared_seaweed().environment.items():
            patch.setenv(variable, value)
        source, target = DirectoryStore(made), open_store(StoreSettings(place))
        for info in source.list():
            target.put_bytes(info.key, source.get(info.key))
    run = partial(newsark, cwd=directory, environment=environment, timeout=200)
    rebuilt = run("rebuild")
    assert rebuilt.code == 0, rebuilt.err
    return run


def records_of(run: Any) -> list[dict[str, Any]]:
    return run("export", "-o", "-", "--versions", "all").lines


def workers_at(cluster: RayCluster, method: str) -> list[psutil.Process]:
    """The workers of a cluster that are at it now: what their processes are called says so."""
    found, disks = [], str(cluster.directory)
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            is_at_it = f"ReadWorker.{method}" in " ".join(process.cmdline())
            if is_at_it and process.environ().get("XDG_STATE_HOME", "").startswith(disks):
                found.append(process)
    return found


@contextmanager
def killed_while_they_read(cluster: RayCluster, count: int) -> Iterator[list[int]]:
    """Kill so many workers, each while it reads a part of a WARC; the ids of those that were."""
    killed: list[int] = []
    over = threading.Event()

    def look() -> None:
        while len(killed) < count and not over.wait(0.005):
            for process in [one for one in workers_at(cluster, "reread") if one.pid not in killed][:1]:
                process.kill()
                killed.append(process.pid)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def _without_times(record: dict[str, Any]) -> str:
    """A record as text, without when it was made."""
    return re.sub(r'"dateImported": "[^"]*"', "", json.dumps(record, sort_keys=True))


@pytest.mark.timeout(300)
def test_a_machine_that_is_lost_in_the_middle_costs_second_visits_and_nothing_else(
    cluster: RayCluster, catalogue: str, tmp_path: Path
) -> None:
    rooms = Newsrooms(4, 25)
    home = home_of(rooms, tmp_path, catalogue)
    command = [NEWSARK, "crawl", "--cluster", cluster.address, "--json"]
    environment = {**os.environ, **cluster.environment}
    with subprocess.Popen(
        command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as crawl:
        lost = cluster.machines[0]
        while sum(rooms.times_asked().values()) < 30 or not any(lost.state.rglob("*.warc.gz*")):
            assert crawl.poll() is None, crawl.communicate()
            time.sleep(0.05)
        lost.kill(with_disk=True)
        before = sum(rooms.times_asked().values())
        out, err = crawl.communicate(timeout=200)
    rooms.close()
    assert out, err
    report = json.loads(out)
    assert [one["outcome"] for one in report["sources"]] == ["finished"] * 4, err
    assert [one["leads"]["captured"] for one in report["sources"]] == [26] * 4, (report, err)
    told = [one["detail"] for source in report["sources"] for one in source["problems"]]
    assert told
    assert all("lay on a machine that is gone" in detail for detail in told)
    assert crawl.returncode == 1, "who reads the exit code hears of it"
    assert "died" in err

    times = rooms.times_asked()
    assert min(times.values()) == 1
    assert max(times.values()) == 2
    assert sum(count - 1 for count in times.values()) <= before
    assert rooms.overlaps() == []
    assert rooms.shortest_gap() > DELAY_SECONDS - LATE_SECONDS

    fresh = {**cluster.environment, "XDG_STATE_HOME": str(tmp_path / "elsewhere")}
    whole = newsark("verify", "--deep", "--all", "--json", cwd=home, environment=fresh)
    assert whole.json["ok"], whole.json["findings"]
    assert whole.json["reread"] == len(rooms.pages())
    exported = newsark("export", "--format", "jsonl", "-o", "-", cwd=home, environment=fresh)
    assert {one["url"] for one in exported.lines} == rooms.pages()
    status = newsark("status", "--json", cwd=home, environment=fresh)
    assert sum(one["lost"]["captures"] for one in status.json["sources"]) > 0


@pytest.mark.timeout(200)
def test_a_cluster_of_this_machine_alone_needs_nothing_but_ray(tmp_path: Path) -> None:
    rooms = Newsrooms(2, 3)
    rooms.write_files(tmp_path / "sources", delay_seconds=0)
    (tmp_path / "newsark.toml").write_text('contact = "t@localhost"\n')
    crawled = newsark("crawl", "--cluster", "local", cwd=tmp_path, timeout=150)
    rooms.close()
    assert crawled.code == 0, crawled.err
    assert crawled.err == ""
    assert crawled.out.count("4 leads = 4 captured") == 2
    assert newsark("verify", cwd=tmp_path).code == 0


def test_what_other_machines_cannot_reach_is_refused_with_what_to_write_instead(tmp_path: Path) -> None:
    address = ("crawl", "https://paper.example/", "--cluster", "127.0.0.1:1")
    refused = newsark(*address, cwd=tmp_path)
    assert refused.code == 2
    assert "with --cluster it must be a bucket: s3://bucket/prefix" in refused.err
    (tmp_path / "newsark.toml").write_text('archive = "s3://news/paper"\n')
    refused = newsark(*address, cwd=tmp_path, environment=shared_seaweed().environment)
    assert refused.code == 2
    assert 'catalogue = "postgresql://user@host/database"' in refused.err


def test_without_ray_and_with_another_address_the_cure_is_named(tmp_path: Path) -> None:
    (tmp_path / "hidden" / "ray").mkdir(parents=True)
    (tmp_path / "hidden" / "ray" / "__init__.py").write_text("raise ModuleNotFoundError('ray')\n")
    hidden = {"PYTHONPATH": str(tmp_path / "hidden")}
    refused = newsark("crawl", "https://paper.example/", "--cluster", "local", cwd=tmp_path, environment=hidden)
    assert (refused.code, refused.err.count("pip install 'newsark[cluster]'")) == (2, 1)


def test_another_version_on_a_machine_is_refused_and_named() -> None:
    ours = versions_here()
    assert probe()() == ours
    machines, there = Machines(None, Orders({}, {}, 1, (), "")), Machine("a" * 56, "host", 2)
    machines._known[there.node] = ours
    machines.check_now(there, 1)
    for what, theirs in (("newsark", "0.0.1"), ("catalogue", "3")):
        machines._known[there.node] = ours | {what: theirs}
        with pytest.raises(ClusterMismatch) as refused:
            machines.check_now(there, 1)
        assert f"its {what} is {theirs}, here it is {ours[what]}" in str(refused.value)
    machines._known[there.node] = {"newsark": "none"}
    with pytest.raises(ClusterMismatch, match="its newsark is none"):
        machines.check_now(there, 1)


def test_what_several_workers_did_of_a_source_is_added() -> None:
    errand = source("one", "https://one.example/")
    tally = Tally([errand, source("two", "https://two.example/")])
    tally.progress(Seen("one", requests=5, visited=Counter(captured=4)))
    tally.begin_again("one")
    tally.progress(Seen("one", requests=2, visited=Counter(captured=1, failed=1)))
    assert (errand.progress.requests, errand.progress.visited) == (7, Counter(captured=5, failed=1))
    lost = {"reason": "lost-with-machine", "kind": "source", "detail": "9 captures"}
    tally.report(SourceReport("one", "One", run={"requests": 5}, problems=[lost]))
    tally.report(SourceReport("one", "One", run={"requests": 2}, problems=[lost, {"reason": "http-404"}]))
    one, two = tally.reports()
    assert (one.run, one.problems) == ({"requests": 7}, [lost, {"reason": "http-404"}])
    assert two.outcome == "interrupted"


def source(name: str, home: str, **more: object) -> Errand:
    return Errand(Source.model_validate({"id": name, "name": name, "home": home, **more}))


def test_what_does_not_arrive_is_told_again() -> None:
    lines = Lines()
    for name in ("one", "two"):
        lines.emit(logging.LogRecord(name, logging.WARNING, "", 0, name, (), None))
    first, number = lines.since(0)
    assert ([line.name for line in first], lines.since(0)[0]) == (["one", "two"], first)
    lines.emit(logging.LogRecord("three", logging.WARNING, "", 0, "three", (), None))
    assert [line.name for line in lines.since(number)[0]] == ["three"]


def test_sources_of_the_same_sites_are_one_group() -> None:
    errands = [
        source("one", "https://www.one.example/"),
        source("two", "https://two.example/"),
        source("section", "https://blog.one.example/"),
        source("third", "https://three.example/", hosts=["cdn.two.example"]),
        source("bridge", "https://four.example/", feeds=["https://three.example/feed"]),
        source("apart", "https://five.example/"),
    ]
    groups = grouped(errands)
    assert [group.ids for group in groups] == [("one", "section"), ("two", "third", "bridge"), ("apart",)]
    assert [group.key for group in groups] == ["one", "two", "apart"]
