"""Does a page cost more when the catalogue is large, or the crawl long?

    python benchmarks/growth.py [--pages 500] [--rounds 3] [--keep DIR] [--lengths 500,10000] [--only PART …]

`settling`: what the catalogue alone takes for a new page, in an empty one and in a large one, interleaved; CPU of the
one thread that writes, so that a busy machine disturbs it least.
`catalogue`: a crawl of so many new pages, a second visit of each (304) and a crawl in which nothing is due, in an empty
catalogue, as one more source in a large one (benchmarks/largecatalogue.py; --keep uses one again), and in a large
source of it; interleaved, medians. `questions`: what status, ledger, show, search and an idle watch take there.
`lengths`: so many small pages in one crawl, and what CPU and memory do from one length to the next.
CPU is user and system time of all processes of the command; a crawl in which nothing is due is taken off from a page's.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil

from benchmarks.bigarchive import settle_pages
from benchmarks.growthserver import SITEMAP, growth_server
from benchmarks.largecatalogue import add_size, fill, size_of
from benchmarks.measure import Measured, adopt_orphans, measure
from storage.archive import Archive, ArchiveSettings

NEWSARK = str(Path(sys.executable).with_name("newsark"))
PARTS = ("settling", "catalogue", "questions", "lengths")
GROUP = 20
# The first look for alerts, after a minute, reaches back for a week; the next ones are those of every minute.
WATCH_BEGIN, WATCH_SECONDS = 90.0, 60.0


@dataclass(slots=True)
class Bench:
    """Where the archives are, and the site."""

    directory: Path
    site: str
    pages: int
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.directory / "growth.log"

    def source(self, source: str, salt: str, count: int, *, small: bool = False) -> Path:
        """A source file for so many pages of that salt."""
        host = self.site.removeprefix("http://")
        ending = "?small" if small else ""
        maps = [f"{self.site}/{salt}/{count}/{n}.xml{ending}" for n in range(math.ceil(count / SITEMAP))]
        path = self.directory / f"{source}.toml"
        path.write_text(
            f'id = "{source}"\nname = "{source}"\nhome = "{self.site}/"\ndelay_seconds = 0\nmax_concurrency = 16\n'
            f'allow_hosts = ["{host}"]\ndiscover = "listed"\nrequisites = "none"\nsitemaps = {maps!r}\n'
        )
        return path

    def crawl(self, archive: Path, source: Path) -> Measured:
        """One crawl of it, which must end well."""
        command = [NEWSARK, "crawl", "--source-file", str(source), "--archive", str(archive), "--no-progress"]
        done = self._measured(command)
        if done.exit_code != 0:
            raise SystemExit(f"the crawl ended with {done.exit_code}:\n{self.log.read_text()[-2000:]}")
        return done

    def _measured(self, command: list[str]) -> Measured:
        """On a busy machine readers end seconds after the command, and would be counted with the next one."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = measure(command, cwd=self.directory, log=self.log)
        limit = time.monotonic() + 60
        while len(psutil.Process().children()) > 1 and time.monotonic() < limit:
            # the site's server is the one child that stays
            os.waitpid(-1, os.WNOHANG)
            time.sleep(0.05)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return replace(done, cpu_seconds=cpu)

    def ask(self, *command: str) -> Measured:
        """One command that reads."""
        done = self._measured([NEWSARK, *command])
        if done.exit_code != 0:
            raise SystemExit(f"{command[0]} ended with {done.exit_code}:\n{self.log.read_text()[-2000:]}")
        return done


@dataclass(frozen=True, slots=True)
class Visits:
    """The three crawls of one source."""

    first: Measured
    again: Measured
    nothing: Measured


