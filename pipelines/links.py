"""The addresses a page links to, made absolute: what the frontier looks at."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from pipelines.wording import text_of

MAX_TEXT_CHARS = 200
MAX_URL_CHARS = 2000
_NO_PAGES = ("javascript:", "mailto:", "tel:", "data:", "sms:", "whatsapp:", "blob:", "about:")


class Link(NamedTuple):
    """One address with the words it is linked under; `rel` as written, such as `nofollow`.

    A tuple, for a page has hundreds and they travel between processes: as dataclasses they cost 0.3 ms more a page.
    """

    url: str
    text: str
    rel: str


def page_links(tree: HtmlElement, base: str, limit: int) -> tuple[Link, ...]:
    """The different http addresses that the page links to, in document order, without fragments.

    At most `limit` of them. An address linked several times keeps the longest text it has.
    """
    resolve = Resolver(base)
    found: dict[str, Link] = {}
    urls: dict[str, str | None] = {}
    for element in tree.iter("a"):
        href = element.get("href")
        if not href:
            continue
        if href not in urls:
            urls[href] = resolve(href)
        url = urls[href]
        if url is None:
            continue
        text = " ".join(text_of(element).split())[:MAX_TEXT_CHARS]
        known = found.get(url)
        if known is None:
            if len(found) >= limit:
                break
            found[url] = Link(url, text, element.get("rel") or "")
        elif len(text) > len(known.text):
            found[url] = Link(url, text, known.rel)
    return tuple(found.values())


class Resolver:
    """Makes addresses absolute. Common forms are joined by hand: urljoin costs 5 µs, a page has 300 links."""

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        self._base = base
        self._scheme = parts.scheme
        self._origin = f"{parts.scheme}://{parts.netloc}"

    def __call__(self, href: str | None) -> str | None:
        """The absolute http address without its fragment, or None when there is no page behind it."""
        text = (href or "").strip()
        if not text or text[0] == "#" or len(text) > MAX_URL_CHARS:
            return None
        if "\n" in text or "\r" in text or "\t" in text:
            text = text.replace("\n", "").replace("\r", "").replace("\t", "")
        text = text.partition("#")[0]
        is_whole, is_path = text.startswith(("http://", "https://")), text[:1] == "/" and text[1:2] != "/"
        if (is_whole or is_path) and not _is_odd(text):
            return text if is_whole else self._origin + text
        return None if text[:11].lower().startswith(_NO_PAGES) else self._joined(text)

    def _joined(self, text: str) -> str | None:
        try:
            url = urljoin(self._base, text.replace(" ", "%20"))
        except ValueError:
            return None
        return url if url.startswith(("http://", "https://")) else None


def _is_odd(url: str) -> bool:
    """Whether it has dot segments, spaces or brackets: such an address is taken apart before it is believed."""
    return "/." in url or " " in url or "[" in url or "]" in url
