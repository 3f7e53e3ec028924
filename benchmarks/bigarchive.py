"""An archive of very many articles, written by the project's own Archive: for the benchmarks of search and of the web.

    python benchmarks/bigarchive.py DIRECTORY [--articles 100000]

Each article has a text of about 5 kB: half of them Russian, a third English, the rest Chinese, with words as frequent
as in real texts (Zipf's law) and in several forms, in eight sources over eight years. Every twentieth has a second
version; every thirtieth was visited again and is gone. The same number gives the same archive.
"""

from __future__ import annotations

import argparse
import html
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import orjson

from pipelines.article import ArticleRecord
from pipelines.compare import content_digest
from storage.archive import Archive, ArchiveSettings, Settlement
from storage.capture import Capture
from storage.events import RunBegan, RunEnded
from storage.exchange import Exchange
from storage.fingerprints import HASH_BYTES, fingerprint_of
from storage.lead import NewLead, lead_identity
from storage.leads import Acknowledgement, Leads
from storage.timestamps import warc_date
from storage.uris import urlkey
from storage.versions import Observation, Version

SOURCES = tuple(f"paper{number}" for number in range(1, 9))
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
GROUP = 100
AUTHORS, SECTIONS = 400, ("politics", "economy", "culture", "sport", "science", "society")
_RUSSIAN = ("", "а", "ы", "у", "ом", "е", "ов", "ами", "ский", "ского")
_ENGLISH = ("", "s", "ed", "ing", "er", "ly")


@dataclass(frozen=True, slots=True)
class Language:
    """Words from the most frequent to the rarest, with their frequencies added up."""

    tag: str
    words: Sequence[str]
    weights: Sequence[float]
    per_text: int
    joint: str = " "

    def some(self, chance: random.Random, count: int) -> str:
        """A text of so many words, in sentences and paragraphs."""
        words = chance.choices(self.words, cum_weights=self.weights, k=count)
        stop = "。" if not self.joint else ". "
        sentences = [self.joint.join(words[start : start + 14]) for start in range(0, count, 14)]
        return "\n".join(stop.join(sentences[start : start + 5]) for start in range(0, len(sentences), 5))


def languages() -> tuple[Language, ...]:
    """Russian, English and Chinese as far as an index is concerned."""
    chance = random.Random(7)
    russian = _forms(chance, "бвгдзклмнпрстфхчшж", "аеиоуяюы", _RUSSIAN, 9_000)
    english = _forms(chance, "bcdfghklmnprstvwz", "aeiou", _ENGLISH, 9_000)
    signs = [chr(code) for code in range(0x4E00, 0x4E00 + 3_000)]
    chinese = list(dict.fromkeys("".join(chance.choices(signs, k=chance.choice((1, 2, 2, 3)))) for _ in range(40_000)))
    return (
        Language("ru", russian, _zipf(len(russian)), 290),
        Language("en", english, _zipf(len(english)), 590),
        Language("zh", chinese, _zipf(len(chinese)), 800, ""),
    )


def _forms(chance: random.Random, consonants: str, vowels: str, endings: Sequence[str], count: int) -> list[str]:
    """Words of so many roots, each in several forms, in an order of their own."""
    roots = {
        "".join(chance.choice(consonants) + chance.choice(vowels) for _ in range(chance.randint(1, 4)))
        + chance.choice(consonants)
        for _ in range(count)
    }
    words = [root + ending for root in sorted(roots) for ending in endings if not ending or chance.random() < 0.6]
    chance.shuffle(words)
    return list(dict.fromkeys(words))


def _zipf(count: int) -> list[float]:
    return list(accumulate(1 / (rank + 2.7) for rank in range(count)))


