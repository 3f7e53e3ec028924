"""What a crawl tells of its exchanges and visits: its progress, which metrics and live lines read, and the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.kinds import ARTICLE
from crawler.progress import Progress
from storage.capture import Capture
from storage.exchange import Exchange
from storage.leads import Acknowledgement
from storage.log import Log
from storage.versions import Version

if TYPE_CHECKING:
    from crawler.spiders.newsroom import NewsroomSpider
    from crawler.visit import Visit

log = Log(__name__)

TOLD_BY_NUMBER = frozenset({304, 401, 402, 403, 404, 410, 429, 451})
"""The answers that say something of their own; of others the hundred is enough."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of one visit: what its lead is now, how many leads it added, the version and observation it made."""

    done: Acknowledgement
    added: int
    version: Version | None
    observed: str | None

    @property
    def is_pending(self) -> bool:
        """Whether it is tried again soon."""
        return self.done.state == "pending"


def result_of(exchange: Exchange) -> str:
    """How an exchange ended, in one of few words: a status, its hundred (`2xx`), or the kind of failure."""
    if exchange.failure is not None or exchange.status is None:
        return exchange.failure.kind if exchange.failure is not None else "disconnect"
    status = exchange.status
    return str(status) if status in TOLD_BY_NUMBER else f"{min(status // 100, 6)}xx"


def tell_fetch(source_id: str, progress: Progress, exchange: Exchange, capture: Capture) -> None:
    """One exchange more is in the archive."""
    size, result = len(exchange.response_head) + len(exchange.body), result_of(exchange)
    progress.fetched(size, result, capture.length)
    if log.tells_all:
        ms = round((exchange.ended - exchange.started).total_seconds() * 1000)
        log.debug(
            "fetched", source=source_id, url=exchange.url, status=exchange.status, result=result, ms=ms, bytes=size
        )


def tell_visit(spider: NewsroomSpider, visit: Visit, settled: Settled) -> None:
    """One visit more is durable."""
    progress, source, done = spider.progress, spider.source.id, settled.done
    progress.settled(visit.lead.url, visit.lead.kind, done.state, visit.at)
    progress.found += settled.added
    if settled.observed is not None:
        progress.observed[settled.observed] += 1
    if done.state == "refused":
        progress.refused[done.reason or "unknown"] += 1
    if settled.version is not None:
        _tell_version(progress, source, visit, settled.version)
    _tell_change(source, visit, settled)
    if log.tells_all:
        facts = {"state": done.state, "reason": done.reason, "found": settled.added}
        log.debug("visited", source=source, kind=visit.lead.kind, url=visit.lead.url, **facts)


def _tell_version(progress: Progress, source: str, visit: Visit, version: Version) -> None:
    metadata = (visit.reading.article or {}).get("metadata", {}) if visit.reading is not None else {}
    confidence = metadata.get("confidence")
    progress.versions += 1
    if confidence is not None:
        progress.confidence.add(confidence)
    event = "version-recorded" if version.version == 1 else "article-edited"
    log.info(event, source=source, url=version.url, version=version.version, confidence=confidence)


def _tell_change(source: str, visit: Visit, settled: Settled) -> None:
    """An article that seems gone, or answers again after something was wrong; the ledger says what is sure."""
    if visit.lead.kind != ARTICLE:
        return
    is_first = visit.lead.attempts == 0
    if settled.observed == "removed" and is_first:
        log.info("removal-suspected", source=source, url=visit.lead.url, reason=settled.done.reason)
    elif settled.done.state in ("captured", "unchanged") and not is_first:
        log.info("article-answers-again", source=source, url=visit.lead.url, attempts=visit.lead.attempts)
