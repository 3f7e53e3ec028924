"""Text, title, authors, date and CPU time of Newsark and of plain trafilatura on the same pages, in one run.

    python benchmarks/extraction.py --corpus DIR [--limit N] [--ids ID,…] [--json]
    python benchmarks/extraction.py --seed-case DIR

DIR holds truth.jsonl (`id`, `set`, `url`, `text`, and for some pages `title`, `authors`, `published`) and
pages/<id>.html.gz. Pages are split in two halves by a hash of their id, so that a change that was made looking at one
half can be judged by the other. The seed case is a folder of NAME_N.html and NAME_N.json (`body`, `boilerplate`).
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import statistics
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from trafilatura import bare_extraction, extract

sys.path.insert(0, str(Path(__file__).parent.parent))

import pipelines.preload  # noqa: F401 - load what a worker has loaded before its first page
from benchmarks.textscores import f1_of, rouge_l, shingle_parts, tokens
from pipelines.learned import learn_and_apply
from pipelines.page import PageInput, ReadLimits
from pipelines.read import read_page

LIMITS = ReadLimits()
LEARNED = "newsark, furniture learned"
SEED_URL = "https://example.org/2024/08/10/story"
LEAK = re.compile(
    r"newsletter|sign up|subscribe|read (?:more|also)|also read|lesen sie|mehr zum thema|all rights reserved|copyright"
    r"|©|follow us|share this|lire aussi|leia também|lee también|leggi anche|les også|läs också|читайте также",
    re.IGNORECASE,
)
"""What a line that leaked from the page's furniture often says; counted only where the true text lacks the line."""


@dataclass(slots=True)
class Answer:
    """What one reader says of one page; `title` is None when it reads no more than the text."""

    text: str = ""
    title: str | None = None
    authors: tuple[str, ...] = ()
    published: str = ""


@dataclass(slots=True)
class Tally:
    """Scores of one reader on one set of pages."""

    rouge: list[float] = field(default_factory=list)
    shingles: list[tuple[float, float, float]] = field(default_factory=list)
    leaks: list[bool] = field(default_factory=list)
    title: list[bool] = field(default_factory=list)
    authors: list[bool] = field(default_factory=list)
    date: list[bool] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float | int | None]:
        return {
            "pages": len(self.rouge),
            "rougeL": _mean(self.rouge),
            "shingleF1": round(f1_of(self.shingles), 4),
            "below0.8": sum(score < 0.8 for score in self.rouge),
            "leakPages": _mean(self.leaks),
            "titleExact": _mean(self.title),
            "authorSet": _mean(self.authors),
            "dateTime": _mean(self.date),
            "cpuMsMean": _mean(self.cpu_ms, 2),
            "cpuMsMedian": round(statistics.median(self.cpu_ms), 2),
        }


def newsark(url: str, body: bytes) -> Answer:
    article = read_page(PageInput(url, body, status=None), LIMITS).article or {}
    authors = tuple(author["name"] for author in article.get("author", ()))
    return Answer(
        article.get("articleBody") or "", article.get("headline") or "", authors, article.get("datePublished") or ""
    )


def trafilatura_default(url: str, body: bytes) -> Answer:
    found = extract(body, url=url, output_format="json", with_metadata=True)
    values = json.loads(found) if found else {}
    authors = tuple(name.strip() for name in (values.get("author") or "").split(";") if name.strip())
    return Answer(values.get("text") or "", values.get("title") or "", authors, values.get("date") or "")


def trafilatura_no_comments(url: str, body: bytes) -> Answer:
    found = bare_extraction(body, url=url, include_comments=False, with_metadata=False)
    return Answer(getattr(found, "text", None) or "")


READERS: dict[str, Callable[[str, bytes], Answer]] = {
    "newsark": newsark,
    "trafilatura, default, JSON": trafilatura_default,
    "trafilatura, no comments": trafilatura_no_comments,
}


def measure(corpus: Path, rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, dict[str, float | int | None]]]:
    """The summary of each reader for all pages, for each half and for each set."""
    tallies: dict[str, dict[str, Tally]] = {name: defaultdict(Tally) for name in READERS}
    warm = b"<html><body><h1>Warm up</h1><p>2 March 2026</p><p>" + b"word " * 200 + b"</p></body></html>"
    for reader in READERS.values():
        reader("https://example.org/", warm)
    for row in rows:
        body = gzip.decompress((corpus / "pages" / f"{row['id']}.html.gz").read_bytes())
        half = "half " + "AB"[zlib.crc32(row["id"].encode()) & 1]
        for name, reader in READERS.items():
            started = time.process_time()
            answer = reader(row["url"], body)
            cpu_ms = (time.process_time() - started) * 1000
            for group in ("all", half, row["set"]):
                _count(tallies[name][group], row, answer, cpu_ms)
    return {name: {group: tally.summary() for group, tally in groups.items()} for name, groups in tallies.items()}


