"""Is anything lost when the crawl is killed? `kill -9` at random moments and at every named step.

    python benchmarks/crash.py [--pages 2000] [--corpus DIR] [--kills 40] [--seed 1] [--medium kept|forgets|shuffles]

Pages are served on loopback. A crawl is ended with SIGKILL, all its processes at once, and started again, until every
point of benchmarks/crashpoints.py and every random moment was used; then it is left to finish, and the archive is
compared with what was served and with what the crawls were told was kept. When a crawl finishes before all kills are
used, the next round begins with an empty archive.

`--medium forgets` takes away at each kill everything that was not flushed (benchmarks/powercut.c), as a power cut may;
`shuffles` takes away a random part of it. `--points none` leaves the named steps out. With `--without-flush` segments
are not flushed at all, and a medium that forgets must show losses: a check of this check. Ends with one line of JSON;
the exit code is 1 when anything was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.crashchecks import Acknowledged, faults_of, rows
from benchmarks.crashpoints import POINTS, missing
from benchmarks.pages import pages
from benchmarks.powercut import Medium

ROOT = Path(__file__).parent.parent
# Many segments, so that every run seals some.
SEGMENT_BYTES = 1_500_000
# A random moment is counted from the first page that a crawl asks for; one of so many from its start.
LATEST_KILL_SECONDS = 4.0
EARLY_KILLS = 4
# So many rounds in a row that end before their first kill: then what is left of them never comes.
MOST_IDLE_ROUNDS = 5
LONGEST_RUN_SECONDS = 300.0
CONCURRENCY = 8


class PageSite:
    """Serves /sitemap.xml and /p/<n>, gzip on the wire, and notes each page that was asked for."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self.bodies = bodies
        self.asked: list[int] = []
        self.address = ""

    def urls(self) -> dict[str, str]:
        """The SHA-256 of the body of each page, by URL."""
        return {f"{self.address}/p/{n}": hashlib.sha256(body).hexdigest() for n, body in enumerate(self.bodies)}

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve in a thread of its own."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        started = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._connection, "127.0.0.1", 0), loop)
        self.address = f"http://127.0.0.1:{started.result().sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head.split(b" ", 2)[1].decode()))
                await writer.drain()
        writer.close()

    def _answer(self, path: str) -> bytes:
        if path.startswith("/p/"):
            number = int(path.removeprefix("/p/"))
            self.asked.append(number)
            return _response(200, "text/html; charset=utf-8\r\nContent-Encoding: gzip", self.bodies[number])
        if path == "/sitemap.xml":
            listed = "".join(f"<url><loc>{self.address}/p/{n}</loc></url>" for n in range(len(self.bodies)))
            space = "http://www.sitemaps.org/schemas/sitemap/0.9"
            return _response(200, "application/xml", f'<urlset xmlns="{space}">{listed}</urlset>'.encode())
        return _response(404, "text/plain", b"not here")


