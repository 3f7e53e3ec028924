"""What the pages of a source need to look right, as leads: which of it is asked for, and how much for one page."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from scrapy import Request

from crawler.kinds import RESOURCE, priority_of
from crawler.links import normalise
from crawler.source import Source
from crawler.trackers import tracker
from crawler.visit import Answer
from pipelines.decode import decode_body
from pipelines.page import ReadLimits
from pipelines.requisites import Requisite, style_requisites
from storage.errors import NewsarkError, Refused
from storage.lead import Lead, NewLead, lead_identity

MAX_DEPTH = 5
"""A style sheet may import others; so many below the page are asked for."""

REMEMBERED = 200_000
REMEMBERED_PAGES = 10_000


class RequisiteLeads:
    """Names the leads of one crawl. What was named before is passed over: a newsroom's pages share most of it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._named: set[str] = set()

    def of(self, requisites: Iterable[Requisite], lead: Lead, answer: Answer) -> list[NewLead]:
        """The leads of what a visit's page, or style sheet, needs; trackers and what `block` matches are refused."""
        depth = lead.depth + 1 if lead.kind == RESOURCE else 1
        page = lead.hints.get("page", answer.url) if lead.kind == RESOURCE else answer.url
        if depth > MAX_DEPTH:
            return []
        if len(self._named) > REMEMBERED:
            self._named.clear()
        found = []
        for url, kind in requisites:
            if url in self._named:
                continue
            self._named.add(url)
            try:
                identity = lead_identity(normalise(url))
            except (NewsarkError, ValueError):
                continue
            found.append(
                NewLead(
                    url=url,
                    identity=identity,
                    kind=RESOURCE,
                    priority=priority_of(RESOURCE, kind),
                    via=answer.url,
                    method=kind,
                    depth=depth,
                    hints={"page": page},
                    refusal=self._refusal(url),
                )
            )
        return found

    def _refusal(self, url: str) -> str | None:
        if (host := tracker(url)) is not None:
            return f"block: {host} is on the list of trackers and advertising"
        blocked = self._source.blocks(url)
        return f"block: it matches {blocked!r} of the source file" if blocked else None


def read_style(answer: Answer) -> tuple[Requisite, ...]:
    """What the style sheet in an answer needs; for a worker process. Raises PageError when it cannot be unpacked."""
    decoded = decode_body(answer.body, answer.header("Content-Encoding"), ReadLimits().max_page_bytes)
    _, _, charset = (answer.header("Content-Type") or "").lower().partition("charset=")
    return style_requisites(decoded.data, charset.split(";")[0].strip(" \"'") or None, answer.url)


@dataclass(slots=True)
class PageShare:
    """What one page's files have taken: `requests`, and `bytes` as they came."""

    requests: int = 0
    bytes: int = 0


@dataclass(slots=True)
class PageBudgets:
    """How much the files of one page may take in this crawl, by the source's `page_requests` and `page_bytes`."""

    max_requests: int
    max_bytes: int
    _pages: OrderedDict[str, PageShare] = field(default_factory=OrderedDict)

    def take(self, request: Request) -> PageShare | None:
        """The share of the page that a request is for, counted; None for what is no page's file.

        Raises Refused when the page's files have had enough.
        """
        lead: Lead | None = request.meta.get("lead")
        page: str | None = request.meta.get("page")
        if lead is not None and lead.kind == RESOURCE:
            page = lead.hints.get("page", "")
        if page is None:
            return None
        share = self._pages.setdefault(page, PageShare())
        self._pages.move_to_end(page)
        if len(self._pages) > REMEMBERED_PAGES:
            self._pages.popitem(last=False)
        if share.requests >= self.max_requests:
            raise Refused("page-budget", request.url, f"the files of {page} took {self.max_requests:,} requests")
        self._refuse_more_bytes(request, share)
        share.requests += 1
        return share

    def limit(self, request: Request, share: PageShare | None, max_bytes: int | None) -> int | None:
        """The most bytes that the answer may have, when `max_bytes` is what anything else allows.

        Raises Refused when other files of the page took them all while this one waited for its turn.
        """
        if share is None:
            return max_bytes
        self._refuse_more_bytes(request, share)
        left = self.max_bytes - share.bytes
        return left if max_bytes is None else min(left, max_bytes)

    def _refuse_more_bytes(self, request: Request, share: PageShare) -> None:
        if share.bytes >= self.max_bytes:
            raise Refused("page-budget", request.url, f"the files of its page took {share.bytes:,} bytes")
