"""What a page says of its article in JSON-LD (schema.org), however nested and however badly written."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

Node = Mapping[str, Any]

ARTICLE_TYPES = {
    "advertisercontentarticle": "AdvertiserContentArticle",
    "analysisnewsarticle": "AnalysisNewsArticle",
    "article": "Article",
    "askpublicnewsarticle": "AskPublicNewsArticle",
    "backgroundnewsarticle": "BackgroundNewsArticle",
    "blogposting": "BlogPosting",
    "liveblogposting": "LiveBlogPosting",
    "newsarticle": "NewsArticle",
    "opinionnewsarticle": "OpinionNewsArticle",
    "report": "Report",
    "reportagenewsarticle": "ReportageNewsArticle",
    "reviewnewsarticle": "ReviewNewsArticle",
    "satiricalarticle": "SatiricalArticle",
    "scholarlyarticle": "ScholarlyArticle",
    "socialmediaposting": "SocialMediaPosting",
    "techarticle": "TechArticle",
}
"""schema.org's Article and its subtypes, as a reader would call them articles."""

HOLDERS = ("@graph", "mainEntity", "mainEntityOfPage", "subjectOf")
"""Where a page hangs its own article; the members of an ItemList are other pages'."""

MAX_DEPTH = 6
MAX_NODES = 2000
_WRAPPING = re.compile(
    r"^\s*(?://\s*)?(?:<!--|<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/)|(?://\s*)?(?:-->|\]\]>|/\*\s*\]\]>\s*\*/)\s*$"
)
_TRAILING_COMMA = re.compile(r",\s*([}\]])")


@dataclass(frozen=True, slots=True)
class LinkedData:
    """A page's JSON-LD: `articles` are the nodes that describe this page's article, the likeliest first."""

    articles: tuple[Node, ...] = ()
    nodes: tuple[Node, ...] = ()
    by_id: Mapping[str, Node] = field(default_factory=dict)

    @property
    def types(self) -> tuple[str, ...]:
        """The `@type` words of all nodes that describe the page, in order, each once."""
        return tuple(dict.fromkeys(word for node in self.nodes for word in type_words(node)))

    @property
    def article_type(self) -> str | None:
        """The most telling schema.org type of the article, in schema.org's spelling."""
        words = [
            ARTICLE_TYPES[word.lower()]
            for node in self.articles
            for word in type_words(node)
            if word.lower() in ARTICLE_TYPES
        ]
        return max(words, key=len) if words else None

    def values(self, *keys: str) -> list[Any]:
        """The article's values under the first of `keys` that it has, as a list; references are followed."""
        for node in self.articles:
            for key in keys:
                found = [self.resolve(value) for value in _listed(node.get(key))]
                if any(value not in (None, "", [], {}) for value in found):
                    return found
        return []

    def text(self, *keys: str) -> str | None:
        """The first non-empty string under `keys`, entities and white space cleaned."""
        return next(iter(self.texts(*keys)), None)

    def texts(self, *keys: str) -> list[str]:
        """The strings under `keys`; of a node, its name."""
        return [text for value in self.values(*keys) if (text := plain(name_of(value)))]

    def find(self, *types: str) -> list[Node]:
        """All nodes of one of these types."""
        wanted = {word.lower() for word in types}
        return [node for node in self.nodes if wanted.intersection(word.lower() for word in type_words(node))]

    def resolve(self, value: Any) -> Any:
        """The node a reference `{"@id": …}` points at when the page has it, else the value itself."""
        if isinstance(value, Mapping) and isinstance(value.get("@id"), str) and "name" not in value:
            return self.by_id.get(value["@id"], value)
        return value


def linked_data(scripts: Iterable[str], urls: Sequence[str]) -> LinkedData:
    """What the page's ld+json scripts say. `urls` are the page's own addresses, final and canonical.

    Never raises: a script that is no JSON after the usual repairs says nothing.
    """
    nodes: list[Node] = []
    for script in scripts:
        for node in _walk(_parse(script), 0):
            nodes.append(node)
            if len(nodes) >= MAX_NODES:
                break
    by_id: dict[str, Node] = {}
    for node in nodes:
        identity = node.get("@id")
        if isinstance(identity, str) and len(node) > len(by_id.get(identity, ())):
            by_id[identity] = node
    return LinkedData(_own_articles(nodes, urls), tuple(nodes), by_id)


def _own_articles(nodes: list[Node], urls: Sequence[str]) -> tuple[Node, ...]:
    """The article nodes that name this page; without any, the only one, or the first of two."""
    articles = [node for node in nodes if any(word.lower() in ARTICLE_TYPES for word in type_words(node))]
    own = {_path(url) for url in urls if url}
    naming = [node for node in articles if own.intersection(map(_path, _addresses(node)))]
    if naming:
        return tuple(naming) + tuple(node for node in articles if not list(_addresses(node)))
    return tuple(articles) if len(articles) == 1 else tuple(articles[:1]) if len(articles) == 2 else ()


def _addresses(node: Node) -> Iterator[str]:
    for key in ("url", "@id", "mainEntityOfPage"):
        for value in _listed(node.get(key)):
            address = value.get("@id") or value.get("url") if isinstance(value, Mapping) else value
            if isinstance(address, str) and "/" in address:
                yield address


def _path(url: str) -> str:
    """What tells a newsroom's pages apart: the address without scheme, `www.`, query, fragment and last slash."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return parts.netloc.lower().removeprefix("www.") + parts.path.rstrip("/")


def type_words(node: Node) -> list[str]:
    """The node's `@type` words without vocabulary prefixes."""
    return [word.rsplit("/", 1)[-1].rsplit(":", 1)[-1] for word in _listed(node.get("@type")) if isinstance(word, str)]


def name_of(value: Any) -> str | None:
    """A string, or a node's name."""
    if isinstance(value, Mapping):
        value = next((value[key] for key in ("name", "headline", "@value") if value.get(key)), None)
    if isinstance(value, list):
        value = next((entry for entry in value if isinstance(entry, str) and entry), None)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def plain(text: str | None) -> str | None:
    """The text without entities, markup remains and runs of white space; None when nothing is left."""
    if not text:
        return None
    if "&" in text:
        text = html.unescape(html.unescape(text))
    if "<" in text:
        text = re.sub(r"</?[a-zA-Z][^<>]{0,300}>", " ", text)
    return " ".join(text.replace("\xad", "").split()) or None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _walk(value: Any, depth: int) -> Iterator[Node]:
    """The nodes of a document that speak of the page itself."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for entry in value:
            yield from _walk(entry, depth + 1)
    elif isinstance(value, dict):
        if "@type" in value or "@id" in value:
            yield value
        for key in HOLDERS:
            yield from _walk(value.get(key), depth + 1)


def _parse(script: str) -> Any:
    """The script as JSON, after the usual repairs: comments around it, raw line feeds, last commas."""
    try:
        return orjson.loads(script)
    except orjson.JSONDecodeError:
        pass
    text = _WRAPPING.sub("", script).strip().rstrip(";")
    for attempt in (text, _TRAILING_COMMA.sub(r"\1", text), html.unescape(text)):
        try:
            # half of a surrogate pair is valid in JSON's escapes and nowhere else: it becomes a question mark
            sound = json.dumps(json.loads(attempt, strict=False), ensure_ascii=False).encode("utf-8", "replace")
            return orjson.loads(sound)
        except (ValueError, RecursionError):
            continue
    return None
