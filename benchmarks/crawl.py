"""Pages a second and CPU milliseconds a page, end to end, beside tools that do less.

    python benchmarks/crawl.py [--pages 2000] [--corpus DIR] [--rounds 3]

Newsark fetches, archives, extracts and records; bare Scrapy only fetches the same pages; the trafilatura command line
only extracts the same pages from disk, with two processes. None of them fetches the
pages' files. Runs are interleaved, and medians are printed. CPU is user
and system time of every process of a command; the server is not counted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.measure import Measured, adopt_orphans, measure
from benchmarks.pages import pages
from benchmarks.pageserver import page_server

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
BARE_SPIDER = """
import scrapy

class Bare(scrapy.Spider):
    name = "bare"
    custom_settings = {"LOG_LEVEL": "WARNING", "TELNETCONSOLE_ENABLED": False, "REMOTE_CONTROL_ENABLED": False}

    async def start(self):
        for number in range(int(self.count)):
            yield scrapy.Request(f"{self.site}/p/{number}")

    def parse(self, response):
        return None
"""


def main() -> int:
    """Print the table; exit code 1 when a page was not captured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--corpus", type=Path, help="directory with pages/<id>.html.gz")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="newsark-bench-") as directory:
        return _bench(Path(directory), options.pages, options.corpus, options.rounds)


def _bench(directory: Path, count: int, corpus: Path | None, rounds: int) -> int:
    saved = directory / "pages"
    saved.mkdir()
    sizes = []
    for number, page in enumerate(pages(count, corpus)):
        (saved / f"{number:06d}.html").write_bytes(page)
        sizes.append(len(page))
    sizes.sort()
    kind = f"real pages of {corpus.name}, repeated under unique addresses" if corpus else "seeded pages"
    middle, high = sizes[count // 2], sizes[count * 9 // 10]
    print(f"{count} {kind}: median {middle} bytes, 90th percentile {high}, largest {sizes[-1]}")
    runs: dict[str, list[Measured]] = {"newsark": [], "bare scrapy": [], "trafilatura": []}
    missing = 0
    for number in range(rounds):
        work = directory / f"round{number}"
        work.mkdir()
        with page_server(saved) as site:
            runs["newsark"].append(_newsark(work, site))
            missing = max(missing, count - _captured(work))
            runs["bare scrapy"].append(_scrapy(work, site, count))
        runs["trafilatura"].append(_trafilatura(work, saved))
        shutil.rmtree(work)
    _print_table(runs, count, missing)
    return 1 if missing else 0


def _newsark(work: Path, site: str) -> Measured:
    host = site.removeprefix("http://")
    (work / "bench.toml").write_text(
        f'id = "bench"\nname = "bench"\nhome = "{site}/"\ndelay_seconds = 0\nmax_concurrency = 16\n'
        f'allow_hosts = ["{host}"]\ndiscover = "listed"\nrequisites = "none"\nsitemaps = ["{site}/sitemap.xml"]\n'
    )
    command = [str(BIN / "newsark"), "crawl", "--source-file", "bench.toml", "--archive", "archive", "--no-progress"]
    return measure(command, cwd=work, log=work / "newsark.log")


def _captured(work: Path) -> int:
    command = [str(BIN / "newsark"), "status", "--json", "--archive", "archive"]
    state = json.loads(subprocess.run(command, cwd=work, check=True, capture_output=True).stdout)
    kinds = state["sources"][0]["kinds"].get("article", {})
    print(f"  newsark's article leads: {kinds}")
    return int(kinds.get("captured", 0)) + int(kinds.get("unchanged", 0))


def _scrapy(work: Path, site: str, count: int) -> Measured:
    (work / "bare.py").write_text(BARE_SPIDER)
    command = [str(BIN / "scrapy"), "runspider", "bare.py", "-a", f"site={site}", "-a", f"count={count}"]
    return measure(command, cwd=work, log=work / "scrapy.log")


def _trafilatura(work: Path, saved: Path) -> Measured:
    command = [str(BIN / "trafilatura"), "--input-dir", str(saved), "--output-dir", "out", "--json", "--parallel", "2"]
    return measure(command, cwd=work, log=work / "trafilatura.log")


def _print_table(runs: dict[str, list[Measured]], count: int, missing: int) -> None:
    def median(name: str, value: Callable[[Measured], float]) -> float:
        return statistics.median(value(run) for run in runs[name])

    print(f"{'':14}{'pages/s':>10}{'CPU ms/page':>14}{'cores busy':>12}{'peak MB':>10}   does")
    does = {
        "newsark": "fetches, archives, extracts, records",
        "bare scrapy": "fetches",
        "trafilatura": "extracts saved pages: --json --parallel 2",
    }
    for name, sentence in does.items():
        print(
            f"{name:14}{count / median(name, lambda run: run.wall_seconds):>10.1f}"
            f"{1000 * median(name, lambda run: run.cpu_seconds) / count:>14.2f}"
            f"{median(name, lambda run: run.cores):>12.2f}"
            f"{median(name, lambda run: run.peak_bytes) / 1e6:>10.0f}   {sentence}"
        )
    ratio = median("newsark", lambda run: run.cpu_seconds) / median("trafilatura", lambda run: run.cpu_seconds)
    print(f"newsark's CPU per page is {ratio:.2f} x that of trafilatura; pages not captured: {missing}")


if __name__ == "__main__":
    sys.exit(main())
