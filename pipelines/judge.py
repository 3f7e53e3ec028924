"""What a page is, as a reader would see it: an article, or something else at an article's address."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from urllib.parse import urlsplit

from pipelines.article import Kind
from pipelines.jsonld import LinkedData
from pipelines.links import Link
from pipelines.meta import PUBLISHED, Meta
from pipelines.signs import CHALLENGE, CONSENT, LOGIN, NEEDS_SCRIPT, NOT_FOUND, PAYWALL, REMOVED, Signs
from pipelines.text import Text

MIN_ARTICLE_CHARS = 250
MIN_DECLARED_CHARS = 40
"""How little text an article may have when the page itself says that it is one."""

MAX_STUB_CHARS = 800
"""An error page or a challenge has hardly more text than this; an article about one has more, or says what it is."""

MAX_NOTICE_CHARS = 400
"""A notice says what happened in its first sentences."""

MAX_NOTICE_TEXT = 180
"""A short article about something that was removed has more text than the notice that removes it."""

MAX_BARE_CHARS = 1200
"""A page that shows no more than this, menus and all, stands in the place of another."""

MAX_EMPTY_CHARS = 120
MAX_PART_CHARS = 1500
"""A text before a paywall is hardly longer; a longer one is taken for the whole."""

MAX_TEASER_CHARS = 1500
LONG_PARAGRAPH_CHARS = 80

LISTING_TYPES = {"collectionpage", "searchresultspage", "itemlist"}
MIN_HEADLINE_CHARS = 25
MANY_HEADLINES = 15


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the page is and what that rests on. `reason` says why it is no whole article; None for one."""

    kind: Kind
    evidence: tuple[str, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of the page, as far as the judgement needs it. `signs` looks at the page again: reading has taken
    its tree apart, and only a page with little text is doubted."""

    url: str
    status: int | None
    meta: Meta
    data: LinkedData
    text: Text
    links: tuple[Link, ...]
    signs: Callable[[], Signs]
    complete: bool = True


def judge(seen: Seen) -> Judgement:
    """The page's kind with its evidence. An error status is never an article, whatever the page shows."""
    evidence = _evidence(seen)
    if seen.status is not None and not 200 <= seen.status < 300:
        kind: Kind = "error" if seen.status >= 400 else "other"
        return Judgement(kind, evidence, f"status {seen.status}")
    declared = bool(seen.data.articles) or _is_declared(seen.meta)
    chars = seen.text.chars
    if seen.text.chars < MAX_STUB_CHARS and (stub := _stub(seen, declared)) is not None:
        kind, reason, sign = stub
        return Judgement(kind, (*evidence, sign), reason)
    if _is_listing(seen):
        return Judgement("section", evidence, "a list of articles")
    if chars >= (MIN_DECLARED_CHARS if declared else MIN_ARTICLE_CHARS):
        return _article(seen, evidence)
    if chars == 0 and not seen.links and not seen.meta.headings:
        return Judgement("empty", evidence, "the page shows nothing; it may need a browser")
    return Judgement("other", evidence, "no article text was found")


def _stub(seen: Seen, declared: bool) -> tuple[Kind, str, str] | None:
    """What stands in the place of an article on a page with little text, why it is none, and the sign of it."""
    signs = seen.signs()
    title = " ".join(filter(None, (seen.meta.title, *seen.meta.headings[:2])))
    head = f"{title} {signs.shown[:MAX_NOTICE_CHARS]}"
    if seen.text.chars < MAX_NOTICE_TEXT and (removed := REMOVED.search(head)):
        return "removed-notice", "the page says that the article was removed", _said(removed)
    if declared:
        return None
    is_bare = len(signs.shown) < MAX_BARE_CHARS
    said = CHALLENGE.search(title) or (CHALLENGE.search(signs.shown) if is_bare else None)
    if said or (signs.challenge and is_bare):
        reason = "a check for robots stands before the page"
        return "challenge", reason, _said(said) if said else "it is made of a check for robots"
    if missing := NOT_FOUND.search(title) or (NOT_FOUND.search(signs.shown) if is_bare else None):
        return "soft404", "the page says that there is nothing here", _said(missing)
    is_short = is_bare or seen.text.chars < MIN_ARTICLE_CHARS
    if signs.password and is_short and (login := LOGIN.search(head)):
        return "login", "the page asks for a login", _said(login)
    asks = signs.consent and is_short and len(seen.links) < MANY_HEADLINES
    if asks and (consent := CONSENT.search(f"{title} {signs.shown[:MAX_BARE_CHARS]}")):
        return "consent", "the page asks for consent before it shows anything", _said(consent)
    if len(signs.shown) < MAX_EMPTY_CHARS and seen.text.chars < MIN_DECLARED_CHARS and signs.scripts:
        return "empty", "the page shows nothing; it may need a browser", f"{signs.scripts} scripts, hardly a word"
    if is_bare and NEEDS_SCRIPT.search(f"{signs.shown} {signs.no_script}") and seen.text.chars < MIN_ARTICLE_CHARS:
        return "empty", "the page needs a browser", "it asks for scripts"
    return None


def _article(seen: Seen, evidence: tuple[str, ...]) -> Judgement:
    """An article, or the part of one that is there."""
    if not seen.complete:
        return Judgement("truncated", evidence, "the page is cut short")
    if seen.text.chars < MAX_PART_CHARS and (wall := _wall(seen)) is not None:
        return Judgement("paywalled", (*evidence, wall), "the rest is for subscribers")
    if "LiveBlogPosting" in (seen.data.article_type, *seen.data.types[:3]) or seen.data.values("coverageStartTime"):
        return Judgement("liveblog", evidence)
    return Judgement("article", evidence)


def _wall(seen: Seen) -> str | None:
    """The sign that a short text is the beginning of one that has to be paid for."""
    for node in (*seen.data.articles, *(part for part in seen.data.values("hasPart") if isinstance(part, Mapping))):
        if str(node.get("isAccessibleForFree", "")).rsplit("/", 1)[-1].lower() == "false":
            return "json-ld says that it is not free"
    tier = (seen.meta.first("article:content_tier") or "").lower()
    if tier in ("locked", "metered"):
        said = PAYWALL.search(_beside_text(seen))
        return f"content tier {tier}" if tier == "locked" or said else None
    if seen.text.chars < MAX_STUB_CHARS and (said := PAYWALL.search(_beside_text(seen))):
        return _said(said)
    return None


def _beside_text(seen: Seen) -> str:
    """What the page shows outside of the text and in its last line: what a story says of paywalls is no wall."""
    shown = seen.signs().shown
    for block in seen.text.blocks[:-1]:
        shown = shown.replace(block.text, " ")
    return shown


def _said(found: re.Match[str]) -> str:
    return f"it says “{' '.join(found[0].split())[:60]}”"


def _is_declared(meta: Meta) -> bool:
    return (meta.first("og:type") or "").lower() in ("article", "news") or meta.first(*PUBLISHED[:3]) is not None


def _is_listing(seen: Seen) -> bool:
    """A front page, a section or a list of results: many headlines linked, and no article that the page names."""
    if seen.data.articles or len(_headlines(seen.links)) < MANY_HEADLINES:
        return False
    address = urlsplit(seen.url)
    if address.netloc and address.path in ("", "/") and not address.query:
        return True
    if _is_declared(seen.meta):
        return False
    if LISTING_TYPES.intersection(word.lower() for word in seen.data.types[:3]):
        return True
    if seen.text.way in ("page", "cascade"):
        return True
    paragraphs = [len(block.text) for block in seen.text.blocks if block.kind in ("p", "quote")]
    is_long = len(paragraphs) >= 3 and median(paragraphs) >= LONG_PARAGRAPH_CHARS
    return not is_long and seen.text.chars < MAX_TEASER_CHARS


def _headlines(links: tuple[Link, ...]) -> list[Link]:
    return [link for link in links if len(link.text) >= MIN_HEADLINE_CHARS and " " in link.text]


def _evidence(seen: Seen) -> tuple[str, ...]:
    said = [
        f"{sum(len(block.text) for block in seen.text.blocks)} characters of text by {seen.text.way}",
        f"{len(_headlines(seen.links))} linked headlines",
    ]
    if seen.status is not None:
        said.insert(0, f"status {seen.status}")
    if seen.data.article_type:
        said.append(f"json-ld {seen.data.article_type}")
    kind = seen.meta.first("og:type")
    if kind:
        said.append(f"og:type {kind[:40]}")
    return tuple(said)