def visits(bench: Bench, archive: Path, source: str, salt: str) -> Visits:
    """Crawl new pages, then the same again, then nothing."""
    path = bench.source(source, salt, bench.pages)
    first = bench.crawl(archive, path)
    bench.crawl(archive, path)
    with closing(sqlite3.connect(archive / ".newsark" / "catalogue.sqlite")) as database:
        # not by --again, which would ask for everything that a large source ever had
        due = "UPDATE leads SET next_due = visited_at WHERE source_id = ? AND url LIKE ? AND state = 'captured'"
        kept = database.execute(due, (source, f"{bench.site}/{salt}/p/%")).rowcount
        database.commit()
    if kept != bench.pages:
        raise SystemExit(f"{kept} of {bench.pages} pages were captured")
    again = bench.crawl(archive, path)
    return Visits(first, again, bench.crawl(archive, path))


def measure_settling(bench: Bench, large: Path, rounds: int) -> None:
    """Print what leases, captures, versions, words and acknowledgements take of the thread that writes."""
    places = {"empty": bench.directory / "settled", "one more source": large, "large source": large}
    stamp = int(time.time())
    sources = {"empty": "growth", "one more source": f"settled{stamp}", "large source": "paper0000"}
    archives = {
        place: Archive.open(place, ArchiveSettings(), lambda: datetime.now(UTC)) for place in {*places.values()}
    }
    spent: dict[str, list[float]] = {name: [] for name in places}
    for number in range(rounds):
        for name, place in places.items():
            archive, source = archives[place], sources[name]
            if name != "large source":
                home = f"http://{source}.example/"
                toml = f'id = "{source}"\nname = "{source}"\nhome = "{home}"\n'
                archive.enlist(source, name=source, home=home, toml=toml)
            first = stamp * 1000 + number * bench.pages
            spent[name].append(settle_pages(archive, source, range(first, first + bench.pages)))
    for archive in archives.values():
        archive.close()
    print(f"\n{bench.pages} pages settled in groups of {GROUP}, {rounds} rounds\n{'':18}{'CPU ms a page':>15}")
    for name, some in spent.items():
        print(f"{name:18}{statistics.median(some):>15.2f}   {', '.join(f'{one:.2f}' for one in some)}", flush=True)


def measure_catalogue(bench: Bench, large: Path, rounds: int) -> None:
    """Print what the size of the catalogue and of the source do to a page."""
    runs: dict[str, list[Visits]] = {"empty": [], "one more source": [], "large source": []}
    stamp = f"{time.time():.0f}"
    for number in range(rounds):
        empty = bench.directory / "empty"
        runs["empty"].append(visits(bench, empty, "growth", f"a{stamp}{number}"))
        shutil.rmtree(empty)
        runs["one more source"].append(visits(bench, large, f"growth{stamp}{number}", f"b{stamp}{number}"))
        runs["large source"].append(visits(bench, large, f"paper{number:04d}", f"c{stamp}{number}"))
    print(f"\n{bench.pages} pages, {rounds} rounds, medians; ms of CPU a page, MB at most, CPU and seconds of a run")
    print(f"{'':18}{'new':>8}{'304':>8}{'MB':>7}{'nothing due: CPU s':>21}{'wall s':>8}{'MB':>7}")
    for name, some in runs.items():
        nothing = statistics.median(one.nothing.cpu_seconds for one in some)
        first = statistics.median(one.first.cpu_seconds for one in some)
        again = statistics.median(one.again.cpu_seconds for one in some)
        print(
            f"{name:18}{1e3 * (first - nothing) / bench.pages:>8.2f}{1e3 * (again - nothing) / bench.pages:>8.2f}"
            f"{statistics.median(one.first.peak_bytes for one in some) / 1e6:>7.0f}{nothing:>21.2f}"
            f"{statistics.median(one.nothing.wall_seconds for one in some):>8.2f}"
            f"{statistics.median(one.nothing.peak_bytes for one in some) / 1e6:>7.0f}"
        )


