"""Are the bytes faithful? Real pages, each under its own host name, crawled over loopback and read back.

    python benchmarks/fidelity.py --corpus DIR

DIR holds pages/<id>.html.gz and truth.jsonl with {"id", "url"} a line. Every page must be captured, its payload must be
read out of the WARC at the offset in its record byte for byte as it was served, and it must have a record or a reason.
Every WARC must pass `warcio check` and the points that it does not look at. Exit code 1 when anything fails.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import json
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

sys.path.insert(0, str(Path(__file__).parent.parent))

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from scrapy.crawler import AsyncCrawlerProcess
from warcio.archiveiterator import ArchiveIterator
from warcio.checker import Checker

from crawler.report import SourceReport
from crawler.run import Errand, crawl_all
from crawler.services import CrawlOptions, Services
from crawler.source import Source
from newsark.crawling import in_reactor, services_for
from newsark.home import Home
from newsark.settings import load_settings
from storage.directory import DirectoryStore
from storage.readback import read_capture

SITEMAP_HOST = "corpus.example"
MANDATORY = ("WARC-Record-ID", "Content-Length", "WARC-Date", "WARC-Type")


class OnePort(AbstractResolver):
    """Every name leads to one port of this machine, so that pages keep their own addresses."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002  the resolver names the port
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        """The one address."""
        return [ResolveResult(hostname=host, host="127.0.0.1", port=self.port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing to close."""


def main() -> int:
    """Crawl, read back, print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    corpus = parser.parse_args().corpus
    pages = dict(_pages(corpus))
    with tempfile.TemporaryDirectory(prefix="newsark-fidelity-") as directory:
        home = Home(Path(directory), load_settings(Path(directory), {"archive": str(Path(directory) / "archive")}))
        report = _crawl(home, pages)
        with home.archive() as archive:
            with archive.catalogue.begin() as connection:
                rows = connection.exec_driver_sql(
                    "SELECT l.url, l.state, l.reason, c.key, c.offset, c.length, v.line FROM leads l"
                    " JOIN captures c ON c.lead_id = l.id LEFT JOIN versions v ON v.lead_id = l.id"
                    " WHERE l.kind = 'article'"
                ).all()
            faults = list(_compare(archive.store, pages, [tuple(row) for row in rows]))
            faults += [fault for path in sorted(archive.root.glob("warc/**/*.warc.gz")) for fault in _check_warc(path)]
        states = Counter((row[1], row[2]) for row in rows)
    print(f"{len(pages)} pages of {len({urlsplit(url).netloc for url in pages})} hosts; leads: {report.leads}")
    for (state, reason), count in states.most_common():
        print(f"  {count} {state}" + (f": {reason}" if reason else ", with a record"))
    for fault in faults:
        print(f"FAULT {fault}")
    print("every page replays byte for byte and has a record or a reason" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


def _pages(corpus: Path) -> Iterator[tuple[str, bytes]]:
    for line in (corpus / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        truth = json.loads(line)
        url = truth["url"] if "://" in truth["url"] else f"http://{truth['url']}"
        parts = urlsplit(url)
        yield (
            f"http://{parts.netloc}{parts.path or '/'}?page={truth['id']}",
            (corpus / "pages" / f"{truth['id']}.html.gz").read_bytes(),
        )


def _crawl(home: Home, pages: dict[str, bytes]) -> SourceReport:
    hosts = tuple(sorted({urlsplit(url).hostname or "" for url in pages}))
    source = Source(
        id="corpus",
        name="corpus",
        home=f"http://{SITEMAP_HOST}/",
        discover="listed",
        sitemaps=(f"http://{SITEMAP_HOST}/sitemap.xml",),
        hosts=hosts,
        allow_hosts=(SITEMAP_HOST, *hosts),
        delay_seconds=0,
        max_concurrency=8,
    )
    with services_for(home, CrawlOptions(user_agent="newsark-fidelity", allow_hosts=())) as services:

        async def run(process: AsyncCrawlerProcess) -> list[SourceReport]:
            async with _Serving(pages) as port:
                shared = Services(services.keeper, services.pool, services.options, services.clock, OnePort(port))
                return await crawl_all(process, shared, [Errand(source)])

        return in_reactor(run)[0]


class _Serving:
    """The pages under their host names, gzip as they lie on disk."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self.pages = {(urlsplit(url).netloc, urlsplit(url).query): body for url, body in pages.items()}
        urls = "".join(f"<url><loc>{escape(url)}</loc></url>" for url in pages)
        self.sitemap = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'

    async def __aenter__(self) -> int:
        self.runner = web.ServerRunner(web.Server(self._answer))
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        return int(self.runner.addresses[0][1])

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(0)
        if request.host == SITEMAP_HOST and request.path == "/sitemap.xml":
            return web.Response(text=self.sitemap, content_type="application/xml")
        body = self.pages.get((request.host, request.query_string))
        if body is None:
            return web.Response(status=404, text="not here")
        return web.Response(body=body, headers={"Content-Type": "text/html", "Content-Encoding": "gzip"})


def _compare(store: DirectoryStore, pages: dict[str, bytes], rows: list[tuple[Any, ...]]) -> Iterator[str]:
    missing = set(pages)
    for url, state, reason, key, offset, length, line in rows:
        missing.discard(url)
        stored = read_capture(store, key, offset, length)
        if stored.payload != pages[url]:
            yield f"{url}: the payload in {key} at {offset} is not what was served"
        if line is None and not reason:
            yield f"{url}: {state}, and neither a record nor a reason"
        if line is not None:
            where = json.loads(line)["archive"]
            if read_capture(store, where["filename"], where["offset"], where["length"]).payload != pages[url]:
                yield f"{url}: the record points at other bytes"
    yield from (f"{url}: not captured" for url in sorted(missing))


def _check_warc(path: Path) -> Iterator[str]:
    """`warcio check`, then what it does not look at: trailers, mandatory fields, block digests, groups of one date."""
    if Checker(type("Options", (), {"inputs": [str(path)], "verbose": False})()).process_all():
        yield f"{path.name}: warcio check failed"
    gzip.decompress(path.read_bytes())
    dates: dict[str, str] = {}
    linked: list[tuple[str, str]] = []
    with path.open("rb") as file:
        for number, record in enumerate(ArchiveIterator(file, no_record_parse=True)):
            headers = record.rec_headers
            yield from (f"{path.name}: record {number} has no {name}" for name in MANDATORY if not headers[name])
            if (number == 0) != (headers["WARC-Type"] == "warcinfo"):
                yield f"{path.name}: record {number} is {headers['WARC-Type']}"
            digest = "sha256:" + hashlib.sha256(record.raw_stream.read()).hexdigest()
            if headers["WARC-Block-Digest"] != digest:
                yield f"{path.name}: record {number} has another block digest"
            dates[headers["WARC-Record-ID"]] = headers["WARC-Date"]
            if headers["WARC-Concurrent-To"]:
                linked.append((headers["WARC-Record-ID"], headers["WARC-Concurrent-To"]))
    for one, other in linked:
        if dates.get(other) != dates[one]:
            yield f"{path.name}: {one} and {other} are one event with two dates"


if __name__ == "__main__":
    sys.exit(main())