def _response(status: int, kind: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass(slots=True)
class Tally:
    """What all rounds came to."""

    kills: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    idle_rounds: int = 0
    runs: int = 0
    captures: int = 0
    acknowledged: list[int] = field(default_factory=list)
    fetched_again: int = 0
    in_flight: list[int] = field(default_factory=list)
    fetched_after_acknowledgement: list[str] = field(default_factory=list)
    undone: int = 0
    faults: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill: so long after the first page was asked for, or, when `early`, after the start."""

    seconds: float
    early: bool


class Round:
    """One archive, from its first crawl to the one that finishes."""

    def __init__(self, work: Path, site: PageSite, medium: Medium, tally: Tally, source: random.Random) -> None:
        self.work = work
        self.site = site
        self.medium = medium
        self.tally = tally
        self.random = source
        self.without_flush = False
        self.promised = Acknowledged()
        self.archive = medium.root / "archive"
        self._acks = work / "acks.jsonl"
        self._mark = work / "mark"
        host = site.address.removeprefix("http://")
        (work / "bench.toml").write_text(
            f'id = "bench"\nname = "bench"\nhome = "{site.address}/"\ndelay_seconds = 0\n'
            f'max_concurrency = {CONCURRENCY}\nallow_hosts = ["{host}"]\n'
            f'discover = "listed"\nsitemaps = ["{site.address}/sitemap.xml"]\n'
        )

    def moment(self) -> Moment:
        """When a crawl is killed."""
        early = self.random.randrange(EARLY_KILLS) == 0
        return Moment(self.random.uniform(0.0, LATEST_KILL_SECONDS), early)

    def run(self, point: str | None, moment: Moment | None) -> str:
        """Crawl until the kill; `killed`, `hit` at the point, or `finished` when the crawl came to its end first."""
        command = [sys.executable, "-m", "benchmarks.crashpoints", "--acks", str(self._acks)]
        command += ["--point", point, "--mark", str(self._mark)] if point else []
        command += ["--without-flush"] if self.without_flush else []
        command += ["--", "crawl", "--source-file", str(self.work / "bench.toml"), "--archive", str(self.archive)]
        settings = {"NEWSARK_SEGMENT_MAX_BYTES": str(SEGMENT_BYTES), "NEWSARK_DISK_RESERVE_BYTES": "0"}
        python = {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        self._mark.unlink(missing_ok=True)
        asked_before = len(self.site.asked)
        with (self.work / "crawl.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, "--no-progress", "--json"],
                cwd=self.work,
                env=os.environ | python | settings | self.medium.environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            self._watch(process, moment)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        self.tally.runs += 1
        self._note(self.site.asked[asked_before:])
        if code == -signal.SIGKILL:
            return "hit" if self._mark.exists() else "killed"
        if code != 0:
            raise RuntimeError(f"the crawl ended with {code}: {self._last_words()}")
        return "finished"

    def _watch(self, process: subprocess.Popen[bytes], moment: Moment | None) -> None:
        """Return at the moment, or when the process has ended."""
        if moment is None:
            process.wait(LONGEST_RUN_SECONDS)
            return
        asked, started = len(self.site.asked), time.monotonic()
        while not moment.early and len(self.site.asked) == asked and process.poll() is None:
            if time.monotonic() - started > LONGEST_RUN_SECONDS:
                raise TimeoutError(f"the crawl asks for nothing: {self._last_words()}")
            time.sleep(0.005)
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment.seconds)

    def _last_words(self) -> str:
        return (self.work / "crawl.log").read_text(errors="replace")[-3000:]

    def _note(self, asked: list[int]) -> None:
        """Compare what was asked for with what was acknowledged when this run began; then learn what is now."""
        before = self._pages_done()
        again = [number for number in asked if number in before]
        self.tally.fetched_after_acknowledgement += [f"page {number}" for number in again]
        self.tally.undone += self.medium.cut(self.random)
        self.promised.take_log(self._acks)
        self.promised.take_catalogue(self.archive)
        done = self._pages_done()
        self.tally.in_flight.append(len(set(asked) - done))
        self.tally.acknowledged.append(len(done - before))

    def _pages_done(self) -> set[int]:
        """The pages whose acknowledgement the program was told of, or that the catalogue has."""
        prefix = f"{self.site.address}/p/"
        named = dict(rows(self.archive, f"SELECT id, url FROM leads WHERE url LIKE '{prefix}%'"))
        return {int(named[one].removeprefix(prefix)) for one in self.promised.leads if one in named}

    def check(self, served: Mapping[str, str]) -> dict[str, list[str]]:
        """The faults of the finished archive, and what it adds to the tally."""
        self.tally.captures += len(rows(self.archive, "SELECT id FROM captures"))
        self.tally.fetched_again += len(self.site.asked) - len(set(self.site.asked))
        return faults_of(self.archive, served, self.promised)


def crash(options: argparse.Namespace, directory: Path) -> Tally:
    """Use up all kills; what came of it."""
    source = random.Random(options.seed)
    bodies = [gzip.compress(page, 5, mtime=0) for page in pages(options.pages, options.corpus)]
    every = [] if options.points == "none" else [one.name for one in POINTS]
    chosen = options.point or every
    kills: list[str | None] = [*chosen, *([None] * options.kills)]
    source.shuffle(kills)
    tally = Tally()
    site = PageSite(bodies)
    with site.serving():
        while (kills or not tally.rounds) and tally.idle_rounds < MOST_IDLE_ROUNDS:
            site.asked.clear()
            with Medium.made(options.medium, directory, f"round{tally.rounds}") as medium:
                work = directory / f"work{tally.rounds}"
                work.mkdir()
                one = Round(work, site, medium, tally, source)
                one.without_flush = options.without_flush
                _round(one, kills)
    tally.faults["kills that never came"] = [one or "at a random moment" for one in kills]
    return tally


def _round(one: Round, kills: list[str | None]) -> None:
    done: list[str | None] = []
    outcome = ""
    for point in list(kills):
        started = time.monotonic()
        outcome = one.run(point, None if point else one.moment())
        seconds, pages_done = time.monotonic() - started, one.tally.acknowledged[-1]
        print(f"  {outcome:9}{seconds:6.1f} s{pages_done:5} pages  {point or 'at a random moment'}", flush=True)
        if outcome == "finished":
            break
        done.append(point)
        one.tally.kills[point or "at a random moment"] += 1
    for point in done:
        kills.remove(point)
    one.tally.idle_rounds = 0 if done else one.tally.idle_rounds + 1
    if outcome != "finished":
        one.run(None, None)
    faults = one.check(one.site.urls())
    one.tally.rounds += 1
    for kind, found in faults.items():
        one.tally.faults.setdefault(kind, []).extend(found)
    print(f"round {one.tally.rounds}: {len(done)} kills, {sum(map(len, faults.values()))} faults", flush=True)


def main() -> int:
    """Kill, restart, compare, print; 1 when anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--corpus", type=Path, help="directory with pages/<id>.html.gz")
    parser.add_argument("--kills", type=int, default=40, help="random moments")
    parser.add_argument("--points", choices=["all", "none"], default="all")
    parser.add_argument("--point", action="append", choices=[one.name for one in POINTS], help="only this one")
    parser.add_argument("--medium", choices=["kept", "forgets", "shuffles"], default="kept")
    parser.add_argument("--without-flush", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if gone := missing():
        print(f"the program no longer has: {', '.join(gone)}")
        return 1
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="newsark-crash-") as directory:
        tally = crash(options, Path(directory))
    return _report(options, tally, time.monotonic() - started)


def _report(options: argparse.Namespace, tally: Tally, seconds: float) -> int:
    faults = tally.faults | {"pages fetched again after their acknowledgement": tally.fetched_after_acknowledgement}
    table: dict[str, Any] = {
        "pages": options.pages,
        "medium": options.medium,
        "seed": options.seed,
        "kills at random moments": tally.kills["at a random moment"],
        "kills at named steps": sum(tally.kills.values()) - tally.kills["at a random moment"],
        "rounds": tally.rounds,
        "crawls": tally.runs,
        "captures": tally.captures,
        "crawls that acknowledged pages before their end": sum(map(bool, tally.acknowledged)),
        "pages acknowledged by a crawl, median": round(statistics.median(tally.acknowledged)),
        "pages fetched twice": tally.fetched_again,
        "pages in flight at all kills": sum(tally.in_flight),
        "pages in flight at a kill, at most": max(tally.in_flight),
        "writes and names taken back": tally.undone,
        "seconds": round(seconds),
    } | {kind: len(found) for kind, found in faults.items()}
    for kind, found in faults.items():
        for fault in found[:5]:
            print(f"FAULT {kind}: {fault}")
    for name, value in table.items():
        print(f"{name:66}{value:>10}")
    print(json.dumps(table))
    return 1 if any(faults.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