def build(directory: Path, articles: int) -> None:
    """Write an archive of so many articles into a directory that is empty or not there."""
    clock, chance, known = _Clock(), random.Random(11), languages()
    settings = ArchiveSettings(segment_max_bytes=200_000_000, segment_max_age_seconds=1e9)
    archive = Archive.open(directory, settings, clock)
    for source in SOURCES:
        home = f"http://{source}.example/"
        archive.enlist(source, name=source.title(), home=home, toml=f'id = "{source}"\nhome = "{home}"\n')
    for start in range(0, articles, GROUP):
        source = SOURCES[(start // GROUP) % len(SOURCES)]
        numbers = range(start, min(start + GROUP, articles))
        urls = {number: f"http://{source}.example/{2019 + number % 8}/{number:07d}-a-story" for number in numbers}
        leads = [
            NewLead(url, lead_identity(url), "article", 60, via=f"http://{source}.example/feed")
            for url in urls.values()
        ]
        archive.with_leads(source, partial(_add, leads, clock()))
        ids = {lead.url: lead.id for lead in archive.with_leads(source, lambda table: table.lease(GROUP))}
        began = clock()
        first = Settlement(runs=[RunBegan(began)])
        again = Settlement(runs=[RunEnded(began, clock(), "finished", {}, [])])
        for number, url in urls.items():
            _write(archive, source, url, number, ids[url], chance, known, first, again)
        archive.settle(source, first)
        archive.settle(source, again)
    for source in SOURCES:
        archive.seal(source)
    archive.close()


def settle_pages(archive: Archive, source: str, numbers: range, group: int = 20) -> float:
    """Write articles of these numbers as a crawl does; milliseconds of CPU that each takes but for making it up."""
    chance, known, spent = random.Random(numbers.start), languages(), 0.0
    for start in range(numbers.start, numbers.stop, group):
        urls = {number: f"http://{source}.example/new/{number:07d}-a-story" for number in range(start, start + group)}
        leads = [NewLead(url, lead_identity(url), "article", 10) for url in urls.values()]
        first, again = Settlement(), Settlement()
        began = time.process_time()
        archive.with_leads(source, partial(_add, leads, archive.clock()))
        ids = {lead.url: lead.id for lead in archive.with_leads(source, lambda table: table.lease(group))}
        spent += time.process_time() - began
        for number, url in urls.items():
            _write(archive, source, url, number, ids[url], chance, known, first, again)
        marked = [replace(one, fingerprint=_fingerprint(chance)) for one in first.versions]
        began = time.process_time()
        archive.alike(source, [one.fingerprint or "" for one in marked])
        archive.articles_of_leads(source, list(ids.values()))
        archive.latest_versions(source, [one.article for one in marked])
        archive.settle(source, replace(first, versions=marked))
        spent += time.process_time() - began
    return 1e3 * spent / len(numbers)


def _fingerprint(chance: random.Random) -> str:
    return fingerprint_of(sorted((chance.randrange(1 << 40) >> 2).to_bytes(HASH_BYTES) for _ in range(64)))


class _Clock:
    """A clock that goes on by itself, so that writing takes no real days."""

    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=500)
        return self.now


def _add(leads: list[NewLead], now: datetime, table: Leads) -> int:
    return table.add(leads, now)


def _write(
    archive: Archive,
    source: str,
    url: str,
    number: int,
    lead_id: int,
    chance: random.Random,
    known: Sequence[Language],
    first: Settlement,
    again: Settlement,
) -> None:
    """One article, and what later visits found."""
    language = chance.choices(known, (50, 35, 15))[0]
    text, headline = language.some(chance, language.per_text), language.some(chance, 8)
    facts = {
        "author": [{"name": f"Author{chance.randrange(AUTHORS)} Writer"}],
        "articleSection": [chance.choice(SECTIONS)],
        "keywords": [language.some(chance, 1) for _ in range(3)],
        "datePublished": f"{2019 + number % 8}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}T08:00:00Z",
        "inLanguage": language.tag,
    }
    before = _version(archive, source, url, lead_id, facts | {"headline": headline, "articleBody": text}, first, None)
    if number % 20 == 0:
        edited = facts | {"headline": headline, "articleBody": f"{text}\n{language.some(chance, 20)}"}
        _version(archive, source, url, lead_id, edited, again, before)
        _observe(archive, url, lead_id, "edited", again)
    elif number % 30 == 1:
        _observe(archive, url, lead_id, "removed", again)


def _version(
    archive: Archive,
    source: str,
    url: str,
    lead_id: int,
    facts: dict[str, object],
    into: Settlement,
    before: Version | None,
) -> Version:
    capture = archive.keep(source, _exchange(archive, url, facts), lead_id=lead_id)
    number = before.version + 1 if before else 1
    record = _record(url, facts, capture, number, before.record_id if before else None)
    line = record.line()
    version = Version(
        article=lead_identity(url),
        record_id=record.id,
        version=number,
        url=url,
        content_digest=record.content_digest or "",
        captured_at=capture.date,
        records_key="",
        line=line.decode(),
        lead_id=lead_id,
        canonical_url=url,
        headline=record.headline,
        date_published=record.date_published,
        in_language=record.in_language,
    )
    into.versions.append(version)
    into.records.append(line)
    into.acknowledgements.append(
        Acknowledgement(lead_id, "captured", None, None, archive.clock(), 0, None, None, None, capture.record_id)
    )
    into.found.append([])
    return version


def _record(url: str, facts: dict[str, object], capture: Capture, number: int, before: str | None) -> ArticleRecord:
    stored = {
        "filename": capture.key,
        "offset": capture.offset,
        "length": capture.length,
        "recordId": capture.record_id,
        "date": warc_date(capture.date),
        "status": 200,
        "mime": "text/html",
        "payloadDigest": capture.payload_digest,
    }
    metadata = {
        "extractor": "newsark-bench",
        "extractorVersion": "1",
        "schemaVersion": "1",
        "judgement": "article",
        "confidence": 0.9,
        "dateDownloaded": warc_date(capture.date),
    }
    told = {
        "id": lead_identity(f"{url}#{number}")[:32],
        "type": "NewsArticle",
        "url": url,
        "canonicalUrl": url,
        "urlkey": urlkey(url),
        "archive": stored,
        "metadata": metadata,
        "version": number,
        "previousVersion": before,
        "contentDigest": content_digest(facts),
    }
    return ArticleRecord.model_validate(told | facts)


def _observe(archive: Archive, url: str, lead_id: int, outcome: str, into: Settlement) -> None:
    at = archive.clock()
    into.observations.append(Observation(url, at, outcome, None, lead_identity(url), lead_id))
    line = {"type": "Observation", "url": url, "at": warc_date(at), "outcome": outcome}
    into.records.append(orjson.dumps(line))
    if outcome == "removed":
        into.acknowledgements.append(Acknowledgement(lead_id, "failed", "gone", None, at, 0, None))
        into.found.append([])


def _exchange(archive: Archive, url: str, facts: dict[str, object]) -> Exchange:
    now = archive.clock()
    paragraphs = "".join(f"<p>{html.escape(one)}</p>\n" for one in str(facts["articleBody"]).split("\n"))
    headline = html.escape(str(facts["headline"]))
    page = f"<!doctype html><meta charset=utf-8><title>{headline}</title><article><h1>{headline}</h1>\n{paragraphs}"
    body = f"{page}</article>".encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return Exchange(
        url=url,
        request=f"GET {url} HTTP/1.1\r\nHost: {url.split('/')[2]}\r\nUser-Agent: newsark-bench\r\n\r\n".encode(),
        started=now,
        ended=now,
        response_head=head.encode(),
        body=body,
        peer_address="192.0.2.7",
        peer_port=80,
    )


def main() -> None:
    """Write the archive and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--articles", type=int, default=100_000)
    options = parser.parse_args()
    started = time.monotonic()
    build(options.directory, options.articles)
    print(f"wrote {options.articles:,} articles in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
