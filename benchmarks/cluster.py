"""What a cluster does, and what it keeps when a machine is lost in the middle.

    python benchmarks/cluster.py [--sources 40] [--pages 100] [--delay 0.2] [--only kill|one|two|batch]

Machines are nodes of Ray on this computer, each with a working state of its own; the catalogue is in PostgreSQL, the
archive in SeaweedFS, the newsrooms are on loopback addresses of their own. `one` and `two` crawl all with one and with
two machines; `kill` crawls with two, and ends one with its disk when half of the pages were asked for. What is printed
of the newsrooms is by the server's own stamps; whether anything is lost is told by `verify --deep` and by the export,
from a machine that knows nothing but the catalogue and the store.

`batch` reads as many stored articles again, with one and with two machines of one processor: what a second machine
brings, and what each article costs the one that gives the work away. That is its processor time less that of a run
that finds nothing to do.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from storage.directory import DirectoryStore
from storage.place import Place
from storage.stores import StoreSettings, open_store
from tests.older_archive import Story, story, write_older_archive
from tests.postgresql import new_server
from tests.raycluster import Newsrooms, RayCluster, ray_cluster
from tests.seaweed import Seaweed, running_seaweed

NEWSARK = Path(sys.executable).with_name("newsark")
# how late a loaded server may stamp a request after it was sent
LATE_SECONDS = 0.05
PADDING_BYTES = 40_000
PAGE_CPU_SECONDS = 0.03
"""About what a real page takes to be read; see benchmarks/extraction.py."""


@dataclass(frozen=True, slots=True)
class Crawled:
    """What came of one crawl."""

    seconds: float
    report: dict[str, object]
    messages: str
    asked_before: int = 0


def main() -> int:
    """Print what came of each; exit code 1 when anything is lost, or a host was visited by two at once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=int, default=40)
    parser.add_argument("--pages", type=int, default=100, help="of each source")
    parser.add_argument("--delay", type=float, default=0.2)
    parser.add_argument("--only", choices=["one", "two", "kill", "batch"])
    options = parser.parse_args()
    print(
        f"{options.sources} sources of {options.pages} pages, {options.delay} s apart, on {os.cpu_count()} processors"
    )
    postgresql = new_server()
    good = True
    try:
        with tempfile.TemporaryDirectory(prefix="newsark-bench-") as scratch:
            directory = Path(scratch)
            with running_seaweed(directory / "store") as seaweed:
                for name in [options.only] if options.only else ["one", "two", "kill", "batch"]:
                    work = directory / name
                    work.mkdir()
                    if name == "batch":
                        good &= all(_batch(work, count, seaweed, options) for count in (1, 2))
                        continue
                    url = postgresql.url(postgresql.create())
                    good &= _run(name, work, url, seaweed, options)
    finally:
        postgresql.remove()
    return 0 if good else 1


def _run(name: str, work: Path, catalogue: str, seaweed: Seaweed, options: argparse.Namespace) -> bool:
    rooms = Newsrooms(options.sources, options.pages, latency_seconds=0.02)
    rooms.write_files(work / "sources", delay_seconds=options.delay)
    settings = (
        f'archive = "s3://{seaweed.make_bucket(f"bench-{name}")}/paper"\ncatalogue = "{catalogue}"\n'
        'contact = "bench@localhost"\ncluster_cpus_per_worker = 1\ncluster_sources_per_worker = 10\n'
    )
    (work / "newsark.toml").write_text(settings)
    try:
        with ray_cluster([1] if name == "one" else [1, 1], seaweed.environment) as cluster:
            crawled = _crawl(work, rooms, cluster, kills=name == "kill")
            return _told(name, work, rooms, cluster, crawled, options)
    finally:
        rooms.close()


def _crawl(work: Path, rooms: Newsrooms, cluster: RayCluster, *, kills: bool) -> Crawled:
    began, before = time.monotonic(), 0
    environment = {**os.environ, **cluster.environment, "COLUMNS": "200"}
    command = [str(NEWSARK), "crawl", "--cluster", cluster.address, "--json"]
    with (work / "messages").open("w+") as messages:
        crawl = subprocess.Popen(command, cwd=work, env=environment, stdout=subprocess.PIPE, stderr=messages, text=True)
        if kills:
            while sum(rooms.times_asked().values()) < len(rooms.pages()) // 2 and crawl.poll() is None:
                time.sleep(0.1)
            before = sum(rooms.times_asked().values())
            cluster.machines[0].kill(with_disk=True)
        out, _ = crawl.communicate()
        seconds = time.monotonic() - began
        messages.seek(0)
        text = messages.read()
    if not out:
        raise SystemExit(f"the crawl ended with {crawl.returncode}: {text}")
    return Crawled(seconds, json.loads(out), text, before)


