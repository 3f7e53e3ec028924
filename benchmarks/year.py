"""A newsroom's year on a fake clock: what was scripted, what the ledger tells of it, and how soon.

python benchmarks/year.py [--articles 400] [--days 365] [--json]

The real crawler watches a site on loopback whose clock jumps to whatever falls due next. The script: edits loud and
silent, headline changes, removals of six kinds, restorations, a redesign, a donation banner with new words every
week, an outage of a day, a wall for robots for two days. Ends with 1 when something scripted is missing from the
ledger, or when the ledger tells of something that was not scripted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from scrapy.crawler import AsyncCrawlerProcess

from crawler.keeper import Keeper
from crawler.report import SourceReport
from crawler.run import Errand, crawl_all
from crawler.services import CrawlOptions, Services
from crawler.source import Source
from newsark.crawling import in_reactor
from pipelines.page import ReadLimits
from pipelines.pool import ReaderPool
from reading.ledger import ledger
from reading.life import Entry
from storage.archive import Archive
from storage.archivesettings import ArchiveSettings
from storage.directory import DirectoryStore
from storage.place import STATE_DIRECTORY, Place

START = datetime(2026, 1, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
WORDS = ("harbour", "council", "bridge", "river", "school", "market", "winter", "budget", "vote", "crane", "nurse")
REMOVALS = ("404", "410", "451", "soft404", "home", "notice")
REDESIGN, OUTAGE, WALL = 150 * DAY, (200 * DAY, 201 * DAY), (250 * DAY, 252 * DAY)
WALL_PAGE = (
    '<html><head><title>Just a moment...</title></head><body><div id="cf-wrapper"><form id="challenge-form"></form>'
    "<p>Checking your browser before you go on.</p></div></body></html>"
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the script does to an article."""

    kind: str
    at: datetime
    how: str = ""


