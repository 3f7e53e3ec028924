"""Verdicts on a directory of WARC, WACZ and ARC files, each with the rules that it breaks; and how fast they come.

    python benchmarks/validation.py DIRECTORY [--name-tells]
    python benchmarks/validation.py --speed FILE

With --name-tells, names that begin with `valid-` and `invalid-` are taken at their word: exit 1 when a verdict
differs. --speed validates one file in a process of its own, beside `warcio check`, which does less.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from storage.validation.faults import Verdict
from storage.validation.validator import RULES, validate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, nargs="?")
    parser.add_argument("--name-tells", action="store_true")
    parser.add_argument("--speed", type=Path)
    args = parser.parse_args()
    if args.speed:
        measure(args.speed)
    if args.directory:
        return judge(args.directory, name_tells=args.name_tells)
    return 0


def judge(directory: Path, *, name_tells: bool) -> int:
    surprises = files = 0
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            verdict = validate(file, path.name, path.name)
        files += 1
        print(f"{'ok ' if verdict.ok else 'BAD'} {path.name}  {verdict.records} records")
        for line in rules_broken(verdict):
            print(f"      {line}")
        expected = {"valid": True, "invalid": False}.get(path.name.partition("-")[0])
        if name_tells and expected not in (None, verdict.ok):
            surprises += 1
            print("      ^ not what its name says")
    print(f"{files} files, {surprises} verdicts differ from the names" if name_tells else f"{files} files")
    return 1 if surprises else 0


def rules_broken(verdict: Verdict) -> list[str]:
    counts = Counter(fault.rule for fault in verdict.faults)
    counts.update(verdict.unlisted)
    ordered = sorted(counts, key=lambda rule: (RULES[rule].severity, rule))
    return [f"{RULES[rule].severity:7} {rule} ({counts[rule]})" for rule in ordered]


def measure(path: Path) -> None:
    size = path.stat().st_size / 1e6
    here = Path(sys.executable).parent
    for command in ([str(here / "newsark"), "validate", "--json"], [str(here / "warcio"), "check"]):
        begun = time.monotonic()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([*command, str(path)], capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds, worked = time.monotonic() - begun, after.ru_utime - before.ru_utime
        peak = f", largest process so far {after.ru_maxrss / 1000:.0f} MB"
        print(
            f"{Path(command[0]).name}: {seconds:.1f} s, {worked:.1f} s of it user time, {size / seconds:.0f} MB/s"
            f"{peak}, exit code {done.returncode}"
        )


if __name__ == "__main__":
    sys.exit(main())