def _told(
    name: str, work: Path, rooms: Newsrooms, cluster: RayCluster, crawled: Crawled, options: argparse.Namespace
) -> bool:
    first = min(one.began for one in rooms.asked)
    busy = max(one.ended for one in rooms.asked) - first
    times = rooms.times_asked()
    environment = cluster.environment | {"XDG_STATE_HOME": str(work / "elsewhere")}
    verified = _json(work, environment, "verify", "--deep", "--json")
    exported = _lines(work, environment, "export", "--format", "jsonl", "-o", "-")
    status = _json(work, environment, "status", "--json")
    lost = sum(one["lost"]["captures"] for one in status["sources"])
    states = Counter(one["outcome"] for one in crawled.report["sources"])
    kept = {one["url"] for one in exported}
    pages = rooms.pages()
    repeated = sum(count - 1 for count in times.values() if count > 1)
    overlaps = len(rooms.overlaps())
    print(f"\n{name}: {crawled.seconds:.0f} s in all, {busy:.0f} s from the first request to the last")
    print(f"  {len(pages) / busy:.1f} pages a second; outcomes: {dict(states)}")
    never = list(times.values()).count(0)
    print(f"  pages without a capture: {len(pages - kept)} of {len(pages)}; never asked for: {never}")
    print(f"  verify --deep: {verified['objects']} objects, {'whole' if verified['ok'] else verified['findings'][:3]}")
    if name == "kill":
        print(f"  killed when {crawled.asked_before} pages were asked for; captures lost with its disk: {lost}")
    print(f"  asked for more than once: {repeated}, at most {max(times.values())} times")
    print(
        f"  hosts visited by two at once: {overlaps}; shortest time between two requests: {rooms.shortest_gap():.3f} s"
    )
    print(f"  waiting for the store at the end: {crawled.report['waiting']}")
    is_spaced = rooms.shortest_gap() > options.delay - LATE_SECONDS
    # what a machine was at when it died, and had not told the catalogue of yet
    in_flight = 16 * options.sources if name == "kill" else 0
    return not (pages - kept) and verified["ok"] and not overlaps and is_spaced and repeated <= lost + in_flight


class LargeStory(Story):
    """An article in a page of the usual size: most of it is none of the article."""

    def page(self) -> bytes:
        """Its page."""
        padding = random.Random(self.number).randbytes(PADDING_BYTES // 2).hex().encode()
        return super().page().replace(b"</body>", b"<script>x='" + padding + b"'</script></body>")


def large_story(number: int) -> Story:
    """The story of that number."""
    one = story(number)
    return LargeStory(one.number, one.headline, one.paragraphs)


def _batch(work: Path, machines: int, seaweed: Seaweed, options: argparse.Namespace) -> bool:
    home, count = work / str(machines), options.sources * options.pages
    home.mkdir()
    place = f"s3://{seaweed.make_bucket(f'batch-{machines}')}/paper"
    os.environ.update(seaweed.environment)
    made, bucket = DirectoryStore(home / "made"), open_store(StoreSettings(place))
    segment_bytes = count * PADDING_BYTES // 20
    write_older_archive(Place((made,), home / "making"), count, segment_bytes=segment_bytes, story_of=large_story)
    for info in made.list():
        bucket.put_bytes(info.key, made.get(info.key))
    files = sorted(str(path) for path in made.root.rglob("*.warc.gz"))
    (home / "newsark.toml").write_text(f'archive = "{place}"\ncluster_cpus_per_worker = 1\n')
    with ray_cluster([1] * machines, seaweed.environment) as cluster:
        environment = cluster.environment | {"XDG_STATE_HOME": str(home / "state")}
        _output(home, environment, "rebuild")
        command = ["reextract", "--json", "--cluster", cluster.address]
        told, seconds, cpu = _timed(home, environment, *command)
        nothing, idle, idle_cpu = _timed(home, environment, *command)
        taken, import_seconds, import_cpu = _timed(
            home, environment, "import", *files, "--source", "theirs", *command[1:]
        )
    import_seconds, import_cpu = import_seconds - idle, import_cpu - idle_cpu
    size, captures = (sum(one[name] for one in taken["files"]) for name in ("bytes", "captures"))
    print(f"\nbatch, {machines} machine{'s' * (machines > 1)}; to begin and end: {idle:.1f} s, {idle_cpu:.1f} s of CPU")
    _print_batch("read again", told["read"], seconds - idle, cpu - idle_cpu)
    _print_batch("imported", captures, import_seconds, import_cpu)
    print(f"    {size / 1e6 / import_cpu:.1f} MB of files for each second of CPU")
    return told["read"] == told["changed"] == count and nothing["read"] == 0


def _print_batch(what: str, count: int, seconds: float, cpu: float) -> None:
    each = cpu / count
    rate, fed = count / max(seconds, 0.001), PAGE_CPU_SECONDS / each
    print(f"  {count} {what}, {rate:.0f} a second; the driver's CPU: {1000 * each:.2f} ms for each,")
    print(f"    so that it feeds {fed:.0f} processors that take {1000 * PAGE_CPU_SECONDS:.0f} ms for a page")


def _timed(work: Path, environment: dict[str, str], *arguments: str) -> tuple[dict, float, float]:
    """What a command says, how many seconds it took, and how many of a processor."""
    began = time.monotonic()
    with subprocess.Popen(
        [str(NEWSARK), *arguments], cwd=work, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None
        out = command.stdout.read()
        _, status, used = os.wait4(command.pid, 0)
        command.returncode = os.waitstatus_to_exitcode(status)
    return json.loads(out), time.monotonic() - began, used.ru_utime + used.ru_stime


def _json(work: Path, environment: dict[str, str], *arguments: str) -> dict:
    return json.loads(_output(work, environment, *arguments))


def _lines(work: Path, environment: dict[str, str], *arguments: str) -> list[dict]:
    return [json.loads(line) for line in _output(work, environment, *arguments).splitlines()]


def _output(work: Path, environment: dict[str, str], *arguments: str) -> str:
    command = [str(NEWSARK), *arguments]
    done = subprocess.run(command, cwd=work, env={**os.environ, **environment}, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