def _count(tally: Tally, row: dict[str, Any], answer: Answer, cpu_ms: float) -> None:
    found, true = tokens(answer.text), tokens(row["text"])
    tally.rouge.append(rouge_l(found, true))
    tally.shingles.append(shingle_parts(found, true))
    tally.leaks.append(_leaks(answer.text, " ".join(true)))
    tally.cpu_ms.append(cpu_ms)
    if "title" in row and answer.title is not None:
        tally.title.append(" ".join(answer.title.split()) == " ".join((row["title"] or "").split()))
        tally.authors.append(set(answer.authors) == set(row["authors"] or ()))
        tally.date.append(_same_minute(answer.published, row["published"]))


def _leaks(text: str, true: str) -> bool:
    return any(LEAK.search(line) and " ".join(tokens(line)) not in true for line in text.split("\n"))


def _same_minute(found: str, true: str) -> bool:
    """Whether two dates are less than a minute apart; without an offset on both, as they stand."""
    try:
        one, other = datetime.fromisoformat(found), datetime.fromisoformat(true)
    except ValueError:
        return False
    if (one.tzinfo is None) != (other.tzinfo is None):
        one, other = one.replace(tzinfo=None), other.replace(tzinfo=None)
    return abs((one - other).total_seconds()) < 60


def seed_case(folder: Path) -> dict[str, dict[str, dict[str, int]]]:
    """For each reader and variant: boilerplate units in the text, paragraphs missing from it, paragraphs in all.

    Last Newsark again with the pages of a variant taken for one newsroom's, whose furniture it has learned.
    """
    counts: dict[str, dict[str, dict[str, int]]] = {name: {} for name in (*READERS, LEARNED)}
    read: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = defaultdict(list)
    for path in sorted(folder.glob("*.json")):
        truth, body = json.loads(path.read_text()), path.with_suffix(".html").read_bytes()
        variant = path.stem.rpartition("_")[0]
        for name, reader in READERS.items():
            _count_units(counts[name], variant, truth, reader(SEED_URL, body).text)
        read[variant].append((truth, dict(read_page(PageInput(SEED_URL, body, status=None), LIMITS).article or {})))
    for variant, pages in read.items():
        learned = learn_and_apply([(str(number), article) for number, (_, article) in enumerate(pages)])
        for (truth, _), article in zip(pages, learned, strict=True):
            _count_units(counts[LEARNED], variant, truth, article["articleBody"])
    return counts


def _count_units(counts: dict[str, dict[str, int]], variant: str, truth: dict[str, Any], text: str) -> None:
    tally = counts.setdefault(variant, {"leaked": 0, "missing": 0, "paragraphs": 0})
    tally["leaked"] += sum(unit in text for unit in truth["boilerplate"])
    tally["missing"] += sum(paragraph not in text for paragraph in truth["body"])
    tally["paragraphs"] += len(truth["body"])


def _mean(values: list[float] | list[bool], digits: int = 4) -> float | None:
    return round(statistics.fmean(values), digits) if values else None


def _table(results: dict[str, dict[str, dict[str, Any]]]) -> None:
    for name, groups in results.items():
        columns = list(next(iter(groups.values())))
        print(f"\n{name}\n{'':30}{''.join(f'{column:>13}' for column in columns)}")
        for group, values in sorted(groups.items()):
            cells = ("-" if values[column] is None else values[column] for column in columns)
            print(f"{group:30}{''.join(f'{cell:>13}' for cell in cells)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--seed-case", type=Path)
    parser.add_argument("--ids", help="only these pages, with commas between")
    parser.add_argument("--limit", type=int, help="only so many pages")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    args = parser.parse_args()
    if args.corpus is None and args.seed_case is None:
        parser.error("give --corpus DIR, --seed-case DIR or both")
    results: dict[str, Any] = {}
    if args.corpus is not None:
        rows = [json.loads(line) for line in (args.corpus / "truth.jsonl").read_text().splitlines()]
        chosen = set(args.ids.split(",")) if args.ids else None
        wanted = [row for row in rows if chosen is None or row["id"] in chosen][: args.limit]
        results["corpus"] = measure(args.corpus, wanted)
    if args.seed_case is not None:
        results["seedCase"] = seed_case(args.seed_case)
    if args.json:
        print(json.dumps(results))
    else:
        for part in results.values():
            _table(part)
    return 0


if __name__ == "__main__":
    sys.exit(main())
