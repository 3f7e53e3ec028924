"""How fast files of others are imported, beside plain loops of warcio or FastWARC with trafilatura.

    python benchmarks/importing.py [--pages 1000] [--rounds 1] [--json]
    python benchmarks/importing.py --gigabytes 1
    python benchmarks/importing.py --corpus DIR

Two WARC files of seeded pages (`benchmarks/seeded.py`), each page with its request and a picture, a gzip member a
record, are imported into a fresh archive with one and with two readers; in the same run, interleaved, the loops
(`benchmarks/plainloops.py`) read the same files in one and in two processes. An import keeps the files, judges,
compares, records, indexes and seals; the loops keep a text a page. At the end: what reading the records alone costs.
With --gigabytes, one file of that size and one of a tenth: memory must not grow with the file. With --corpus, every
WARC, ARC and WACZ file below DIR: what was taken, and what could not be read and why. Exit code 1 when a page is
missing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.measure import Measured, adopt_orphans, measure
from benchmarks.plainloops import READERS
from benchmarks.seeded import seeded_page
from storage.foreignfile import Gap, read_records
from storage.gzipmembers import gzip_member

ROOT = Path(__file__).parent.parent
NEWSARK = Path(sys.executable).parent / "newsark"
IMAGE_BYTES = 60_000
FILES = 2
READINGS = 3


def main() -> int:
    """Print what was measured; exit code 1 when a page is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--gigabytes", type=float, help="the size of a file for the look at memory")
    parser.add_argument("--workers", type=int, default=2, help="readers for --gigabytes")
    parser.add_argument("--corpus", type=Path)
    options = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="newsark-bench-") as directory:
        if options.corpus is not None:
            return _corpus(Path(directory), options.corpus)
        if options.gigabytes is not None:
            return _by_size(Path(directory), options.gigabytes, options.workers)
        return _beside_loops(Path(directory), options)


def write_warc(path: Path, pages: Iterator[int], size_bytes: int | None = None) -> tuple[int, int]:
    """A WARC of these seeded pages, or of as many as make that size; how many pages and how many records it has."""
    chance = random.Random(path.name)
    count = 0
    with path.open("wb") as file:
        for number in pages:
            url = f"http://synthetic.example/2022/05/story-{number}"
            file.write(_record("request", url, b"GET / HTTP/1.1\r\nHost: synthetic.example\r\n\r\n", "request"))
            file.write(_response(url, "text/html", seeded_page(number)))
            file.write(_response(f"{url}.jpg", "image/jpeg", chance.randbytes(IMAGE_BYTES)))
            count += 1
            if size_bytes is not None and file.tell() >= size_bytes:
                break
    return count, 3 * count


