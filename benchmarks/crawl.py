"""Pages a second, CPU a page by step, memory and bytes stored of the whole journey, beside tools that do a part of it.

    python benchmarks/crawl.py [--pages 2000] [--corpus DIR] [--rounds 1] [--rivals] [--later] [--json]

Newsark fetches, archives, judges, extracts, compares, records, acknowledges and seals, with its default settings but
without delays, and with `requisites = "none"`, since no other tool here fetches the files of a page. In the same run,
interleaved: Scrapy with a spider that only fetches, the command line of trafilatura, and with --rivals news-please,
newspaper4k, scrapy-webarchive and wget, each where it is installed (`benchmarks/rivals/install.py`).

trafilatura's command line only extracts, from saved files: `--input-dir --output-dir --json --parallel 2`, all else
as by default. That gives the text and the comments of each page as JSON, and no title, author or date, which Newsark's
records have; with them (`--with-metadata`) it is run too. It names a file by a digest of its text: pages with the same
text become one file. They are all extracted, so that this costs it nothing, and its time limit stops none of them.

CPU is user and system time of all processes of a command, its start included; the server is not counted, and answers
thousands of pages a second. A ratio is taken in each round, and the median of the rounds is printed. CPU is divided by
the pages that a tool delivered; for trafilatura and Newsark by those it was given, since a page without text leaves no
file, and an archive keeps it. By step: one more crawl, whose functions are timed (`benchmarks/steptimes.py`). With
--json the last line is one JSON object. Exit code 1 when Newsark did not archive a page.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import contenders, crawltables
from benchmarks.contenders import Contender, Run, Site
from benchmarks.crawltables import Result
from benchmarks.measure import adopt_orphans
from benchmarks.pages import pages
from benchmarks.pageserver import page_server
from benchmarks.rivals import default_environments
from benchmarks.steptable import step_times
from benchmarks.steptimes import environment
from benchmarks.stored import packed_against_zlib, stored_bytes
from crawler.source import Source

LATER = 'extract = "later"'
ROOMS = ("newsark", "crawler", "reading", "pipelines", "storage")


def main() -> int:
    """Print the tables; exit code 1 when a page was not archived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--corpus", type=Path, help="directory with pages/<id>.html.gz; seeded pages without it")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--rivals", action="store_true", help="also the tools of benchmarks/rivals and wget")
    parser.add_argument("--environments", type=Path, default=default_environments(), help="where the rivals are")
    parser.add_argument("--later", action="store_true", help="also a crawl that extracts nothing, beside wget")
    parser.add_argument("--no-steps", action="store_true", help="without the crawl that is timed by step")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    adopt_orphans()
    for room in ROOMS:
        # pip compiles what it installs, and an editable install has nothing to compile
        compileall.compile_dir(Path(__file__).parent.parent / room, quiet=2)
    with tempfile.TemporaryDirectory(prefix="newsark-bench-") as directory:
        result = _bench(Path(directory), options)
    crawltables.show(result)
    if options.json:
        print(json.dumps(crawltables.facts(result)))
    return 1 if result.missing else 0


def _bench(directory: Path, options: argparse.Namespace) -> Result:
    saved = directory / "pages"
    saved.mkdir()
    for number, page in enumerate(pages(options.pages, options.corpus)):
        (saved / f"{number:06d}.html").write_bytes(page)
    sizes = sorted(path.stat().st_size for path in saved.iterdir())
    result = Result(options.pages, options.corpus is not None, sizes, options.rounds, os.getloadavg()[0])
    running = list(_contenders(options, result.remarks))
    for number in range(options.rounds):
        # every other round backwards, so that a machine that gets busier or hotter favours nobody
        for contender in running if number % 2 == 0 else reversed(running):
            _run(directory, saved, contender, result)
    if not options.no_steps:
        _timed_by_step(directory, saved, result)
    return result


def _contenders(options: argparse.Namespace, remarks: list[str]) -> Iterator[Contender]:
    yield contenders.newsark("newsark", "all of it")
    yield contenders.trafilatura("trafilatura")
    yield contenders.trafilatura("trafilatura+", "--with-metadata")
    yield contenders.bare_scrapy()
    wanted: Sequence[Contender | str] = list(contenders.rivals(options.environments)) if options.rivals else []
    if options.later and not options.rivals:
        wanted = [one for one in contenders.rivals(options.environments) if getattr(one, "name", "") == "wget"]
    if options.later or options.rivals:
        if "extract" in Source.model_fields:
            yield contenders.newsark(
                "newsark later", f"fetches, archives; {LATER}", LATER, count=contenders.archived_pages
            )
        else:
            remarks.append("Sources of this version have no key 'extract': the crawl without extraction is left out.")
    for one in wanted:
        if isinstance(one, str):
            remarks.append(one)
        else:
            yield one


def _run(directory: Path, saved: Path, contender: Contender, result: Result) -> None:
    with _workplace(directory) as work, page_server(saved) as address:
        run = contender.run(work, Site(address, result.pages, saved))
        result.runs.setdefault(contender.name, []).append(run)
        result.does[contender.name] = contender.does
        if run.measured.exit_code and contender.name != "newsark":
            result.remarks.append(f"{contender.name} ended with exit code {run.measured.exit_code}")
        if contender.name == "newsark":
            _look_at_archive(run, result)
        print(f"  {contender.name}: {run.delivered} of {result.pages}", file=sys.stderr, flush=True)


def _look_at_archive(run: Run, result: Result) -> None:
    archive = run.work / "archive"
    result.missing = max(result.missing, result.pages - contenders.archived_pages(archive))
    result.stored, result.packed = stored_bytes(archive), packed_against_zlib(archive)


def _timed_by_step(directory: Path, saved: Path, result: Result) -> None:
    with _workplace(directory) as work, page_server(saved) as address:
        timed = contenders.newsark("newsark", "timed", environment=environment(work))
        measured = timed.run(work, Site(address, result.pages, saved)).measured
        result.steps, missing = step_times(work / "times", measured.cpu_seconds)
    result.remarks += [f"{name} is not there any more: its time counts to what called it" for name in missing]


@contextmanager
def _workplace(directory: Path) -> Iterator[Path]:
    work = directory / "work"
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
