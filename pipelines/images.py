"""The pictures, videos and sounds of an article: the page's own first, then the figures in the article."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lxml.html import HtmlElement

from pipelines.jsonld import LinkedData, name_of, plain
from pipelines.links import Resolver
from pipelines.meta import IMAGES, Meta

Entry = dict[str, Any]
MAX_CAPTION_CHARS = 2000


def article_images(
    tree: HtmlElement, headline: HtmlElement | None, meta: Meta, data: LinkedData, base: str, limit: int
) -> list[Entry]:
    """Images as JSON-ready Media values: JSON-LD's and og:image, marked as the page's own, then captioned figures."""
    resolve = Resolver(base)
    found: dict[str, Entry] = {}
    for entry in (*_named(data.values("image"), resolve), *_from_meta(meta, resolve)):
        known = found.setdefault(entry["url"], {**entry, "representativeOfPage": True})
        known.update({name: value for name, value in entry.items() if name not in known})
    for entry in _figures(tree, headline, resolve):
        found.setdefault(entry["url"], entry)
        if len(found) >= limit:
            break
    return list(found.values())[:limit]


def article_media(data: LinkedData, kind: str, base: str, limit: int) -> list[Entry]:
    """`video` or `audio` objects of the article's JSON-LD as Media values."""
    return list(_named(data.values(kind), Resolver(base), keys=("contentUrl", "embedUrl", "url")))[:limit]


def _named(
    values: Iterable[Any], resolve: Resolver, keys: tuple[str, ...] = ("url", "contentUrl", "@id")
) -> Iterator[Entry]:
    for value in values:
        if isinstance(value, list):
            yield from _named(value[:20], resolve, keys)
            continue
        address = next((value[key] for key in keys if value.get(key)), None) if isinstance(value, Mapping) else value
        if isinstance(address, list):
            address = next(iter(address), None)
        url = resolve(address) if isinstance(address, str) else None
        if url is None:
            continue
        entry: Entry = {"url": url}
        if isinstance(value, Mapping):
            entry |= _described(value)
        yield entry


def _described(node: Mapping[str, Any]) -> Entry:
    caption = plain(name_of(node.get("caption") or node.get("description") or node.get("name")))
    credit = plain(name_of(node.get("creditText") or node.get("creator") or node.get("author")))
    entry = {
        "caption": caption,
        "creditText": credit,
        "width": _pixels(node.get("width")),
        "height": _pixels(node.get("height")),
    }
    return {name: value for name, value in entry.items() if value is not None}


def _from_meta(meta: Meta, resolve: Resolver) -> Iterator[Entry]:
    for name in IMAGES:
        url = resolve(meta.first(name))
        if url is not None:
            entry: Entry = {"url": url}
            sizes = {
                "width": _pixels(meta.first("og:image:width")),
                "height": _pixels(meta.first("og:image:height")),
            }
            if name.startswith("og:"):
                entry |= {side: value for side, value in sizes.items() if value is not None}
            yield entry
            return


def _figures(tree: HtmlElement, headline: HtmlElement | None, resolve: Resolver) -> Iterator[Entry]:
    """Figures with captions in the article around the headline, or in the page when it marks no article."""
    around = None
    if headline is not None:
        around = next(iter(list(headline.iterancestors("article", "main"))[::-1]), None)
    for figure in (around if around is not None else tree).iter("figure"):
        image, caption = figure.find(".//img"), figure.find(".//figcaption")
        if image is None or caption is None:
            continue
        url = resolve(image.get("src") or image.get("data-src") or image.get("data-original"))
        text = plain(" ".join(caption.itertext()))
        if url is not None and text:
            sizes = {"width": _pixels(image.get("width")), "height": _pixels(image.get("height"))}
            yield {"url": url, "caption": text[:MAX_CAPTION_CHARS]} | {k: v for k, v in sizes.items() if v is not None}


def _pixels(value: Any) -> int | None:
    """A number of pixels as JSON-LD and attributes write it: `1200`, `"1200px"`, `{"value": 1200}`."""
    if isinstance(value, Mapping):
        value = value.get("value") or value.get("name")
    if isinstance(value, str):
        value = value.strip().removesuffix("px").strip()
        value = int(value) if value.isdecimal() and len(value) < 6 else None
    if isinstance(value, float):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 100_000 else None