@dataclass(slots=True)
class Article:
    """One article and what happens to it, in the order of time."""

    number: int
    published: datetime
    events: list[Event] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where it is."""
        return f"/news/{self.published:%Y/%m/%d}/{self.number}-{WORDS[self.number % len(WORDS)]}"

    def happened(self, now: datetime, *kinds: str) -> list[Event]:
        """What happened to it until now, of these kinds."""
        return [event for event in self.events if event.kind in kinds and event.at <= now]

    def gone(self, now: datetime) -> str | None:
        """How it is gone now, or None."""
        last = self.happened(now, "removed", "restored")
        return last[-1].how if last and last[-1].kind == "removed" else None


def written(count: int, days: int, seed: int = 7) -> list[Article]:
    """The articles with their script: one in two has one."""
    chance = random.Random(seed)
    articles = []
    for number in range(count):
        published = (
            START - chance.random() * 60 * DAY if number % 4 == 0 else START + chance.random() * days * 0.5 * DAY
        )
        article = Article(number, published.replace(microsecond=0))
        begin = max(article.published, START) + DAY
        calm = [begin + chance.choice((2 * HOUR, 30 * HOUR, 9 * DAY, 40 * DAY)) for _ in range(2)]
        match number % 10:
            case 1 | 2:
                article.events = [Event("edited", calm[0], "loud" if number % 10 == 1 else "silent")]
            case 3:
                article.events = [Event("headline", calm[0], "loud")]
            case 4:
                article.events = [Event("removed", calm[0], REMOVALS[number // 10 % len(REMOVALS)])]
            case 5:
                gone = Event("removed", calm[0], REMOVALS[number // 10 % len(REMOVALS)])
                article.events = [gone, Event("restored", gone.at + 30 * DAY)]
            case _:
                pass
        articles.append(article)
    return articles


class Paper:
    """The site: what each path shows at a moment."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self.articles = {article.path: article for article in articles}
        self.now = START
        self.requests = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response to a request."""
        self.requests += 1
        base = f"http://{request.host}"
        if OUTAGE[0] <= self.now - START < OUTAGE[1]:
            return web.Response(status=503, text="down")
        if request.path == "/robots.txt":
            return web.Response(text=f"Sitemap: {base}/sitemap.xml\n")
        if request.path == "/sitemap.xml":
            return web.Response(text=self._map(base), content_type="application/xml")
        if request.path == "/":
            return web.Response(text="<html><body><h1>The Paper</h1></body></html>", content_type="text/html")
        article = self.articles.get(request.path)
        if article is None or article.published > self.now:
            return web.Response(status=404, text="<h1>404</h1>", content_type="text/html")
        if WALL[0] <= self.now - START < WALL[1]:
            return web.Response(status=403, text=WALL_PAGE, content_type="text/html")
        return self._article(article)

    def _map(self, base: str) -> str:
        out = (one for one in self.articles.values() if one.published <= self.now)
        listed = "".join(f"<url><loc>{base}{one.path}</loc></url>" for one in out)
        return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'

    def _article(self, article: Article) -> web.Response:
        gone = article.gone(self.now)
        if gone in ("404", "410", "451"):
            return web.Response(status=int(gone), text="<h1>Gone</h1>", content_type="text/html")
        if gone == "home":
            return web.Response(status=302, headers={"Location": "/"})
        if gone == "soft404":
            body = "<html><head><title>Page not found</title></head><body><h1>Page not found</h1><p>Sorry.</p></body>"
            return web.Response(text=body, content_type="text/html")
        if gone == "notice":
            body = "<html><head><title>The Paper</title></head><body><article><h1>This article has been removed</h1>"
            return web.Response(text=f"{body}<p>This article has been removed.</p></article>", content_type="text/html")
        return web.Response(text=self._page(article), content_type="text/html")

    def _page(self, article: Article) -> str:
        edits, heads = article.happened(self.now, "edited"), article.happened(self.now, "headline")
        loud = [event for event in (*edits, *heads) if event.how == "loud"]
        modified = max((event.at for event in loud), default=article.published).isoformat()
        headline = f"{_sentence(article.number, 0)} ({'denied' if heads else 'confirmed'})"
        told = [f"{_sentence(article.number, part)}." for part in range(1, 9)]
        if edits:
            told[3] = f"{_sentence(article.number, 99)}, which was not said before."
        head = (
            f"<title>{headline}</title><meta property='og:type' content='article'><script type='application/ld+json'>"
            + json.dumps(
                {
                    "@type": "NewsArticle",
                    "headline": headline,
                    "datePublished": article.published.isoformat(),
                    "dateModified": modified,
                    "author": {"@type": "Person", "name": "Ada Brook"},
                }
            )
            + "</script>"
        )
        week = (self.now - START) // (7 * DAY)
        banner = f"Readers keep this paper going: campaign {week} asks for {week * 37 % 900} new friends by Sunday."
        if self.now - START < REDESIGN:
            text = "".join(f"<p>{line}</p>" for line in told)
            main = f"<article><h1>{headline}</h1>{text}</article><div class='donate'><p>{banner}</p></div>"
        else:
            text = "".join(f"<p class='t'>{line}</p>" for line in told)
            main = f"<main><section class='story'><h1>{headline}</h1><div class='x1'>{text}</div></section>"
            main += f"<div class='x2 donation-box'><p>{banner}</p></div></main>"
        return f"<html lang='en'><head>{head}</head><body><nav><a href='/'>Home</a></nav>{main}</body></html>"


def _sentence(number: int, part: int) -> str:
    chance = random.Random(f"{number}-{part}")
    return " ".join(["The", *(chance.choice(WORDS) for _ in range(14)), str(chance.randrange(9999))])


class Time:
    """The clock of everything: it stands still while there is work, and jumps when there is none."""

    def __init__(self, paper: Paper, end: datetime) -> None:
        self.paper, self.end = paper, end
        self.over = asyncio.Event()
        self.ticks = 0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The moment; never the same twice, so that what follows is later."""
        with self._lock:
            self.ticks += 1
            return self.paper.now + timedelta(microseconds=self.ticks % 1_000_000)

    async def sleep(self, seconds: float) -> None:
        """Let that time pass at once, half an hour at least, so that what falls due about then is visited together."""
        self.paper.now += timedelta(seconds=max(seconds, 1800.0))
        if self.paper.now >= self.end:
            self.over.set()
        await asyncio.sleep(0)


