"""How fast stored pages are read again, and whether a kill in the middle loses anything or does anything twice.

    python benchmarks/reextract.py [--captures 2000] [--workers 2]

An archive of so many invented pages, with records by an older extractor, is written without a network. One copy is
read again in one go: pages a second, peak memory of all processes. Another is killed (SIGKILL, all processes) when
half of its segments are done, and run again. Exit code 1 when a record is missing or was written twice.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.measure import adopt_orphans, measure
from storage.directory import DirectoryStore
from storage.place import STATE_DIRECTORY, Place
from tests.older_archive import write_older_archive

BIN = Path(sys.executable).parent
SEGMENTS = 20
PAGE_BYTES = 3000
"""About what an invented page takes in a WARC, with its request and metadata."""


def main() -> int:
    """Print what was measured; exit code 1 when a record is missing or there twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--captures", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="newsark-bench-") as directory:
        whole, killed = Path(directory) / "whole", Path(directory) / "killed"
        root = whole / "archive"
        place = Place((DirectoryStore(root),), root / STATE_DIRECTORY)
        write_older_archive(place, options.captures, segment_bytes=options.captures * PAGE_BYTES // SEGMENTS)
        shutil.copytree(whole, killed)
        words = ["reextract", "--archive", "archive", "--json", "--workers", str(options.workers)]
        command = [str(BIN / "newsark"), *words]
        in_one_go = _in_one_go(command, whole, options.captures)
        return 0 if _killed(command, killed, options.captures) and in_one_go else 1


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
