"""Text, title, authors, date and CPU time of Newsark and of plain trafilatura on the same pages, in one run.

    python benchmarks/extraction.py --corpus DIR [--limit N] [--ids ID,…] [--json]
    python benchmarks/extraction.py --own [--json]
    python benchmarks/extraction.py --seed-case DIR

DIR holds truth.jsonl (`id`, `set`, `url`, `text`, and for some pages `title`, `authors`, `published`, `topics`) and
pages/<id>.html.gz. Pages are split in two halves by a hash of their id, so that a change that was made looking at one
half can be judged by the other. Means have 95 % bootstrap intervals; p is of a paired sign-flip
test against plain trafilatura. No page states its true language: `language` is agreement with the language detected
on the true text. Titles and tags are compared after NFKC, one kind of quote and single spaces.
Shingle F1 is the mean of the pages' own. A second table
shows the pages by the confidence that their record states. --own reads the invented pages of tests/quality, which the
tests hold to their floors. The seed case is a folder of
NAME_N.html and NAME_N.json (`body`, `boilerplate`).
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import time
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from py3langid import langid
from trafilatura import bare_extraction, extract

sys.path.insert(0, str(Path(__file__).parent.parent))

import pipelines.preload  # noqa: F401 - load what a worker has loaded before its first page
from benchmarks.intervals import interval, paired
from benchmarks.textscores import f1_of, rouge_l, shingle_parts, tokens
from pipelines.learned import learn_and_apply
from pipelines.page import PageInput, ReadLimits
from pipelines.read import read_page

LIMITS = ReadLimits()
LEARNED = "newsark, furniture learned"
SEED_URL = "https://example.org/2024/08/10/story"
PLAIN = "trafilatura, default, JSON"
LEAK = re.compile(
    r"newsletter|sign up|subscribe|read (?:more|also)|also read|lesen sie|mehr zum thema|all rights reserved|copyright"
    r"|©|follow us|share this|lire aussi|leia também|lee también|leggi anche|les også|läs också|читайте также",
    re.IGNORECASE,
)
"""What a line that leaked from the page's furniture often says; counted only where the true text lacks the line."""

KINDS = re.compile(
    r"newsletter|subscri|sign up|read (?:more|also|next)|related(?: articles| stories|:)|copyright|all rights reserved"
    r"|©|follow us|share (?:this|on)|facebook|whatsapp|support (?:us|our)|donat|contribut(?:e|ion) to|cookie",
    re.IGNORECASE,
)
"""Cues by kind: read-more, newsletter, subscription, copyright, social, support, cookies. Support over-counts."""


@dataclass(slots=True)
class Answer:
    """What one reader says of one page; `title` is None when it reads no more than the text."""

    text: str = ""
    title: str | None = None
    authors: tuple[str, ...] = ()
    published: str = ""
    tags: tuple[str, ...] = ()
    section: bool | None = None
    language: str | None = None
    confidence: float | None = None


def newsark(url: str, body: bytes) -> Answer:
    article = read_page(PageInput(url, body, status=None), LIMITS).article or {}
    authors = tuple(author["name"] for author in article.get("author", ()))
    return Answer(
        article.get("articleBody") or "",
        article.get("headline") or "",
        authors,
        article.get("datePublished") or "",
        tuple(article.get("keywords", ())),
        bool(article.get("articleSection")),
        article.get("inLanguage") or "",
        (article.get("metadata") or {}).get("confidence"),
    )


def trafilatura_default(url: str, body: bytes) -> Answer:
    found = extract(body, url=url, output_format="json", with_metadata=True)
    values = json.loads(found) if found else {}
    authors = tuple(name.strip() for name in (values.get("author") or "").split(";") if name.strip())
    return Answer(
        values.get("text") or "",
        values.get("title") or "",
        authors,
        values.get("date") or "",
        tuple(tag.strip() for tag in re.split("[,;]", values.get("tags") or "") if tag.strip()),
        bool(values.get("categories")),
        values.get("language") or "",
    )


def trafilatura_no_comments(url: str, body: bytes) -> Answer:
    found = bare_extraction(body, url=url, include_comments=False, with_metadata=False)
    return Answer(getattr(found, "text", None) or "")


