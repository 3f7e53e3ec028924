"""What `crawl.py` runs side by side: Newsark, and tools that do a part of the same with the same pages.

Every one is run as its own users run it, over the same site on loopback, and what it delivered is counted in what it
wrote: a tool that fails early must not look fast.
"""

from __future__ import annotations

import gzip
import json
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator

from benchmarks.measure import Measured, measure
from benchmarks.rivals import HERE, RIVALS, Rival

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
BARE_SPIDER = """
import scrapy

class Bare(scrapy.Spider):
    name = "bare"
    custom_settings = {"LOG_LEVEL": "WARNING", "TELNETCONSOLE_ENABLED": False, "REMOTE_CONTROL_ENABLED": False,
                       "CONCURRENT_REQUESTS_PER_DOMAIN": 16}

    async def start(self):
        for number in range(int(self.count)):
            yield scrapy.Request(f"{self.site}/p/{number}")

    def parse(self, response):
        self.done = getattr(self, "done", 0) + 1

    def closed(self, reason):
        open("done.txt", "w").write(str(getattr(self, "done", 0)))
"""


@dataclass(frozen=True, slots=True)
class Site:
    """The pages: where they are served, how many, and the directory that has them as files."""

    address: str
    count: int
    saved: Path


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what it cost, how many pages came out of it, and the directory that it worked in."""

    measured: Measured
    delivered: int
    work: Path


@dataclass(frozen=True, slots=True)
class Contender:
    """A tool: its name in the tables, what it does, and the run in an empty directory."""

    name: str
    does: str
    run: Callable[[Path, Site], Run]


def newsark(
    name: str,
    does: str,
    *more: str,
    environment: dict[str, str] | None = None,
    count: Callable[[Path], int] | None = None,
) -> Contender:
    """Newsark; `more` are further lines of its source file, `count` counts what its archive has: records with text."""

    def run(work: Path, site: Site) -> Run:
        (work / "bench.toml").write_text(_source_file(site.address, more))
        command = [str(BIN / "newsark"), "crawl", "--source-file", "bench.toml", "--archive", "archive"]
        command += ["--no-progress"]
        progress = _recorded(work)
        measured = measure(command, cwd=work, log=work / "log", env=environment, progress=progress)
        return Run(measured, (count or _texts)(work / "archive"), work)

    return Contender(name, does, run)


def _source_file(address: str, more: Iterable[str]) -> str:
    host = address.removeprefix("http://")
    lines = [
        'id = "bench"\nname = "bench"\ndelay_seconds = 0\nmax_concurrency = 16\ndiscover = "listed"',
        f'home = "{address}/"\nallow_hosts = ["{host}"]\nsitemaps = ["{address}/sitemap.xml"]',
        'requisites = "none"',
        *more,
    ]
    return "\n".join(lines) + "\n"


def _recorded(work: Path) -> Callable[[], float]:
    """Tells how many bytes of record lines were written so far: what was read, compared and recorded."""

    def told() -> float:
        paths = work.glob("archive/**/*.0.jsonl.open")
        try:
            return float(sum(path.stat().st_size for path in paths))
        except FileNotFoundError:  # it was sealed meanwhile
            return 0.0

    return told


def _texts(archive: Path) -> int:
    """How many pages' texts the archive has records of."""
    lines = (json.loads(line) for path in archive.glob("records/**/*.gz") for line in _lines(path))
    return len({line["url"] for line in lines if line.get("articleBody")})


def archived_pages(archive: Path) -> int:
    """How many of the pages the archive holds with status 200, as its index says."""
    lines = (json.loads(line.split(b" ", 2)[2]) for path in archive.glob("index/**/*.gz") for line in _lines(path))
    return len({line["url"] for line in lines if "/p/" in line["url"] and str(line["status"]) == "200"})


def _lines(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def trafilatura(name: str, *options: str) -> Contender:
    """The command line of trafilatura on the saved pages; see `crawl.py` for what it does and does not."""

    def run(work: Path, site: Site) -> Run:
        fixed = ["--input-dir", str(site.saved), "--output-dir", "out", "--json", "--parallel", "2"]
        measured = measure([str(BIN / "trafilatura"), *fixed, *options], cwd=work, log=work / "log")
        return Run(measured, sum(path.is_file() for path in work.glob("out/**/*.json")), work)

    return Contender(name, " ".join(("extracts saved pages: --json --parallel 2", *options)), run)


def bare_scrapy() -> Contender:
    """Scrapy with nothing but a spider that fetches."""

    def run(work: Path, site: Site) -> Run:
        (work / "bare.py").write_text(BARE_SPIDER)
        given = ["-a", f"site={site.address}", "-a", f"count={site.count}"]
        measured = measure([str(BIN / "scrapy"), "runspider", "bare.py", *given], cwd=work, log=work / "log")
        return Run(measured, int((work / "done.txt").read_text()), work)

    return Contender("scrapy", "fetches", run)


def wget(program: str) -> Contender:
    """wget with --warc-file: one request after the other over one connection, as wget works."""

    def run(work: Path, site: Site) -> Run:
        urls = "".join(f"{site.address}/p/{number}\n" for number in range(site.count))
        (work / "urls.txt").write_text(urls)
        options = ["--warc-file=kept", "--input-file=urls.txt", "--delete-after", "--no-verbose", "--no-directories"]
        measured = measure([program, *options], cwd=work, log=work / "log")
        with (work / "kept.warc.gz").open("rb") as file:
            return Run(measured, _pages_of_warc(file), work)

    return Contender("wget", "fetches, archives (WARC); --warc-file", run)


def rival(tool: Rival, environments: Path) -> Contender:
    """One of the tools of `benchmarks/rivals`, run by the Python of its own environment."""

    def run(work: Path, site: Site) -> Run:
        output = work / ("out.wacz" if tool.runner == "run_webarchive.py" else "out.jsonl")
        words = [str(tool.python(environments)), str(HERE / tool.runner), site.address, str(site.count), str(output)]
        measured = measure(words, cwd=work, log=work / "log")
        return Run(measured, _delivered(output) if output.exists() else 0, work)

    return Contender(tool.name, f"{tool.does}; {tool.version}", run)


def _delivered(output: Path) -> int:
    if output.suffix == ".jsonl":
        with output.open("rb") as lines:
            return sum(1 for _ in lines)
    with zipfile.ZipFile(output) as wacz:
        names = [name for name in wacz.namelist() if name.endswith(".warc.gz")]
        return sum(_pages_of_member(wacz, name) for name in names)


def _pages_of_member(wacz: zipfile.ZipFile, name: str) -> int:
    with wacz.open(name) as file:
        return _pages_of_warc(file)


def _pages_of_warc(file: object) -> int:
    """How many responses with status 200 a WARC holds."""
    responses = (record for record in ArchiveIterator(file) if record.rec_type == "response")
    return sum(record.http_headers.get_statuscode() == "200" for record in responses)


def rivals(environments: Path) -> Iterator[Contender | str]:
    """Every rival that is installed here; for each other one a line that says how to install it."""
    from shutil import which

    program = which("wget")
    yield wget(program) if program else "wget is not installed: apt-get install wget"
    for tool in RIVALS:
        if tool.is_installed(environments):
            yield rival(tool, environments)
        else:
            yield f"{tool.name} is not installed: python benchmarks/rivals/install.py {tool.name}"
