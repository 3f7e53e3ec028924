"""Random damage to one of two stores: is every damaged object named, and does repair bring every byte back?

    python benchmarks/bitrot.py [--cases 200] [--seed 1] [--archive DIR]
    python benchmarks/bitrot.py --cost [--records 10000]

Each case copies the archive twice, damages one copy in one way, verifies in full, repairs from the other copy, and
compares every byte. Without --archive the archive is the sample newsroom's, crawled on two days. `--cost` measures time
and memory of `newsark verify` on an archive of so many records of synthetic pages.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.measure import adopt_orphans, measure
from storage.archive import Archive, ArchiveSettings, Settlement
from storage.catalogue import Catalogue
from storage.directory import DirectoryStore
from storage.exchange import Exchange
from storage.fixity.repair import repair, settled
from storage.fixity.verifier import Scope, Verifier
from tests.storage.bitrot import DAMAGES, Damager, objects_of

ROOT = Path(__file__).parent.parent
NEWSARK = Path(sys.executable).with_name("newsark")


def main() -> int:
    """Print a table; exit code 1 when an object was not named or a byte did not come back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--archive", type=Path, help="an archive in a directory, with its catalogue")
    parser.add_argument("--cost", action="store_true", help="measure time and memory instead")
    parser.add_argument("--records", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="newsark-bench-") as directory:
        if options.cost:
            return _cost(Path(directory), options.records)
        return _bitrot(Path(directory), options.archive, options.cases, options.seed)


def _bitrot(directory: Path, archive: Path | None, cases: int, seed: int) -> int:
    origin = archive or _crawled(directory / "origin")
    chance = random.Random(seed)
    done: Counter[str] = Counter()
    named: Counter[str] = Counter()
    restored: Counter[str] = Counter()
    others = 0
    began = time.monotonic()
    for case in range(cases):
        way = list(DAMAGES)[case % len(DAMAGES)]
        right, missed, beside, back = _case(directory / "case", origin, way, chance)
        done[way] += 1
        named[way] += right
        restored[way] += back
        others += beside
        if missed or not back:
            print(f"case {case}, {way}: not named: {sorted(missed)}; every byte back: {back}")
    print(f"{'damage':28}{'cases':>7}{'named':>7}{'restored':>10}")
    for way in DAMAGES:
        print(f"{way:28}{done[way]:7}{named[way]:7}{restored[way]:10}")
    print(f"{'all':28}{done.total():7}{named.total():7}{restored.total():10}")
    print(f"objects named that nobody touched: {others}; {time.monotonic() - began:.0f} s")
    return 0 if done == named == restored else 1


def _case(directory: Path, origin: Path, way: str, chance: random.Random) -> tuple[bool, set[str], int, bool]:
    """Whether all damaged objects were named, those that were not, how many others were, whether all bytes are back."""
    shutil.rmtree(directory, ignore_errors=True)
    roots = [directory / "first", directory / "second"]
    for root in roots:
        shutil.copytree(origin, root, ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(origin / ".newsark", directory / "state")
    whole = objects_of(roots[0])
    hit = chance.choice(roots)
    damaged: set[str] = set()
    while not damaged:
        damaged = DAMAGES[way](Damager(hit, chance))
    stores = [DirectoryStore(root) for root in roots]
    catalogue = Catalogue(f"sqlite:///{directory / 'state' / 'catalogue.sqlite'}", lambda: datetime.now(UTC))
    report = Verifier(stores, catalogue, Scope(deep=True)).run()
    named = {one.object for one in report.findings if one.store == str(hit) and one.severity == "fault"}
    done = repair(report, stores, directory / "scratch")
    keys = frozenset(one.key for one in done)
    findings = settled(report, Verifier(stores, catalogue, Scope(deep=True, keys=keys)).run(), done)
    catalogue.close()
    is_whole = not any(one.is_open for one in findings)
    back = is_whole and objects_of(roots[0]) == whole and objects_of(roots[1]) == whole
    return damaged <= named, damaged - named, len(named - damaged), back


def _crawled(archive: Path) -> Path:
    command = [sys.executable, "-m", "tests.newsroom.demo", "--archive", str(archive)]
    for _day in range(3):
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return archive


def _cost(directory: Path, records: int) -> int:
    adopt_orphans()
    archive = _synthetic(directory / "archive", records)
    size = sum(len(data) for data in objects_of(archive).values())
    print(f"{records} exchanges of 60 kB pages, {size / 1e6:.0f} MB stored, {os.cpu_count()} processors")
    for options in ([], ["--deep", "--sample", "0"], ["--deep", "--sample", "100"]):
        command = [str(NEWSARK), "verify", "--archive", str(archive), *options]
        ran = measure(command, cwd=directory, log=directory / "log")
        what = " ".join(["verify", *options])
        print(
            f"{what:28}{ran.wall_seconds:7.1f} s  {size / 1e6 / ran.wall_seconds:6.0f} MB/s"
            f"  {ran.wall_seconds / records * 1e6:6.0f} ms/1,000 exchanges  {ran.cores:.1f} cores"
            f"  {ran.peak_bytes / 1e6:5.0f} MB at most  exit {ran.exit_code}"
        )
    return 0


def _synthetic(root: Path, records: int) -> Path:
    """An archive of pages with text that packs as news does, in segments of 100 MB."""
    now = datetime.now(UTC)
    archive = Archive.open(root, ArchiveSettings(segment_max_bytes=100_000_000), lambda: datetime.now(UTC))
    archive.enlist("bench", name="Bench", home="https://bench.example/", toml='id = "bench"\n')
    chance = random.Random(1)
    words = [chance.randbytes(chance.randrange(2, 7)).hex() for _ in range(4000)]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    for number in range(records):
        body = f"<h1>{number}</h1><p>{' '.join(chance.choices(words, k=6600))}</p>".encode()
        url = f"https://bench.example/{number}"
        request = f"GET /{number} HTTP/1.1\r\nHost: bench.example\r\n\r\n".encode()
        started = now + timedelta(seconds=number)
        archive.keep("bench", Exchange(url, request, started, started, response_head=head, body=body))
        if number % 500 == 499:
            archive.settle("bench", Settlement())
    archive.seal("bench")
    archive.close()
    return root


if __name__ == "__main__":
    sys.exit(main())