def _response(url: str, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return _record("response", url, head + body, "response")


def _record(kind: str, url: str, block: bytes, role: str) -> bytes:
    identity = f"<urn:uuid:{random.getrandbits(128):032x}>"
    lines = (
        "WARC/1.0",
        f"WARC-Type: {kind}",
        f"WARC-Record-ID: {identity}",
        "WARC-Date: 2022-05-01T10:00:00Z",
        f"WARC-Target-URI: {url}",
        f"Content-Type: application/http; msgtype={role}",
        f"Content-Length: {len(block)}",
    )
    return gzip_member(["\r\n".join(lines).encode(), b"\r\n\r\n", block, b"\r\n\r\n"])


# beside plain loops


def _beside_loops(directory: Path, options: argparse.Namespace) -> int:
    files = [directory / f"{number}.warc.gz" for number in range(FILES)]
    for number, path in enumerate(files):
        write_warc(path, iter(range(number, options.pages, FILES)))
    runs: dict[str, list[Measured]] = {}
    texts: dict[str, int] = {}
    for number in range(options.rounds):
        for name, run in _runs(directory, files, options.pages, f"{number}"):
            measured, texts[name] = run()
            runs.setdefault(name, []).append(measured)
    facts = _facts(runs, texts, options.pages, _readings(files))
    _show(facts, options.rounds)
    if options.json:
        print(json.dumps(facts))
    return 0 if all(texts[name] == options.pages for name in texts if name.startswith("newsark")) else 1


def _runs(
    directory: Path, files: list[Path], pages: int, number: str
) -> Iterator[tuple[str, Callable[[], tuple[Measured, int]]]]:
    for processes in (1, 2):
        yield f"newsark import, {processes}", lambda: _import(_fresh(directory, number), files, pages, processes)  # noqa: B023 - each is called before the next is made
        for reader in READERS:
            yield f"{reader} loop, {processes}", lambda: plain_loop(_fresh(directory, number), files, reader, processes)  # noqa: B023 - each is called before the next is made


def _fresh(directory: Path, number: str) -> Path:
    return Path(tempfile.mkdtemp(dir=directory, prefix=f"round{number}-"))


def _import(home: Path, files: list[Path], pages: int, workers: int) -> tuple[Measured, int]:
    command = [str(NEWSARK), "import", *map(str, files), "--archive", "archive", "--workers", str(workers), "--json"]
    measured = measure(command, cwd=home, log=home / "log")
    reports = json.loads((home / "log").read_text())["files"]
    is_whole = sum(report["captures"] for report in reports) == 2 * pages
    return measured, sum(report["new"] for report in reports) if is_whole and not measured.exit_code else 0


def plain_loop(home: Path, files: list[Path], reader: str, processes: int) -> tuple[Measured, int]:
    """One run of a loop of `plainloops.py` over these files; how many texts came of it."""
    script = str(ROOT / "benchmarks" / "plainloops.py")
    command = [sys.executable, script, reader, str(processes), str(home), *map(str, files)]
    measured = measure(command, cwd=home, log=home / "log")
    return measured, int(json.loads((home / "log").read_text().splitlines()[-1])["texts"])


def _readings(files: list[Path]) -> dict[str, float]:
    """CPU microseconds a record of reading alone, without an extractor; the least of some times."""

    def own(path: Path) -> None:
        with path.open("rb") as file:
            for record in read_records(file):
                if not isinstance(record, Gap) and record.is_exchange:
                    record.capture("imports/")

    ways: dict[str, Callable[[Path], object]] = {"newsark": own}
    ways |= {name: lambda path, pages=pages: [None for _ in pages(path)] for name, pages in READERS.items()}
    took: dict[str, float] = {}
    records = sum(1 for path in files for _ in read_records(path.open("rb")))
    for _ in range(READINGS):
        for name, way in ways.items():
            started = time.process_time()
            for path in files:
                way(path)
            took[name] = min(took.get(name, 1e9), 1e6 * (time.process_time() - started) / records)
    return {name: round(value, 1) for name, value in took.items()}


def _facts(
    runs: dict[str, list[Measured]], texts: dict[str, int], pages: int, readings: dict[str, float]
) -> dict[str, Any]:
    def ratios(processes: int, reader: str, value: Callable[[Measured], float]) -> float:
        pairs = zip(runs[f"newsark import, {processes}"], runs[f"{reader} loop, {processes}"], strict=True)
        return round(statistics.median(value(mine) / value(theirs) for mine, theirs in pairs), 3)

    return {
        "pages": pages,
        "load": round(os.getloadavg()[0], 2),
        "cpu_ratio": {f"{name}, {n}": ratios(n, name, lambda run: run.cpu_seconds) for n in (1, 2) for name in READERS},
        "speed_ratio": {
            f"{name}, {n}": ratios(n, name, lambda run: 1 / run.wall_seconds) for n in (1, 2) for name in READERS
        },
        "tools": {
            name: {
                "records_per_second": round(3 * pages / statistics.median(run.wall_seconds for run in some), 1),
                "cpu_ms_per_page": round(1000 * statistics.median(run.cpu_seconds for run in some) / pages, 2),
                "peak_bytes": max(run.peak_bytes for run in some),
                "texts": texts[name],
            }
            for name, some in runs.items()
        },
        "reading_us_per_record": readings,
    }


def _show(facts: dict[str, Any], rounds: int) -> None:
    print(f"{facts['pages']} seeded pages in {FILES} files, 3 records a page; rounds: {rounds}; load {facts['load']}\n")
    print(f"{'newsark import over':28}{'CPU a page':>12}{'records a second':>19}")
    for name, ratio in facts["cpu_ratio"].items():
        words = f"the loop of {name} process" + ("es" if name.endswith("2") else "")
        print(f"  {words:34}{ratio:>6.2f}{facts['speed_ratio'][name]:>19.2f}")
    print(f"\n{'':22}{'records/s':>11}{'CPU ms/page':>13}{'peak MB':>9}{'texts':>7}")
    for name, told in facts["tools"].items():
        print(
            f"{name:22}{told['records_per_second']:>11.1f}{told['cpu_ms_per_page']:>13.2f}"
            f"{told['peak_bytes'] / 1e6:>9.0f}{told['texts']:>7}"
        )
    told = ", ".join(f"{name} {took:.0f}" for name, took in facts["reading_us_per_record"].items())
    print(f"\nreading alone, CPU microseconds a record: {told}")


# by size


def _by_size(directory: Path, gigabytes: float, workers: int) -> int:
    is_whole = True
    for share in (0.1, 1.0):
        path = directory / f"{share}.warc.gz"
        pages, records = write_warc(path, iter(range(sys.maxsize)), int(gigabytes * share * 1e9))
        home = directory / f"home-{share}"
        home.mkdir()
        measured, texts = _import(home, [path], pages, workers)
        seconds = measured.wall_seconds
        print(
            f"{path.stat().st_size / 1e6:7.0f} MB, {records} records, {pages} pages: {seconds:.1f} s, "
            f"{records / seconds:.0f} records a second, {measured.cpu_seconds / pages * 1000:.1f} ms CPU a page, "
            f"{measured.cores:.1f} cores, peak {measured.peak_bytes / 1e6:.0f} MB",
            flush=True,
        )
        is_whole &= texts == pages
    return 0 if is_whole else 1


def _corpus(directory: Path, corpus: Path) -> int:
    command = [str(NEWSARK), "import", str(corpus), "--archive", "archive", "--json"]
    done = subprocess.run(command, cwd=directory, capture_output=True, check=False, env=dict(os.environ))
    for report in json.loads(done.stdout)["files"]:
        told = report["reason"] or f"{report['captures']} captures of {sum(report['records'].values())} records"
        print(f"{report['name']:64} {report['state']:13} {told}, {report['new'] + report['edited']} articles")
        for problem in report["problems"]:
            print(f"    offset {problem['offset']}, {problem['length']} bytes: {problem['reason']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
