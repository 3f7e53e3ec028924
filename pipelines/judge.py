"""What a page is, as a reader would see it: an article, or something else at an article's address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median
from urllib.parse import urlsplit

from pipelines.article import Kind
from pipelines.jsonld import LinkedData
from pipelines.links import Link
from pipelines.meta import PUBLISHED, Meta
from pipelines.text import Text

MIN_ARTICLE_CHARS = 250
MIN_DECLARED_CHARS = 40
"""How little text an article may have when the page itself says that it is one."""

MAX_STUB_CHARS = 800
"""An error page or a challenge has hardly more text than this; an article about one has more, or says what it is."""

MAX_TEASER_CHARS = 1500
LONG_PARAGRAPH_CHARS = 80

LISTING_TYPES = {"collectionpage", "searchresultspage", "itemlist"}
MIN_HEADLINE_CHARS = 25
MANY_HEADLINES = 15

_CHALLENGE = re.compile(
    r"just a moment|attention required|access (?:to this page has been )?denied"
    r"|verify (?:that )?you(?:'re| are) (?:a )?human"
    r"|checking your browser|pardon our interruption|are you (?:a )?(?:human|robot)|security check"
    r"|ddos protection"
    r"|enable javascript and cookies|request unsuccessful|unusual traffic"
    r"|bot (?:verification|detection)|please wait\W*$"
    r"|captcha|проверка браузера|подтвердите, что вы не робот",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"\b404\b"
    r"|(?:page|article|content|story|document) (?:was |is |could )?not? (?:be )?(?:found|exist|available)"
    r"|page (?:doesn't|does not|no longer) exists?"
    r"|(?:can't|cannot|couldn't) find (?:that|the|this) page|nothing (?:was )?found"
    r"|no longer available|seite (?:wurde )?nicht gefunden|nicht (?:mehr )?(?:gefunden|verfügbar)"
    r"|page (?:non trouvée|introuvable)"
    r"|página no (?:encontrada|existe)|no encontrada|página não (?:encontrada|existe)"
    r"|pagina non trovata|pagina niet gevonden"
    r"|strona nie (?:została znaleziona|istnieje)|stránka (?:nebyla nalezena|neexistuje)"
    r"|siden (?:finnes|findes) ikke|sidan finns inte"
    r"|страница не (?:найдена|существует)|сторінк[ау] не (?:знайдено|існує)|sayfa bulunamadı"
    r"|ページが見つかりません|页面不存在|찾을 수 없습니다",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the page is and what that rests on. `reason` says why it is no article; None for an article."""

    kind: Kind
    evidence: tuple[str, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of the page, as far as the judgement needs it."""

    url: str
    status: int | None
    meta: Meta
    data: LinkedData
    text: Text
    links: tuple[Link, ...]


def judge(seen: Seen) -> Judgement:
    """The page's kind with its evidence. An error status is never an article, whatever the page shows."""
    evidence = _evidence(seen)
    if seen.status is not None and not 200 <= seen.status < 300:
        kind: Kind = "error" if seen.status >= 400 else "other"
        return Judgement(kind, evidence, f"status {seen.status}")
    title = " ".join(filter(None, (seen.meta.title, *seen.meta.headings[:2])))
    chars = seen.text.chars
    declared = bool(seen.data.articles) or _is_declared(seen.meta)
    if chars < MAX_STUB_CHARS and not declared:
        if _CHALLENGE.search(title):
            return Judgement("challenge", evidence, "a check of the browser stands before the page")
        if _NOT_FOUND.search(title):
            return Judgement("soft404", evidence, "the page says that there is nothing here")
    if _is_listing(seen):
        return Judgement("section", evidence, "a list of articles")
    if chars >= (MIN_DECLARED_CHARS if declared else MIN_ARTICLE_CHARS):
        return Judgement("article", evidence)
    if chars == 0 and not seen.links and not seen.meta.headings:
        return Judgement("empty", evidence, "the page shows nothing; it may need a browser")
    return Judgement("other", evidence, "no article text was found")


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
        f"{seen.text.chars} characters of text by {seen.text.way}",
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
