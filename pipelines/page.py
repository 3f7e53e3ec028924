"""A page as it is given to be read, and the same page parsed: one tree that every reader shares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from lxml.etree import ElementDefaultClassLookup, HTMLParser, ParserError
from lxml.html import HtmlElement, document_fromstring

from pipelines.charset import PageText, page_text
from pipelines.decode import decode_body
from pipelines.requisites import Requisites

if TYPE_CHECKING:
    from pipelines.selectors import Selectors

HTML_TYPES = {"", "text/html", "application/xhtml+xml", "text/plain", "application/octet-stream"}
SNIFF_BYTES = 512
_MARKUP = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|!--|script|meta|title|div|p\b|\?xml)", re.I)
_FOREIGN = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*(?:%PDF|PK\x03|\x89PNG|GIF8|\xff\xd8\xff|RIFF|[{\[]|<(?:rss|feed|urlset|svg)\b)"
)
_SELF_CLOSED = re.compile(rb"(<html\b[^>]{0,2000}?)\s*/>", re.I)
_ALL_HTML = ElementDefaultClassLookup(element=HtmlElement)
_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\t\n\r")


@dataclass(frozen=True, slots=True)
class PageInput:
    """What was fetched: `body` as it was sent, its content codings still on.

    `headers` are (name, value) in wire order; of `status` None means that nobody knows. `hints` are what the
    lead said of the page, such as a feed's `title` and `published`. `url` is the address that answered.
    `selectors` are what the source's file says of its pages, `requisites` how much is wanted of what they need,
    `wants_links` whether the reading is to have the page's links: hundreds, which travel between processes.
    """

    url: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    status: int | None = 200
    hints: Mapping[str, str] = field(default_factory=dict)
    fetched_at: datetime | None = None
    source: str | None = None
    selectors: Selectors | None = None
    requisites: Requisites = "none"
    wants_links: bool = True

    def header(self, name: str) -> str | None:
        """All values of a header joined by commas (RFC 9110, 5.3), matched without case, or None."""
        wanted = name.lower()
        values = [value for key, value in self.headers if key.lower() == wanted]
        return ", ".join(values) if values else None


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How much of a page is read: `max_page_bytes` unpacked, `max_links` different addresses."""

    max_page_bytes: int = 32 * 1024 * 1024
    max_links: int = 5000
    max_images: int = 50


@dataclass(frozen=True, slots=True)
class Page:
    """A parsed page. `tree` is None when there is no markup to read; then `problem` says why.

    `complete` is False when the body was cut short, `too_deep` is True when its markup nests deeper than the parser
    follows: what came before is in the tree. The tree is taken apart while it is read, so read it once.
    """

    url: str
    base: str
    tree: HtmlElement | None
    encoding: str
    witness: str
    complete: bool = True
    problem: str | None = None
    too_deep: bool = False


def open_page(page: PageInput, limits: ReadLimits) -> Page:
    """The page with its codings undone, its characters decoded and its markup parsed.

    Raises BodyTooLarge and BodyUndecodable; everything else that can be wrong with a page is in `problem`.
    """
    decoded = decode_body(page.body, page.header("Content-Encoding"), limits.max_page_bytes)
    content_type = page.header("Content-Type")
    problem = _not_html(decoded.data, content_type)
    if problem is not None:
        return Page(page.url, page.url, None, "", "", decoded.complete, problem)
    text = page_text(decoded.data, content_type)
    parser = html_parser()
    try:
        tree = document_fromstring(_as_utf8(decoded.data, text), parser=parser)
    except ParserError:
        return Page(page.url, page.url, None, text.encoding, text.witness, decoded.complete, "no markup")
    too_deep = any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log)
    base = _base(tree, page.url)
    return Page(page.url, base, tree, text.encoding, text.witness, decoded.complete, too_deep=too_deep)


def html_parser() -> HTMLParser:
    """A parser of UTF-8 pages whose elements are all plain HtmlElements.

    lxml.html's own asks a Python function for the class of every element that is touched: twice the time of a walk.
    """
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False, huge_tree=True)
    parser.set_element_class_lookup(_ALL_HTML)
    return parser


def _not_html(data: bytes, content_type: str | None) -> str | None:
    """Why these bytes are no HTML page, or None when they may be one."""
    if not data or data.isspace():
        return "empty body"
    kind = (content_type or "").partition(";")[0].strip().lower()
    if _FOREIGN.match(data[:SNIFF_BYTES]):
        return f"not a web page: {kind or 'another format'}"
    if kind in ("text/html", "application/xhtml+xml") or _MARKUP.match(data[:SNIFF_BYTES]):
        return None
    if kind in HTML_TYPES and b"<" in data[:SNIFF_BYTES]:
        return None
    return f"not a web page: {kind or 'no markup'}"


def _as_utf8(data: bytes, text: PageText) -> bytes:
    """The page in UTF-8 without what stops libxml2: control characters, and `<html ... />`, which ends a page."""
    if text.encoding != "utf-8" or text.witness in ("bom", "replaced"):
        data = text.text.encode("utf-8", "replace")
    data = data.translate(None, _CONTROLS)
    return _SELF_CLOSED.sub(rb"\1>", data[:4096], count=1) + data[4096:]


def _base(tree: HtmlElement, url: str) -> str:
    """The address that relative links start from (HTML, 4.2.3)."""
    element = tree.find(".//base[@href]")
    href = (element.get("href") or "").strip() if element is not None else ""
    try:
        return urljoin(url, href) if href else url
    except ValueError:
        return url
