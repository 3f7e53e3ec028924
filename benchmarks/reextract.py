"""How fast stored pages are read again, beside plain loops over the same WARC files; and what a kill costs.

    python benchmarks/reextract.py [--pages 1000] [--rounds 1] [--json]
    python benchmarks/reextract.py --kill [--captures 2000] [--workers 2]

Seeded pages (`benchmarks/seeded.py`) are crawled once. Then they are read again (`reextract --all`) with one and with
two readers; in the same run, interleaved, loops of warcio or FastWARC with trafilatura (`benchmarks/plainloops.py`)
read the WARC files in one and in two processes. Reading again verifies each record's digests, judges, extracts,
compares with the record that is there and writes what differs; the loops write a text a page.

With --kill an archive of so many invented pages, with records by an older extractor, is written without a network. One
copy is read again in one go. Another is killed (SIGKILL, all processes) when half of its segments are done, and run
again. Exit code 1 when a page or a record is missing, or was written twice.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import contenders
from benchmarks.contenders import Site
from benchmarks.importing import plain_loop
from benchmarks.measure import Measured, adopt_orphans, measure
from benchmarks.pages import pages
from benchmarks.pageserver import page_server
from benchmarks.plainloops import READERS
from storage.directory import DirectoryStore
from storage.place import STATE_DIRECTORY, Place
from tests.older_archive import write_older_archive

BIN = Path(sys.executable).parent
SEGMENTS = 20
WARC_BYTES = 52_000
"""About what a seeded page takes in a WARC."""
PAGE_BYTES = 3000
"""About what an invented page takes in a WARC, with its request and metadata."""


def main() -> int:
    """Print what was measured; exit code 1 when a record is missing or there twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--kill", action="store_true", help="kill a run in the middle instead")
    parser.add_argument("--captures", type=int, default=2000, help="pages for --kill")
    parser.add_argument("--workers", type=int, default=2, help="readers for --kill")
    options = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="newsark-bench-") as directory:
        if options.kill:
            return _with_a_kill(Path(directory), options.captures, options.workers)
        return _beside_loops(Path(directory), options)


# beside plain loops


