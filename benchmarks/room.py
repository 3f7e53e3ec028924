"""The reading room with very many articles: how soon it is there, and how long its pages take.

    python benchmarks/room.py [--articles 100000] [--keep DIRECTORY] [--json]

Builds the archive of benchmarks/bigarchive.py (or takes the one in DIRECTORY), opens `newsark serve` over it as a
process of its own, and asks it over loopback, one request after the other: searches with all their filters and twenty
articles, article pages, the front page. Times are whole answers, HTML made and received. The plans of the queries are
in the output of benchmarks/searching.py.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil

from benchmarks.bigarchive import build

ROUNDS = 3
PAGE = {"Accept": "text/html"}


def main() -> None:
    """Build, open, ask, tell."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--articles", type=int, default=100_000)
    options.add_argument("--keep", type=Path, help="a directory for the archive; one that is there is taken as it is")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        directory = chosen.keep or Path(scratch) / "archive"
        if not directory.exists():
            build(directory, chosen.articles)
        facts = measured(directory)
    if not chosen.json:
        for name, value in facts.items():
            print(f"{name.replace('_', ' '):42} {value}")
    print(json.dumps(facts))


def measured(directory: Path) -> dict[str, float]:
    """Seconds, milliseconds and megabytes, by what was asked."""
    facts: dict[str, float] = {}
    began = time.perf_counter()
    with serving(directory) as (process, ask):
        facts["first_page_after_start_s"] = round(_seconds(lambda: ask("/")), 2)
        facts["process_start_to_first_page_s"] = round(time.perf_counter() - began, 2)
        words = some_words(ask)
        facts["search_ms"], facts["search_p95_ms"] = times([lambda path=path: ask(path) for path in searches(words)])
        ids = [one["id"] for word in words for one in json.loads(ask(f"/search.json?q={quote(word)}"))["articles"]]
        random.Random(3).shuffle(ids)
        facts["article_ms"], facts["article_p95_ms"] = times(
            [lambda one=one: ask(f"/articles/{one}") for one in ids[:60]]
        )
        facts["front_ms"], _ = times([lambda: ask("/")] * 5)
        facts["sources_ms"], _ = times([lambda: ask("/sources")] * 3)
        facts["ledger_first_s"] = round(_seconds(lambda: ask("/ledger")), 2)
        facts["ledger_again_ms"], _ = times([lambda: ask("/ledger?page=2")] * 3)
        facts["figures_first_s"] = round(_seconds(lambda: ask("/figures")), 2)
        facts["memory_mb"] = round(psutil.Process(process.pid).memory_info().rss / 1e6)
    return facts


@contextmanager
def serving(directory: Path) -> Iterator[tuple[subprocess.Popen[str], Callable[[str], bytes]]]:
    """The process, and a function that gives the page at a path."""
    command = [sys.executable, "-m", "newsark", "serve", "--port", "0", "--no-replay", "--archive", str(directory)]
    limits = {"NEWSARK_SERVE_SEARCHES_PER_MINUTE": "0"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **limits})
    assert process.stdout is not None
    host = process.stdout.readline().rpartition("http://")[2].strip().rstrip("/")
    connection = http.client.HTTPConnection(host, timeout=600)

    def ask(path: str) -> bytes:
        connection.request("GET", path, headers={} if ".json" in path else PAGE)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:300])
        return body

    try:
        yield process, ask
    finally:
        connection.close()
        process.terminate()
        process.wait(timeout=30)


def some_words(ask: Callable[[str], bytes]) -> list[str]:
    """Words of the newest headlines: frequent ones and rare ones, in all three languages."""
    lines = json.loads(ask("/search.json?sort=newest"))["articles"]
    chance = random.Random(5)
    words = [word for line in lines for _, text in line["headline"] for word in text.split()]
    return chance.sample(sorted(set(words)), min(8, len(set(words))))


def searches(words: list[str]) -> list[str]:
    """Addresses of searches: one word, two, a phrase, a beginning, filters, no words."""
    found = ["/search", "/search?state=removed", "/search?sort=oldest&language=ru"]
    for one, other in zip(words, words[1:] + words[:1], strict=True):
        found += [
            f"/search?q={quote(one)}",
            "/search?q=" + quote(f"{one} OR {other}"),
            "/search?q=" + quote(f'"{one} {other}"'),
            f"/search?q={quote(one[:3])}*",
            f"/search?q={quote(one)}&source=paper1&published=2024",
        ]
    return found


def times(asks: list[Callable[[], object]]) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds, each asked a few times."""
    every = sorted(_seconds(ask) * 1000 for _ in range(ROUNDS) for ask in asks)
    return round(statistics.median(every), 1), round(every[int(len(every) * 0.95)], 1)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
