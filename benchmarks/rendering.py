"""What a rendered page costs beside a plain one: seconds, processor time and memory of whole crawls over loopback.

    python benchmarks/rendering.py [--pages 30]

The same site of pages that scripts fill (a style sheet, a script, a picture, data of its own for each) is crawled
plainly and with `render = true`, without a delay; also with two pages only: what the others add is the price of a page.
Memory is the sum of what is resident of each process, so what they share counts several times.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.measure import Measured, adopt_orphans, measure
from tests.cli import NEWSARK
from tests.crawling import write_source
from tests.scriptedsite import ScriptedSite

FEW = 2


def main() -> int:
    """Crawl, print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=30)
    pages = parser.parse_args().pages
    adopt_orphans()
    for render in (False, True):
        few, many = _crawled(FEW, render=render), _crawled(pages, render=render)
        wall, cpu = (
            (getattr(many, name) - getattr(few, name)) / (pages - FEW) for name in ("wall_seconds", "cpu_seconds")
        )
        what = "rendered" if render else "plain"
        memory = many.peak_bytes / 1e6
        print(f"{what:8}  {wall:6.2f} s and {cpu:5.2f} s of a processor a page, most memory {memory:,.0f} MB")
    return 0


def _crawled(pages: int, *, render: bool) -> Measured:
    with (
        tempfile.TemporaryDirectory(prefix="newsark-rendering-") as directory,
        ScriptedSite(*(f"page-{number}" for number in range(pages))) as site,
    ):
        home = Path(directory)
        listed = {"sitemaps": [f"{site.url}/sitemap.xml"], "requisites": "page", "render": render}
        source = write_source(home / "site.toml", site.url, **listed)
        command = [NEWSARK, "crawl", "--archive", "archive", "--no-progress", "--source-file", str(source)]
        return measure(command, cwd=home, log=home / "log")


if __name__ == "__main__":
    sys.exit(main())
