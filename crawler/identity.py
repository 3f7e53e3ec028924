"""Which article a visit shows: the same as before, the same at another place, or another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from crawler.links import normalise
from crawler.source import Source
from crawler.visit import Problem, Visit
from pipelines.article import WHOLE, WITH_TEXT
from pipelines.likeness import fingerprint, similarity
from storage.errors import Refused
from storage.versions import Version, article_key

SAME_STORY = 0.4
"""An article that was moved may have been edited too; two articles of one newsroom share less than this."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The key of the article that a visit shows, and where it was `moved_from`: the key of the same article there."""

    key: str
    moved_from: str | None = None


def shown_by(visit: Visit, source: Source, before: str | None) -> Shown:
    """What a visit shows at first sight; `before` is the article that its lead showed last.

    A page that is no article names none: what its lead showed before is what is gone. Nor does a page that was not read
    since it is the same as the last time.
    """
    if before is not None and (visit.reading is None or visit.reading.kind not in WITH_TEXT):
        return Shown(before)
    return Shown(article_key(article_address(visit, source)))


def shown_after(visit: Visit, source: Source, shown: Shown, known: Version | None) -> tuple[Shown, Problem | None]:
    """What a visit shows in the light of the version that is `known` of the article its lead showed last.

    The same article at another place, or another one where it stood: then that is a problem, for the one that was there
    is gone. A new spelling of the same place is no move.
    """
    if known is None or known.article == shown.key or visit.answer is None:
        return shown, None
    if _place(article_address(visit, source)) == _place(known.url):
        return Shown(known.article), None
    if not _is_sent_elsewhere(visit, known):
        return shown, None
    if visit.reading is not None and _is_same_story(visit.reading.article or {}, known):
        return Shown(shown.key, moved_from=known.article), None
    return Shown(known.article), Problem("leads-elsewhere", f"it leads to another article: {visit.answer.url}")


def _is_sent_elsewhere(visit: Visit, known: Version) -> bool:
    """Whether a redirect led from the known article's own address to a whole article.

    A lead that always was a redirect, such as one to whatever is newest, has no article of its own to lose.
    """
    answer, reading = visit.answer, visit.reading
    return (
        answer is not None
        and answer.status < 300
        and reading is not None
        and reading.kind in WHOLE
        and _place(known.url) == _place(visit.lead.url)
        and _place(answer.url) != _place(visit.lead.url)
    )


def _is_same_story(article: Mapping[str, Any], known: Version) -> bool:
    """Whether a page shows the article that is known from elsewhere, perhaps edited since."""
    own = fingerprint(article.get("articleBody") or "")
    if own is not None and known.fingerprint is not None and similarity(own, known.fingerprint) >= SAME_STORY:
        return True
    return bool(known.headline) and article.get("headline") == known.headline


def article_address(visit: Visit, source: Source) -> str:
    """The normal spelling of the URL that identifies the article of a visit.

    A canonical URL is believed when it is on the source's own site and no home page, unless the page is one: some
    sites name their home page, or another host, as the canonical URL of everything.
    """
    own = visit.answer.url if visit.answer is not None else visit.lead.url
    named = visit.reading.canonical if visit.reading is not None else None
    for url in (named, own):
        if url is None:
            continue
        try:
            normal = normalise(url)
        except Refused:
            continue
        is_home = urlsplit(normal).path in ("", "/") and not urlsplit(normal).query
        if url is own or (source.on_site(normal).inside and not (is_home and urlsplit(own).path not in ("", "/"))):
            return normal
    return own


def _place(url: str) -> tuple[str, str, str]:
    """A URL without what moves a whole site and no article: the scheme, `www.`, a slash at the end."""
    parts = urlsplit(url)
    return parts.netloc.lower().removeprefix("www."), parts.path.rstrip("/"), parts.query
