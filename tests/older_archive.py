"""An archive of invented pages whose records an older extractor made, written without a network."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pipelines.article import ArticleRecord
from storage.archive import Archive, ArchiveSettings, Settlement
from storage.capture import Capture
from storage.events import RunBegan
from storage.exchange import Exchange
from storage.lead import NewLead, lead_identity
from storage.leads import Acknowledgement, Leads
from storage.place import Place
from storage.timestamps import warc_date
from storage.versions import Version

SOURCE = "invented"
HOME = "https://invented.example/"
OLDER = "0.0.1 (trafilatura 0.1)"
TOML = f'id = "{SOURCE}"\nname = "Invented"\nhome = "{HOME}"\n'
GROUP = 50
_WORDS = ("river", "council", "budget", "harbour", "teacher", "winter", "bridge", "festival", "doctor", "market")


class Clock:
    """A clock that goes on by itself, so that writing takes no real days."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time, a little later at each call."""
        self.now += timedelta(milliseconds=10)
        return self.now


@dataclass(frozen=True, slots=True)
class Story:
    """One invented article."""

    number: int
    headline: str
    paragraphs: tuple[str, ...]

    @property
    def url(self) -> str:
        """Its address."""
        return f"{HOME}2026/{self.number:06d}-a-story"

    def page(self) -> bytes:
        """Its page."""
        text = "".join(f"<p>{one}</p>" for one in self.paragraphs)
        head = f'<title>{self.headline}</title><meta property="og:type" content="article">'
        body = f"<header><nav><a href='/'>Home</a></nav></header><article><h1>{self.headline}</h1>{text}</article>"
        return f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>".encode()


def story(number: int) -> Story:
    """The story of that number, always the same."""
    chance = random.Random(number)
    paragraphs = tuple(
        " ".join(chance.choices(_WORDS, k=45)).capitalize() + f", said witness {number}-{part}." for part in range(6)
    )
    return Story(number, f"Story {number} of the {chance.choice(_WORDS)}", paragraphs)


def write_older_archive(
    place: Place,
    count: int,
    *,
    segment_bytes: int = 100_000_000,
    story_of: Callable[[int], Story] = story,
    source: str = SOURCE,
    more_toml: str = "",
    furniture: Sequence[str] = (),
) -> None:
    """An archive of so many articles there, sealed and delivered. `furniture` is what was learned of the source."""
    clock = Clock()
    settings = ArchiveSettings(segment_max_bytes=segment_bytes, segment_max_age_seconds=1e9)
    archive = Archive.open(place, settings, clock)
    archive.courier.start()
    toml = TOML.replace(SOURCE, source, 1) + more_toml
    archive.enlist(source, name="Invented", home=HOME, toml=toml)
    archive.settle(source, Settlement(runs=[RunBegan(clock())], furniture=list(furniture)))
    for start in range(0, count, GROUP):
        _settle(archive, source, [story_of(number) for number in range(start, min(start + GROUP, count))])
    archive.seal(source)
    assert archive.courier.wait(60)
    archive.close()


def _settle(archive: Archive, source: str, stories: list[Story]) -> None:
    now = archive.clock()
    new = [NewLead(one.url, lead_identity(one.url), "article", 60, via=HOME) for one in stories]

    def lease(leads: Leads) -> dict[str, int]:
        leads.add(new, now)
        return {lead.url: lead.id for lead in leads.lease(len(new))}

    ids = archive.with_leads(source, lease)
    group = Settlement()
    for one in stories:
        capture = archive.keep(source, _exchange(archive, one), lead_id=ids[one.url])
        version = older_version(one, capture, ids[one.url])
        group.records.append(version.line.encode())
        group.versions.append(version)
        done = Acknowledgement(
            ids[one.url], "captured", None, None, archive.clock(), 0, None, None, None, capture.record_id
        )
        group.acknowledgements.append(done)
        group.found.append([])
    archive.settle(source, group)


def older_version(one: Story, capture: Capture, lead_id: int) -> Version:
    """The version that the older extractor read: without the last paragraph."""
    record = ArticleRecord.model_validate(_older_facts(one, capture))
    version = Version(
        article=lead_identity(one.url),
        record_id=record.id,
        version=1,
        url=one.url,
        content_digest=record.content_digest or "",
        captured_at=capture.date,
        records_key="",
        line=record.line().decode(),
        lead_id=lead_id,
    )
    return replace(version, headline=record.headline, in_language=record.in_language)


def _older_facts(one: Story, capture: Capture) -> dict[str, object]:
    where = {"filename": capture.key, "offset": capture.offset, "length": capture.length}
    where |= {"recordId": capture.record_id, "payloadDigest": capture.payload_digest, "date": warc_date(capture.date)}
    metadata = {"extractor": "newsark", "extractorVersion": OLDER, "schemaVersion": "1", "judgement": "article"}
    return {
        "id": hashlib.sha256(one.url.encode()).hexdigest()[:32],
        "type": "NewsArticle",
        "url": one.url,
        "urlkey": one.url,
        "headline": one.headline,
        "articleBody": "\n".join(one.paragraphs[:-1]),
        "inLanguage": "en",
        "archive": where | {"status": 200, "mime": "text/html"},
        "metadata": metadata,
        "version": 1,
        "contentDigest": f"sha256:{hashlib.sha256(one.url.encode()).hexdigest()}",
    }


def _exchange(archive: Archive, one: Story) -> Exchange:
    now, body = archive.clock(), one.page()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return Exchange(
        url=one.url,
        request=f"GET {one.url} HTTP/1.1\r\nHost: invented.example\r\n\r\n".encode(),
        started=now,
        ended=now,
        response_head=head.encode(),
        body=body,
        peer_address="192.0.2.7",
        peer_port=443,
    )
