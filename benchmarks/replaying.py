"""Replay beside the live page: the share of its files that replay answers with the same bytes, and how like it looks.

python benchmarks/replaying.py [--corpus DIR] [--pages 40] [--seed 1] [--shots DIR] [--json]

The sample newsroom's articles, and with a corpus a sample of real pages, whose files have stand-ins (standins.py). A
page is loaded in Chromium, whose only way is the stand-ins; then all pages are crawled, and each is loaded from replay.
What a live page asked for and got counts, by kind; what replay lacks of it is counted by the reason. Pages in which no
article was found have no files in the archive: they are counted and left out.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import html
import json
import os
import random
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import Browser, BrowserContext, Error, Page, Response, sync_playwright

from benchmarks.likeness import likeness
from benchmarks.standins import SITEMAP, Standins
from crawler.trackers import tracker
from tests.newsroom import running_newsroom

ROOT = Path(__file__).parent.parent
SIZE = {"width": 1280, "height": 1600}
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
KINDS = {"image": "image", "stylesheet": "style", "script": "script", "font": "font"}
SETTLE_MS, LOAD_MS = 1500, 15_000
NOW = "20400101000000"
_SCRIPT = re.compile(r"<script\b[^>]*>.*?</script", re.S | re.I)
_IN_SRCSET = re.compile(r"srcset\s*=\s*(?:\"[^\"]*|'[^']*)$", re.I)


@dataclass
class Live:
    """A page as it was live: its files by address with kind and digest, and what it looked like."""

    url: str
    markup: str = ""
    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    shot: bytes = b""


@dataclass
class Compared:
    """The page in replay: what it lacks by kind and reason, and how like it looks."""

    url: str
    asked: Counter[str]
    lacks: list[tuple[str, str, str]]
    ssim: float
    difference: float


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """A browser that is told its ways by flags."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=[*FLAGS, *flags])
        yield browser
        browser.close()


def load(page: Page, url: str) -> None:
    """Open it and wait until it has settled, or until that takes too long."""
    with suppress(Error):
        page.goto(url, wait_until="load", timeout=LOAD_MS)
    page.wait_for_timeout(SETTLE_MS)


def seen_live(context: BrowserContext, url: str) -> Live:
    """The page as it is live."""
    live, page = Live(url), context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    load(page, url)
    for answer in answers:
        if answer.status != 200 or not answer.url.startswith("http"):
            continue
        try:
            body = answer.body()
        except Error:
            continue
        if answer.request.is_navigation_request() and answer.frame == page.main_frame:
            live.markup = body.decode("utf-8", "replace")
            continue
        kind = KINDS.get(answer.request.resource_type, "other")
        live.files.setdefault(answer.url.partition("#")[0], (kind, hashlib.sha256(body).hexdigest()))
    live.shot = page.screenshot(animations="disabled")
    page.close()
    return live


