"""A watch that runs for long: its memory, its open files, and what the archive grows by, as time goes on.

python benchmarks/soak.py [--minutes 60] [--json]

`newsark watch` visits the sample newsroom (in a process of its own, its clock moved on by an hour every minute) as
often as its policy says for a source at acute risk. Once a minute the sum over all its processes is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from sqlalchemy import create_engine, text

NEWSARK = Path(sys.executable).with_name("newsark")
HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What there was at a moment; memory is what no other process shares (USS)."""

    minute: float
    memory_mb: float
    handles: int
    requests: int
    catalogue_kb: float
    archive_kb: float


def measured(process: psutil.Process, archive: Path, minute: float) -> Sample:
    """The watch as it is now, with its readers."""
    memory, handles = 0, 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):
            memory += one.memory_full_info().uss
            handles += one.num_fds()
    requests, size = _catalogue(archive / ".newsark" / "catalogue.sqlite")
    files = [path for path in archive.rglob("*") if path.is_file() and not path.name.startswith("catalogue.sqlite")]
    return Sample(
        round(minute, 1),
        round(memory / 1e6, 1),
        handles,
        requests,
        round(size / 1e3, 1),
        round(sum(path.stat().st_size for path in files) / 1e3, 1),
    )


def _catalogue(path: Path) -> tuple[int, int]:
    """How many requests it knows, and its size in bytes, whether they are in the file or still in the log."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
    with engine.connect() as connection:
        count = connection.execute(text("SELECT count(*) FROM captures")).scalar_one()
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        size = connection.execute(text("PRAGMA page_size")).scalar_one()
    engine.dispose()
    return int(count), int(pages) * int(size)


def soaked(minutes: float, directory: Path) -> list[Sample]:
    """A sample for each minute of the watch."""
    address = _serve_moving()
    host = urlsplit(address).netloc
    source = directory / "sample.toml"
    keys = {"id": "sample", "name": "Sample", "home": address, "risk": "acute", "delay_seconds": 0}
    lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    source.write_text("\n".join([*lines, f'allow_hosts = ["{host}"]', ""]))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEWSARK_")}
    watch = subprocess.Popen(
        [str(NEWSARK), "watch", "--no-progress", "--source-file", str(source), "--archive", "archive"],
        cwd=directory,
        env=environment,
        start_new_session=True,
    )
    begin, samples = time.monotonic(), []
    try:
        while (minute := (time.monotonic() - begin) / 60) < minutes:
            time.sleep(60)
            samples.append(measured(psutil.Process(watch.pid), directory / "archive", minute + 1))
            print(json.dumps(asdict(samples[-1])), file=sys.stderr, flush=True)
    finally:
        os.killpg(watch.pid, signal.SIGTERM)
        asked = time.monotonic()
        code = watch.wait(60)
    print(f"ended with {code} in {time.monotonic() - asked:.1f} s", file=sys.stderr)
    return samples


def _serve_moving() -> str:
    """The address of the sample newsroom in a thread of its own; each minute is an hour there."""
    from tests.newsroom.clock import Clock
    from tests.newsroom.server import serve_newsroom

    ready: list[str] = []
    is_up = threading.Event()

    async def serve() -> None:
        clock = Clock()
        async with serve_newsroom(clock, "127.0.0.1", 0) as site:
            ready.append(site.address + "/")
            is_up.set()
            while True:
                await asyncio.sleep(60)
                clock.advance(HOUR_SECONDS)

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    is_up.wait(30)
    return ready[0]


def summed(samples: Sequence[Sample]) -> dict[str, float]:
    """What grew from the second sixth of the time to the last, and by how much for each request."""
    sixth = max(1, len(samples) // 6)
    early, late = samples[sixth : 2 * sixth] or samples[:1], samples[-sixth:]
    requests = samples[-1].requests - samples[0].requests

    def mean(of: Sequence[Sample], name: str) -> float:
        return sum(getattr(one, name) for one in of) / len(of)

    return {
        "minutes": samples[-1].minute,
        "requests": samples[-1].requests,
        "memory_mb_early": round(mean(early, "memory_mb"), 1),
        "memory_mb_late": round(mean(late, "memory_mb"), 1),
        "handles_early": round(mean(early, "handles"), 1),
        "handles_late": round(mean(late, "handles"), 1),
        "catalogue_bytes_per_request": round(
            1e3 * (samples[-1].catalogue_kb - samples[0].catalogue_kb) / max(requests, 1)
        ),
        "archive_bytes_per_request": round(1e3 * (samples[-1].archive_kb - samples[0].archive_kb) / max(requests, 1)),
    }


def main() -> None:
    """Watch for so long, then say what grew."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        samples = soaked(chosen.minutes, Path(directory))
    facts = summed(samples)
    print(json.dumps(facts) if chosen.json else "\n".join(f"{name:30}{value:>12}" for name, value in facts.items()))


if __name__ == "__main__":
    main()
