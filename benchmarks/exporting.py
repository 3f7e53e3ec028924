"""Exports of many records: seconds, size, and the peak of memory, in each form.

python benchmarks/exporting.py [--records 100000] [--json]

An archive of so many captured articles (of benchmarks/rebuild.py) is exported by `newsark export` as JSON Lines, packed
JSON Lines, CSV and Parquet; the peak is that of the process as the system counts it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from rebuild import write_archive

NEWSARK = Path(sys.executable).with_name("newsark")
FORMS = ("jsonl", "jsonl.gz", "csv", "parquet")


def exported(directory: Path, form: str) -> dict[str, float]:
    """What one export took."""
    path = directory / f"out.{form}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEWSARK_")}
    started = time.monotonic()
    process = subprocess.Popen(
        [str(NEWSARK), "export", "-o", str(path), "--archive", str(directory / "archive")],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the export as {form} failed")
    seconds = time.monotonic() - started
    return {
        "seconds": round(seconds, 1),
        "megabytes": round(path.stat().st_size / 1e6, 1),
        "peak_megabytes": round(usage.ru_maxrss / 1e3),
    }


def main() -> None:
    """Write the archive, export it four times."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=int, default=100_000)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_archive(directory, chosen.records)
        facts = {form: exported(directory, form) for form in FORMS}
    if chosen.json:
        print(json.dumps(facts))
        return
    for form, one in facts.items():
        print(f"{form:10}{one['seconds']:>8} s{one['megabytes']:>10} MB{one['peak_megabytes']:>8} MB at most in memory")


if __name__ == "__main__":
    main()