@contextmanager
def replaying(home: Path) -> Iterator[str]:
    """The address of a replay of the archive there."""
    command = [sys.executable, "-m", "newsark", "replay", "--port", "0", "--archive", str(home / "archive")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().rpartition("http://")[2].strip().rstrip("/")
        finally:
            process.kill()


def compared(
    context: BrowserContext, replay: str, live: Live, leads: dict[str, tuple[str, str]]
) -> tuple[Compared, bytes]:
    """The page in replay beside the live one, and what it looks like there."""
    page = context.new_page()
    load(page, f"http://{replay}/archive/{NOW}/{live.url}")
    banner = page.evaluate("document.querySelector('header').offsetHeight")
    page.set_viewport_size({"width": SIZE["width"], "height": SIZE["height"] + banner})
    page.wait_for_timeout(SETTLE_MS)
    shot = page.locator("#replay").screenshot(animations="disabled")
    ssim, difference = likeness(page, live.shot, shot)
    page.close()
    lacks = []
    for url, (kind, digest) in live.files.items():
        if digest_in_replay(replay, url) != digest:
            lacks.append((kind, why(url, live, leads), url))
    asked = Counter(kind for kind, _ in live.files.values())
    return Compared(live.url, asked, lacks, ssim, difference), shot


def digest_in_replay(replay: str, url: str) -> str | None:
    """The digest of what replay has at that address."""
    try:
        stored = quote(url, safe="/:?&=*%~+,;@!$()[]|")
        with urlopen(f"http://{replay}/archive/{NOW}id_/{stored}", timeout=20) as answer:
            return hashlib.sha256(answer.read()).hexdigest()
    except OSError:
        return None


def why(url: str, live: Live, leads: dict[str, tuple[str, str]]) -> str:
    """Why replay lacks a file, as far as the catalogue and the markup tell."""
    if tracker(url):
        return "tracker"
    if url in leads:
        state, reason = leads[url]
        return reason.partition(":")[0] if reason else f"{state}, other bytes"
    parts = urlsplit(url)
    tail = parts.path + (f"?{parts.query}" if parts.query else "")
    markup = html.unescape(live.markup).replace("\\/", "/")
    if tail not in markup:
        return "never named in the markup"
    if tail not in _SCRIPT.sub(lambda tag: tag[0].partition(">")[0], markup):
        return "made by a script"
    before = markup.partition(tail)[0][-8000:]
    return "another candidate of a srcset" if _IN_SRCSET.search(before) else "named, not taken"


def crawl(home: Path, toml: dict[str, Any], command: list[str]) -> None:
    """Crawl a source into an archive there."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in toml.items()]
    (home / "source.toml").write_text("\n".join(lines) + "\n")
    options = ["--source-file", str(home / "source.toml"), "--archive", str(home / "archive"), "--no-progress"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEWSARK_")}
    done = subprocess.run([*command, "crawl", *options], cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"the crawl failed: {done.stderr}")


def of_corpus(corpus: Path, count: int, seed: int, home: Path) -> tuple[list[Live], list[str]]:
    """The pages live, after which they are crawled."""
    truth = [json.loads(line) for line in (corpus / "truth.jsonl").read_text().splitlines()]
    chosen = random.Random(seed).sample(truth, min(count, len(truth)))
    pages = {one["url"]: gzip.decompress((corpus / "pages" / f"{one['id']}.html.gz").read_bytes()) for one in chosen}
    standins = Standins(pages)
    with standins.served():
        rules = f"MAP *:80 127.0.0.1:{standins.port}, MAP *:443 127.0.0.1:{standins.tls_port}"
        with chromium(f"--host-resolver-rules={rules}", "--ignore-certificate-errors") as browser:
            context = browser.new_context(viewport=SIZE, ignore_https_errors=True)
            lives = [seen_live(context, url) for url in pages]
        hosts = sorted({urlsplit(url).netloc for url in pages})
        toml = {
            "id": "pages", "name": "Pages", "home": f"https://{hosts[0]}/", "discover": "listed", "delay_seconds": 0,
            "hosts": hosts, "sitemaps": sorted({f"https://{host}{SITEMAP}" for host in hosts}), "insecure_tls": True,
            "allow_hosts": sorted(standins.hosts | {urlsplit(url).netloc for one in lives for url in one.files}),
            "max_concurrency": 8, "daily_requests": 1_000_000, "daily_bytes": 10_000_000_000,
        }  # fmt: skip
        names = [sys.executable, "-m", "benchmarks.standins", str(standins.port), str(standins.tls_port)]
        crawl(home, toml, names)
    return lives, hosts


def of_sample(home: Path, count: int) -> list[Live]:
    """Articles of the sample newsroom live, after which it is crawled."""
    with running_newsroom() as site:
        host = site.url.removeprefix("http://")
        toml = {"id": "sample", "name": "Sample", "home": f"{site.url}/", "delay_seconds": 0, "allow_hosts": [host]}
        crawl(home, toml, [sys.executable, "-m", "newsark"])
        with closing(sqlite3.connect(home / "archive/.newsark/catalogue.sqlite")) as known:
            urls = [url for (url,) in known.execute("select distinct url from versions order by url limit ?", (count,))]
        with chromium() as browser:
            context = browser.new_context(viewport=SIZE)
            return [seen_live(context, url) for url in urls]


def measured(home: Path, lives: list[Live], shots: Path | None) -> dict[str, Any]:
    """What came of all pages; screenshots go to `shots`."""
    with closing(sqlite3.connect(home / "archive/.newsark/catalogue.sqlite")) as known:
        articles = {url for (url,) in known.execute("select url from versions")}
        rows = known.execute("select url, state, coalesce(reason, '') || ':' || coalesce(detail, '') from leads")
        leads = {url: (state, reason.strip(":")) for url, state, reason in rows}
    read = [live for live in lives if live.url in articles]
    pages = []
    with replaying(home) as replay, chromium() as browser:
        context = browser.new_context(viewport=SIZE)
        for number, live in enumerate(read):
            one, shot = compared(context, replay, live, leads)
            pages.append(one)
            if shots is not None:
                shots.mkdir(parents=True, exist_ok=True)
                (shots / f"{number:03}-live.png").write_bytes(live.shot)
                (shots / f"{number:03}-replay.png").write_bytes(shot)
    return summed(pages, len(lives) - len(read))


def summed(pages: list[Compared], left_out: int) -> dict[str, Any]:
    """All pages in one."""
    asked: Counter[str] = Counter()
    lacked: dict[str, Counter[str]] = defaultdict(Counter)
    for one in pages:
        asked += one.asked
        for kind, reason, _ in one.lacks:
            lacked[kind][reason] += 1
    kinds = {kind: {"asked": count, "answered": count - lacked[kind].total()} for kind, count in sorted(asked.items())}
    reasons: Counter[str] = sum(lacked.values(), Counter())
    wanted = asked.total() - reasons["tracker"]
    return {
        "pages": len(pages),
        "without_article": left_out,
        "asked": asked.total(),
        "answered": asked.total() - reasons.total(),
        "share": share(asked.total() - reasons.total(), asked.total()),
        "share_without_blocked": share(asked.total() - reasons.total(), wanted),
        "kinds": kinds,
        "lacking": {kind: dict(counts.most_common()) for kind, counts in lacked.items()},
        "ssim_median": round(statistics.median(one.ssim for one in pages), 4),
        "ssim_mean": round(statistics.fmean(one.ssim for one in pages), 4),
        "difference_mean": round(statistics.fmean(one.difference for one in pages), 4),
        "each": [
            {"url": one.url, "ssim": round(one.ssim, 3), "difference": round(one.difference, 4), "lacks": one.lacks}
            for one in pages
        ],
    }


def share(part: int, whole: int) -> float:
    """The part, 1 of nothing."""
    return round(part / whole, 4) if whole else 1.0


def show(name: str, facts: dict[str, Any]) -> None:
    """Print it for people."""
    print(f"{name}: {facts['pages']} pages ({facts['without_article']} more without an article)")
    print(f"  files answered {facts['answered']} of {facts['asked']} ({facts['share']:.1%};"
          f" {facts['share_without_blocked']:.1%} of those that are no trackers)")  # fmt: skip
    for kind, one in facts["kinds"].items():
        reasons = ", ".join(f"{count} {reason}" for reason, count in facts["lacking"].get(kind, {}).items())
        print(f"  {kind:8}{one['answered']:>6} of {one['asked']:<6}{reasons}")
    print(f"  likeness: SSIM {facts['ssim_median']} at the median, {facts['ssim_mean']} on average;"
          f" mean difference {facts['difference_mean']:.2%}")  # fmt: skip


def main() -> None:
    """Measure the sample newsroom, and a sample of the corpus."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--corpus", type=Path)
    options.add_argument("--pages", type=int, default=40)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--shots", type=Path)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    facts = {}
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        for part in ("sample", "real"):
            (home / part).mkdir()
        facts["sample newsroom"] = measured(home / "sample", of_sample(home / "sample", chosen.pages), None)
        if chosen.corpus:
            lives, _ = of_corpus(chosen.corpus, chosen.pages, chosen.seed, home / "real")
            facts["real pages"] = measured(home / "real", lives, chosen.shots)
    if chosen.json:
        print(json.dumps(facts))
        return
    for name, one in facts.items():
        show(name, one)


if __name__ == "__main__":
    main()