READERS: dict[str, Callable[[str, bytes], Answer]] = {
    "newsark": newsark,
    "trafilatura, default, JSON": trafilatura_default,
    "trafilatura, no comments": trafilatura_no_comments,
}


Scores = dict[str, float]
"""One page's scores of one reader, by name; a name is missing where the truth or the reader says nothing."""


def corpus_pages(corpus: Path, rows: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Each row of truth with the bytes of its page."""
    for row in rows:
        yield row, gzip.decompress((corpus / "pages" / f"{row['id']}.html.gz").read_bytes())


def own_pages() -> Iterator[tuple[dict[str, Any], bytes]]:
    """The invented pages of tests/quality with their truth; the set of each is its template."""
    from tests.quality.templates import pages, truth

    for page in pages():
        yield truth(page), page.html


def measure(pages: Iterable[tuple[dict[str, Any], bytes]]) -> dict[str, dict[str, Any]]:
    """For all pages, each half and each set: each reader's scores, and Newsark's difference from plain trafilatura."""
    groups: dict[str, dict[str, list[Scores]]] = defaultdict(lambda: {name: [] for name in READERS})
    warm = b"<html><body><h1>Warm up</h1><p>2 March 2026</p><p>" + b"word " * 200 + b"</p></body></html>"
    for reader in READERS.values():
        reader("https://example.org/", warm)
    confident: list[tuple[float, float]] = []
    for row, body in pages:
        half = "half " + "AB"[zlib.crc32(row["id"].encode()) & 1]
        for name, reader in READERS.items():
            started = time.process_time()
            answer = reader(row["url"], body)
            cpu_ms = (time.process_time() - started) * 1000
            scores = page_scores(row, answer) | {"cpuMs": cpu_ms}
            if answer.confidence is not None:
                confident.append((answer.confidence, scores["rougeL"]))
            for group in ("all", half, row["set"]):
                groups[group][name].append(scores)
    results = {group: compare(readers) for group, readers in groups.items()}
    results["all"]["byConfidence"] = by_confidence(confident)
    return results


def by_confidence(pages: Iterable[tuple[float, float]]) -> list[dict[str, float]]:
    """Pages by the confidence that they state: how many, their mean ROUGE-L, how many of them are under .9."""
    found = list(pages)
    table = []
    for low, high in pairwise((0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.01)):
        scores = [score for confidence, score in found if low <= confidence < high]
        if scores:
            under = sum(score < 0.9 for score in scores)
            table.append({"from": low, "pages": len(scores), "rougeL": sum(scores) / len(scores), "below0.9": under})
    return table


def page_scores(row: dict[str, Any], answer: Answer) -> Scores:
    found, true = tokens(answer.text), tokens(row["text"])
    rouge, known = rouge_l(found, true), " ".join(true)
    scores: Scores = {
        "rougeL": rouge,
        "shingleF1": f1_of([shingle_parts(found, true)]),
        "leakPages": _leaks(LEAK, answer.text, known),
        "leakPagesByKind": _leaks(KINDS, answer.text, known),
        "below0.5": rouge < 0.5,
        "below0.8": rouge < 0.8,
    }
    if answer.language is not None:
        scores["language"] = answer.language.split("-")[0] == langid.classify(row["text"])[0]
        scores["sectionFilled"] = bool(answer.section)
    if "title" in row and answer.title is not None:
        scores["title"] = _plain(answer.title) == _plain(row["title"] or "")
        scores["authors"] = set(answer.authors) == set(row["authors"] or ())
        scores["dateDay"] = answer.published[:10] == row["published"][:10]
        scores["dateTime"] = _same_minute(answer.published, row["published"])
        scores |= _tags({_plain(tag).lower() for tag in answer.tags}, {_plain(tag).lower() for tag in row["topics"]})
    return {name: float(value) for name, value in scores.items()}


def _tags(found: set[str], true: set[str]) -> Scores:
    """Precision, recall and F1 of one page that has true tags; precision only where any were found."""
    if not true:
        return {}
    both = len(found & true)
    scores = {"tagsRecall": both / len(true), "tagsF1": 2 * both / (len(found) + len(true))}
    return scores | ({"tagsPrecision": both / len(found)} if found else {})


def _plain(text: str) -> str:
    """NFKC, with every kind of quote as one and single spaces: how titles and tags are compared."""
    return " ".join(re.sub("[\"'`´‘’‚“”„«»]", "'", unicodedata.normalize("NFKC", text)).split())


def compare(readers: dict[str, list[Scores]]) -> dict[str, Any]:
    """Each reader's mean with interval by score; `difference` is Newsark minus plain trafilatura, page by page."""
    answer: dict[str, Any] = {"pages": len(readers["newsark"]), "difference": {}}
    names = list(dict.fromkeys(name for pages in readers.values() for page in pages for name in page))
    for reader, pages in readers.items():
        columns = {name: [page[name] for page in pages if name in page] for name in names}
        answer[reader] = {name: asdict(interval(values)) for name, values in columns.items() if values}
    pairs = list(zip(readers["newsark"], readers[PLAIN], strict=True))
    for name in names:
        both = [(one[name], other[name]) for one, other in pairs if name in one and name in other]
        if both:
            answer["difference"][name] = asdict(paired(*zip(*both, strict=True)))
    answer["cpuRatio"] = answer["newsark"]["cpuMs"]["mean"] / answer[PLAIN]["cpuMs"]["mean"]
    return answer


def _leaks(cue: re.Pattern[str], text: str, true: str) -> bool:
    return any(cue.search(line) and " ".join(tokens(line)) not in true for line in text.split("\n"))


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


def _blocks(results: dict[str, dict[str, Any]]) -> None:
    """One table a set: a row a score, mean and interval a reader, and the difference from plain trafilatura."""
    for group, values in sorted(results.items()):
        print(f"\n{group}: {values['pages']} pages; CPU {values['cpuRatio']:.2f} x {PLAIN}")
        print(f"{'':16}" + "".join(f"{name:>32}" for name in (*READERS, "newsark - default, p")))
        for score in values["newsark"]:
            cells = [_cell(values[name].get(score)) for name in READERS]
            apart = values["difference"].get(score)
            cells.append(f"{_cell(apart['difference'])} {apart['p']:.4f}" if apart else "-")
            print(f"{score:16}" + "".join(f"{cell:>32}" for cell in cells))


def _confidence(results: dict[str, dict[str, Any]]) -> None:
    for row in results.get("all", {}).get("byConfidence", ()):
        share = row["below0.9"] / row["pages"]
        print(
            f"confidence from {row['from']:.2f}: {row['pages']:4.0f} pages, ROUGE-L {row['rougeL']:.3f}, "
            f"under .9 {row['below0.9']:.0f} ({share:.1%})"
        )


def _cell(found: dict[str, float] | None) -> str:
    return f"{found['mean']:.3f} [{found['low']:.3f}, {found['high']:.3f}]" if found else "-"


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
    parser.add_argument("--own", action="store_true", help="the pages of tests/quality")
    parser.add_argument("--seed-case", type=Path)
    parser.add_argument("--ids", help="only these pages, with commas between")
    parser.add_argument("--limit", type=int, help="only so many pages")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    args = parser.parse_args()
    if args.corpus is None and args.seed_case is None and not args.own:
        parser.error("give --corpus DIR, --own or --seed-case DIR")
    results: dict[str, Any] = {}
    if args.corpus is not None:
        rows = [json.loads(line) for line in (args.corpus / "truth.jsonl").read_text().splitlines()]
        chosen = set(args.ids.split(",")) if args.ids else None
        wanted = [row for row in rows if chosen is None or row["id"] in chosen][: args.limit]
        results["corpus"] = measure(corpus_pages(args.corpus, wanted))
    if args.own:
        results["own"] = measure(own_pages())
    if args.seed_case is not None:
        results["seedCase"] = seed_case(args.seed_case)
    if args.json:
        print(json.dumps(results))
    else:
        for name in ("corpus", "own"):
            _blocks(results.get(name, {}))
            _confidence(results.get(name, {}))
        _table(results.get("seedCase", {}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