def _beside_loops(directory: Path, options: argparse.Namespace) -> int:
    work, saved = directory / "crawl", directory / "pages"
    work.mkdir()
    saved.mkdir()
    for number, page in enumerate(pages(options.pages, None)):
        (saved / f"{number:06d}.html").write_bytes(page)
    # several segments, so that a loop can have a process for each
    settings = os.environ | {"NEWSARK_SEGMENT_MAX_BYTES": str(max(1_000_000, options.pages * WARC_BYTES // SEGMENTS))}
    with page_server(saved) as address:
        contenders.newsark("newsark", "", environment=settings).run(work, Site(address, options.pages, saved))
    files = sorted((work / "archive" / "warc").rglob("*.warc.gz"))
    runs: dict[str, list[Measured]] = {}
    texts: dict[str, int] = {}
    for _ in range(options.rounds):
        for processes in (1, 2):
            for name, run in _ways(directory, work, files, processes).items():
                measured, texts[name] = run()
                runs.setdefault(name, []).append(measured)
    facts = _facts(runs, texts, options.pages)
    _show(facts, len(files), options.rounds)
    if options.json:
        print(json.dumps(facts))
    return 0 if all(count == options.pages for name, count in texts.items() if name.startswith("newsark")) else 1


def _ways(
    directory: Path, work: Path, files: list[Path], processes: int
) -> dict[str, Callable[[], tuple[Measured, int]]]:
    def again() -> tuple[Measured, int]:
        words = ["reextract", "--archive", "archive", "--all", "--yes", "--json", "--workers", str(processes)]
        measured = measure([str(BIN / "newsark"), *words], cwd=work, log=work / "again.log")
        return measured, int(json.loads((work / "again.log").read_text().splitlines()[-1])["read"])

    def loop(reader: str) -> Callable[[], tuple[Measured, int]]:
        return lambda: plain_loop(Path(tempfile.mkdtemp(dir=directory)), files, reader, processes)

    return {f"newsark reextract, {processes}": again} | {f"{name} loop, {processes}": loop(name) for name in READERS}


def _facts(runs: dict[str, list[Measured]], texts: dict[str, int], count: int) -> dict[str, Any]:
    def ratio(reader: str, processes: int, value: Callable[[Measured], float]) -> float:
        pairs = zip(runs[f"newsark reextract, {processes}"], runs[f"{reader} loop, {processes}"], strict=True)
        return round(statistics.median(value(mine) / value(theirs) for mine, theirs in pairs), 3)

    ways = [(name, processes) for processes in (1, 2) for name in READERS]
    return {
        "pages": count,
        "load": round(os.getloadavg()[0], 2),
        "cpu_ratio": {f"{name}, {n}": ratio(name, n, lambda run: run.cpu_seconds) for name, n in ways},
        "speed_ratio": {f"{name}, {n}": ratio(name, n, lambda run: 1 / run.wall_seconds) for name, n in ways},
        "tools": {
            name: {
                "pages_per_second": round(count / statistics.median(run.wall_seconds for run in some), 1),
                "cpu_ms_per_page": round(1000 * statistics.median(run.cpu_seconds for run in some) / count, 2),
                "peak_bytes": max(run.peak_bytes for run in some),
                "texts": texts[name],
            }
            for name, some in runs.items()
        },
    }


def _show(facts: dict[str, Any], files: int, rounds: int) -> None:
    print(f"{facts['pages']} seeded pages in {files} segments; rounds: {rounds}; load {facts['load']}\n")
    print(f"{'newsark reextract over':28}{'CPU a page':>12}{'pages a second':>19}")
    for name, ratio in facts["cpu_ratio"].items():
        words = f"the loop of {name} process" + ("es" if name.endswith("2") else "")
        print(f"  {words:34}{ratio:>8.2f}{facts['speed_ratio'][name]:>17.2f}")
    print(f"\n{'':24}{'pages/s':>9}{'CPU ms/page':>13}{'peak MB':>9}{'texts':>7}")
    for name, told in facts["tools"].items():
        print(
            f"{name:24}{told['pages_per_second']:>9.1f}{told['cpu_ms_per_page']:>13.2f}"
            f"{told['peak_bytes'] / 1e6:>9.0f}{told['texts']:>7}"
        )


# killed


def _with_a_kill(directory: Path, captures: int, workers: int) -> int:
    whole, killed = directory / "whole", directory / "killed"
    root = whole / "archive"
    place = Place((DirectoryStore(root),), root / STATE_DIRECTORY)
    write_older_archive(place, captures, segment_bytes=captures * PAGE_BYTES // SEGMENTS)
    shutil.copytree(whole, killed)
    words = ["reextract", "--archive", "archive", "--json", "--workers", str(workers)]
    command = [str(BIN / "newsark"), *words]
    in_one_go = _in_one_go(command, whole, captures)
    return 0 if _killed(command, killed, captures) and in_one_go else 1


def _in_one_go(command: list[str], directory: Path, captures: int) -> bool:
    measured = measure(command, cwd=directory, log=directory / "log")
    print(
        f"{captures} pages in {measured.wall_seconds:.1f} s, {captures / measured.wall_seconds:.0f} a second, "
        f"CPU {measured.cpu_seconds:.1f} s, peak memory of all processes {measured.peak_bytes / 1e6:.0f} MB"
    )
    return measured.exit_code == 0 and _is_right(directory, captures)


def _killed(command: list[str], directory: Path, captures: int) -> bool:
    segments = len(list(directory.glob("archive/warc/*/*/*/*.gz")))
    process = subprocess.Popen(command, cwd=directory, start_new_session=True, stdout=subprocess.DEVNULL)
    while _done(directory) < segments // 2 and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    written = sum(_superseded(directory).values())
    print(f"killed with {_done(directory)} of {segments} segments and {written} records done")
    ran = subprocess.run(command, cwd=directory, capture_output=True, check=False)
    told = json.loads(ran.stdout)
    print(f"run again: {told['read']} read, {told['skipped']} skipped")
    return ran.returncode == 0 and told["read"] <= captures - written and _is_right(directory, captures)


def _done(directory: Path) -> int:
    return len(list(directory.glob("archive/manifests/*/*/*/*.1.json")))


def _superseded(directory: Path) -> Counter[str]:
    """How often each record is superseded in the store."""
    found: Counter[str] = Counter()
    for path in directory.glob("archive/records/*/*/*/*.jsonl.gz"):
        if not path.name.endswith(".0.jsonl.gz"):
            found.update(json.loads(line)["supersedes"] for line in gzip.decompress(path.read_bytes()).splitlines())
    return found


def _is_right(directory: Path, captures: int) -> bool:
    found = _superseded(directory)
    twice = sum(count > 1 for count in found.values())
    print(f"{len(found)} of {captures} records superseded, {twice} twice")
    return len(found) == captures and not twice


if __name__ == "__main__":
    sys.exit(main())
