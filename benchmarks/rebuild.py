"""How long a rebuild takes, and whether the catalogue is the same after it.

    python benchmarks/rebuild.py --corpus DIR
    python benchmarks/rebuild.py --records 100000 [--workers 2]

With --corpus the pages of DIR (as for benchmarks/fidelity.py) are crawled over loopback; the catalogue is dumped,
removed, rebuilt and compared row by row. With --records an archive of so many captured articles is written by the
project's own Archive, an article's page of about 30 kB and record of about 6 kB each, every tenth page visited again,
in segments of 100 MB; the same comparison follows, with the time, the CPU and the peak memory of `newsark rebuild`.
Exit code 1 when anything differs.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import zip_longest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import orjson

from benchmarks.measure import Measured, adopt_orphans, measure
from storage.archive import Archive, ArchiveSettings, Settlement
from storage.catalogue import Catalogue
from storage.events import RunBegan
from storage.exchange import Exchange
from storage.lead import NewLead, lead_identity
from storage.leads import Acknowledgement, Leads
from storage.rebuilding.dump import dump_lines
from storage.versions import Observation, Version

BIN = Path(sys.executable).parent
SOURCE = "bench"
GROUP = 100
PAGE_BYTES, RECORD_BYTES = 30_000, 6_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> int:
    """Print what was measured; exit code 1 when the catalogues differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="directory with pages/<id>.html.gz and truth.jsonl")
    parser.add_argument("--records", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="newsark-bench-") as directory:
        work = Path(directory)
        if options.corpus:
            _crawl_corpus(work, options.corpus)
        else:
            write_archive(work, options.records)
        return _compare(work, options.workers)


def _crawl_corpus(work: Path, corpus: Path) -> None:
    from benchmarks.fidelity import _crawl, _pages
    from newsark.home import Home

    pages = dict(_pages(corpus))
    report = _crawl(Home.here(archive=str(work / "archive")), pages)
    print(f"crawled {len(pages)} pages; leads: {report.leads}")


class _Clock:
    """A clock that goes on by itself, so that writing takes no real days."""

    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now


def write_archive(work: Path, records: int) -> None:
    """Write `work/archive` with so many captured articles."""
    clock, started = _Clock(), time.monotonic()
    settings = ArchiveSettings(segment_max_bytes=100_000_000, segment_max_age_seconds=1e9)
    archive = Archive.open(work / "archive", settings, clock)
    archive.enlist(
        SOURCE, name="Bench", home="http://bench.example/", toml='id = "bench"\nhome = "http://bench.example/"\n'
    )
    archive.settle(SOURCE, Settlement(runs=[RunBegan(clock())]))
    noise = random.Random(1)
    words = [noise.randbytes(3).hex() for _ in range(5000)]
    for start in range(0, records, GROUP):
        urls = [
            f"http://bench.example/2026/{number:07d}-a-story" for number in range(start, min(start + GROUP, records))
        ]
        leads = [NewLead(url, lead_identity(url), "article", 60, via="http://bench.example/feed") for url in urls]
        archive.with_leads(SOURCE, partial(_add, leads, clock()))
        ids = {lead.url: lead.id for lead in archive.with_leads(SOURCE, lambda table: table.lease(GROUP))}
        archive.settle(SOURCE, _group(archive, ids, words, noise))
        archive.settle(SOURCE, _revisits(archive, dict(list(ids.items())[::10])))
    archive.seal(SOURCE)
    archive.close()
    size = sum(path.stat().st_size for path in (work / "archive").glob("warc/**/*.gz"))
    print(f"wrote {records} articles, {size / 1e6:.0f} MB of WARC, in {time.monotonic() - started:.0f} s")


def _add(leads: list[NewLead], now: datetime, table: Leads) -> int:
    return table.add(leads, now)


def _group(archive: Archive, ids: dict[str, int], words: list[str], noise: random.Random) -> Settlement:
    group = Settlement()
    for url, lead_id in ids.items():
        text = " ".join(noise.choices(words, k=PAGE_BYTES // 7))
        capture = archive.keep(SOURCE, _exchange(archive, url, text.encode()), lead_id=lead_id)
        at, identity = archive.clock(), lead_identity(url)
        date = capture.date.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        facts = {
            "id": identity[:32],
            "type": "NewsArticle",
            "url": url,
            "headline": text[:60],
            "articleBody": text[: RECORD_BYTES - 500],
            "archive": {"filename": capture.key, "offset": capture.offset, "length": capture.length, "date": date},
            "version": 1,
            "contentDigest": capture.payload_digest,
        }
        line = orjson.dumps(facts, option=orjson.OPT_APPEND_NEWLINE)
        group.records.append(line)
        digest = capture.payload_digest or ""
        version = Version(identity, identity[:32], 1, url, digest, capture.date, "", line.decode(), lead_id)
        group.versions.append(replace(version, headline=text[:60]))
        done = Acknowledgement(
            lead_id, "captured", None, None, at, 0, None, f'"{identity[:16]}"', date, capture.record_id
        )
        group.acknowledgements.append(done)
        group.found.append([])
    return group


def _revisits(archive: Archive, ids: dict[str, int]) -> Settlement:
    group = Settlement()
    for url, lead_id in ids.items():
        capture = archive.keep(SOURCE, _exchange(archive, url, b"", 304), lead_id=lead_id)
        at = archive.clock()
        seen = {"type": "Observation", "url": url, "at": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "outcome": "unchanged"}
        group.records.append(orjson.dumps(seen | {"recordId": capture.record_id}))
        group.observations.append(
            Observation(url, at, "unchanged", None, lead_identity(url), lead_id, capture.record_id)
        )
        group.acknowledgements.append(Acknowledgement(lead_id, "unchanged", None, None, at, 0, None))
        group.found.append([])
    return group


def _exchange(archive: Archive, url: str, body: bytes, status: int = 200) -> Exchange:
    now = archive.clock()
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return Exchange(
        url=url,
        request=f"GET {url} HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: newsark-bench\r\n\r\n".encode(),
        started=now,
        ended=now,
        response_head=head,
        body=body,
        peer_address="192.0.2.7",
        peer_port=80,
    )


def _compare(work: Path, workers: int) -> int:
    state = work / "archive" / ".newsark" / "catalogue.sqlite"
    _dump(state, work / "before.jsonl")
    for path in state.parent.glob("catalogue.sqlite*"):
        path.unlink()
    command = [str(BIN / "newsark"), "rebuild", "--archive", "archive", "--json", "--workers", str(workers)]
    measured = measure(command, cwd=work, log=work / "rebuild.log")
    print((work / "rebuild.log").read_text().strip()[:1000])
    _print(measured)
    if measured.exit_code:
        return 1
    _dump(state, work / "after.jsonl")
    with (work / "before.jsonl").open("rb") as before, (work / "after.jsonl").open("rb") as after:
        same = [one == other for one, other in zip_longest(before, after)]
    print(f"{len(same)} rows compared, {same.count(False)} differ")
    return 0 if all(same) else 1


def _dump(state: Path, to: Path) -> None:
    catalogue = Catalogue(f"sqlite:///{state}", lambda: datetime.now(UTC))
    with catalogue.begin() as connection, to.open("wb") as file:
        file.writelines(dump_lines(connection))
    catalogue.close()


def _print(measured: Measured) -> None:
    print(
        f"newsark rebuild: {measured.wall_seconds:.1f} s, CPU {measured.cpu_seconds:.1f} s, "
        f"peak memory of all processes {measured.peak_bytes / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    sys.exit(main())