def measure_questions(bench: Bench, large: Path) -> None:
    """Print what reading commands take in the large catalogue."""
    with closing(sqlite3.connect(large / ".newsark" / "catalogue.sqlite")) as database:
        url, headline = database.execute("SELECT url, headline FROM versions WHERE id = 1").fetchone()
    word = headline.split()[0] if headline.split() else headline
    asked = {
        "status": ("status",),
        "status of one source": ("status", "paper0001"),
        "ledger --since 7d": ("ledger", "--since", "7d"),
        "show": ("show", url),
        "search": ("search", word),
        "search, newest": ("search", word, "--sort", "newest"),
        "sources list": ("sources", "list"),
    }
    print(f"\n{'':22}{'wall s':>8}{'CPU s':>8}{'MB':>7}")
    for name, command in asked.items():
        some = [bench.ask(*command, "--archive", str(large)) for _ in range(3)]
        values = (
            statistics.median(one.wall_seconds for one in some),
            statistics.median(one.cpu_seconds for one in some),
            statistics.median(one.peak_bytes for one in some) / 1e6,
        )
        print(f"{name:22}{values[0]:>8.2f}{values[1]:>8.2f}{values[2]:>7.0f}", flush=True)
    _measure_watch(bench, large)


def _measure_watch(bench: Bench, large: Path) -> None:
    path = bench.source("watched", f"w{time.time():.0f}", 20)
    bench.crawl(large, path)
    command = [NEWSARK, "watch", "--source-file", str(path), "--archive", str(large), "--no-progress"]
    with bench.log.open("wb") as log, subprocess.Popen(command, cwd=bench.directory, stdout=log, stderr=log) as process:
        time.sleep(WATCH_BEGIN)
        before = _cpu(process.pid)
        time.sleep(WATCH_SECONDS)
        spent = _cpu(process.pid) - before
        process.terminate()
    print(f"an idle watch, with one look for alerts: {1e3 * spent:.0f} ms of CPU a minute")


def _cpu(pid: int) -> float:
    main = psutil.Process(pid)
    times = [one.cpu_times() for one in (main, *main.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def measure_lengths(bench: Bench, lengths: list[int]) -> None:
    """Print what the length of one crawl does to a page."""
    print(f"\n{'small pages':>12}{'CPU ms a page':>15}{'pages/s':>9}{'MB':>7}", flush=True)
    done: list[tuple[int, float, float]] = []
    for count in lengths:
        archive = bench.directory / f"length{count}"
        path = bench.source("length", f"l{count}", count, small=True)
        first = bench.crawl(archive, path)
        nothing = bench.crawl(archive, path)
        shutil.rmtree(archive)
        one = 1e3 * (first.cpu_seconds - nothing.cpu_seconds) / count
        done.append((count, one, first.peak_bytes / 1e6))
        speed = count / (first.wall_seconds - nothing.wall_seconds)
        print(f"{count:>12,}{one:>15.2f}{speed:>9.0f}{first.peak_bytes / 1e6:>7.0f}", flush=True)
    for (few, before, small), (many, after, big) in pairwise(done):
        tens = math.log10(many / few)
        told = f"{(after - before) / tens:+.2f} ms a page, {(big - small) / tens:+.0f} MB"
        print(f"from {few:,} to {many:,}: {told} for ten times as many")


def main() -> None:
    """Measure the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="directory of the large archive, made when it is not there, and kept")
    parser.add_argument("--lengths", default="500,10000,100000")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    add_size(parser)
    options = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="newsark-bench-") as scratch, growth_server() as site:
        bench = Bench(Path(scratch), site, options.pages)
        large = (options.keep or Path(scratch) / "large").absolute()
        if not large.exists() and set(options.only) != {"lengths"}:
            fill(large, size_of(options))
        if "settling" in options.only:
            measure_settling(bench, large, options.rounds)
        if "catalogue" in options.only:
            measure_catalogue(bench, large, options.rounds)
        if "questions" in options.only:
            measure_questions(bench, large)
        if "lengths" in options.only:
            measure_lengths(bench, [int(one) for one in options.lengths.split(",")])


if __name__ == "__main__":
    main()