def watched(root: Path, paper: Paper, days: int) -> tuple[list[Entry], int, float]:
    """The ledger after the year, the bytes that are kept, and the seconds that it took."""
    started = time.monotonic()
    place = Place((DirectoryStore(root),), root / STATE_DIRECTORY)
    clock = Time(paper, START + days * DAY)
    archive = Archive.open(place, ArchiveSettings(), clock.now, create=True)
    keeper, pool = Keeper(archive), ReaderPool(2, timeout_seconds=20, limits=ReadLimits(), preload=["crawler.listing"])
    options = CrawlOptions(user_agent="newsark-year", watch=True, look_at_clock_seconds=1e9, settle_seconds=0.004)
    archive.courier.start()

    async def main(process: AsyncCrawlerProcess) -> list[SourceReport]:
        runner = web.ServerRunner(web.Server(paper.answer))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        source = Source(
            id="paper",
            name="The Paper",
            home=f"{base}/",
            discover="listed",
            sitemaps=(f"{base}/sitemap.xml",),
            allow_hosts=("127.0.0.1",),
            delay_seconds=0,
            max_concurrency=8,
        )
        services = Services(keeper, pool, options, clock.now, sleep=clock.sleep, stopping=clock.over)
        try:
            return await crawl_all(process, services, [Errand(source)])
        finally:
            await runner.cleanup()

    try:
        (report,) = in_reactor(main)
        if report.outcome != "interrupted":
            raise SystemExit(f"the watch ended by itself: {report.outcome} {report.problems}")
        entries = ledger(archive)
    finally:
        keeper.close()
        pool.close()
        archive.close()
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    return entries, size, time.monotonic() - started


def matched(
    articles: Mapping[str, Article], entries: Sequence[Entry], end: datetime
) -> tuple[dict[str, list[timedelta]], list[Event], list[Entry]]:
    """Delays by kind, what was missed, and what nobody scripted."""
    left: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        left[urlsplit(entry.url).path, entry.kind].append(entry)
    delays: dict[str, list[timedelta]] = defaultdict(list)
    missed = []
    for article in articles.values():
        for event in article.events:
            found = [entry for entry in left[article.path, event.kind] if entry.at >= event.at]
            silent_is_right = not found or event.kind == "removed" or found[0].silent in (None, event.how == "silent")
            if found and silent_is_right:
                left[article.path, event.kind].remove(found[0])
                delays[f"{event.kind} {event.how}".strip()].append(found[0].at - event.at)
            elif event.at < end - 22 * DAY:
                missed.append(event)
    false = [entry for some in left.values() for entry in some if not entry.kind.startswith("source-")]
    return delays, missed, false


def shown(delays: Mapping[str, list[timedelta]], entries: Sequence[Entry]) -> Iterator[str]:
    """The table, a line for each kind."""
    yield f"{'scripted':20}{'found':>7}{'median':>10}{'longest':>10}"
    for kind, some in sorted(delays.items()):
        middle, longest = median(one / HOUR for one in some), max(one / HOUR for one in some)
        yield f"{kind:20}{len(some):>7}{middle:>8.1f} h{longest:>8.1f} h"
    for entry in entries:
        if entry.kind.startswith("source-"):
            yield f"{entry.kind} ({entry.state}) day {(entry.at - START) / DAY:.1f}: {entry.detail or ''}"


def main() -> None:
    """Write the script, watch it, compare."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--articles", type=int, default=400)
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    articles = written(chosen.articles, chosen.days)
    paper = Paper(articles)
    with tempfile.TemporaryDirectory() as directory:
        entries, size, seconds = watched(Path(directory) / "archive", paper, chosen.days)
    delays, missed, false = matched(paper.articles, entries, START + chosen.days * DAY)
    facts: dict[str, Any] = {
        "seconds": round(seconds, 1),
        "requests": paper.requests,
        "bytes": size,
        "found": sum(map(len, delays.values())),
        "missed": len(missed),
        "false": dict(Counter(entry.kind for entry in false)),
    }
    if chosen.json:
        print(json.dumps(facts))
    else:
        print("\n".join(shown(delays, entries)))
        for event in missed[:10]:
            print(f"missed: {event}")
        for entry in false[:10]:
            print(f"not scripted: {entry.as_json()}")
        print(json.dumps(facts))
    raise SystemExit(bool(missed or false))


if __name__ == "__main__":
    main()
