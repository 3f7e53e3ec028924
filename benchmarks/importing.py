"""How fast files of others are imported, and in how much memory; beside a plain loop of warcio and trafilatura.

    python benchmarks/importing.py [--gigabytes 1] [--workers 2] [--sample 2000]
    python benchmarks/importing.py --corpus DIR

A synthetic WARC of that size (invented pages with pictures between, a gzip member a record) is imported into a fresh
archive: records a second, peak memory of all processes, and the same of a file a tenth as large, since memory must not
grow with the file. The plain loop reads the first `--sample` pages of the same file in one process, and keeps nothing.
With --corpus, every WARC, ARC and WACZ file below DIR: what was taken, and what could not be read and why.
Exit code 1 when a page of the synthetic file is missing.
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
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.measure import adopt_orphans, measure
from storage.gzipmembers import gzip_member

NEWSARK = Path(sys.executable).parent / "newsark"
IMAGE_BYTES = 60_000
WORDS = (
    "river",
    "council",
    "bridge",
    "valley",
    "flood",
    "school",
    "mayor",
    "winter",
    "road",
    "harbour",
    "vote",
    "budget",
)


def main() -> int:
    """Print what was measured; exit code 1 when a page is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sample", type=int, default=2000)
    parser.add_argument("--corpus", type=Path)
    options = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="newsark-bench-") as directory:
        if options.corpus is not None:
            return _corpus(Path(directory), options.corpus)
        is_whole = True
        for share in (0.1, 1.0):
            path = Path(directory) / f"{share}.warc.gz"
            pages, records = write_warc(path, int(options.gigabytes * share * 1e9))
            is_whole &= _import(Path(directory), path, pages, records, options.workers)
        _plain(path, options.sample)
        return 0 if is_whole else 1


def write_warc(path: Path, size_bytes: int) -> tuple[int, int]:
    """A WARC of at least that size; how many pages and how many records it has."""
    chance = random.Random(1)
    pages = records = 0
    with path.open("wb") as file:
        while file.tell() < size_bytes:
            url = f"http://synthetic.example/2022/05/story-{pages}"
            body = _page(chance, pages)
            file.write(_record("request", url, b"GET / HTTP/1.1\r\nHost: synthetic.example\r\n\r\n", "request"))
            file.write(_response(url, "text/html; charset=utf-8", body))
            file.write(_response(f"{url}.jpg", "image/jpeg", chance.randbytes(IMAGE_BYTES)))
            pages, records = pages + 1, records + 3
    return pages, records


def _page(chance: random.Random, number: int) -> bytes:
    def sentence() -> str:
        return " ".join(chance.choices(WORDS, k=18)).capitalize() + "."

    text = "".join(f"<p>{' '.join(sentence() for _ in range(4))}</p>" for _ in range(8))
    menu = "".join(f"<li><a href='/topic/{topic}'>{topic}</a></li>" for topic in WORDS)
    head = f"<head><title>Story {number}</title><meta property='og:type' content='article'></head>"
    story = f"<article><h1>Story {number}: {sentence()}</h1>{text}</article>"
    return (
        f"<html>{head}<body><nav><ul>{menu}</ul></nav>{story}<footer>All of it invented</footer></body></html>".encode()
    )


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


def _import(directory: Path, path: Path, pages: int, records: int, workers: int) -> bool:
    home = directory / f"home-{path.stem}"
    home.mkdir()
    command = [str(NEWSARK), "import", str(path), "--archive", "archive", "--workers", str(workers), "--json"]
    measured = measure(command, cwd=home, log=home / "log")
    (report,) = json.loads((home / "log").read_text())["files"]
    seconds = measured.wall_seconds
    print(
        f"{path.stat().st_size / 1e6:7.0f} MB, {records} records, {pages} pages: {seconds:.1f} s, "
        f"{records / seconds:.0f} records a second, {pages / seconds:.0f} pages a second, "
        f"{measured.cpu_seconds / pages * 1000:.1f} ms CPU a page, {measured.cores:.1f} cores, "
        f"peak {measured.peak_bytes / 1e6:.0f} MB",
        flush=True,
    )
    print(f"        captures {report['captures']}, new articles {report['new']}, problems {report['problem_count']}")
    return bool(measured.exit_code == 0 and report["new"] == pages and report["captures"] == 2 * pages)


def _plain(path: Path, sample: int) -> None:
    """What others do: warcio and trafilatura in a loop, in one process."""
    from trafilatura import bare_extraction

    started, records, pages = time.process_time(), 0, 0
    with path.open("rb") as file:
        for record in ArchiveIterator(file):
            records += 1
            if record.rec_type != "response" or "html" not in (record.http_headers.get_header("Content-Type") or ""):
                continue
            bare_extraction(record.content_stream().read(), with_metadata=True)
            pages += 1
            if pages >= sample:
                break
    seconds = time.process_time() - started
    print(
        f"plain loop of warcio and trafilatura, {pages} pages, one process: {records / seconds:.0f} records a second, "
        f"{seconds / pages * 1000:.1f} ms CPU a page"
    )


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
