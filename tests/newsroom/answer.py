"""How a page is sent: conditional requests (RFC 9110, 13), accepted codings (12.5.3), chunks or a length."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from aiohttp import web

from tests.newsroom.page import Page

SMALLEST_COMPRESSED_BYTES = 200


async def send(request: web.BaseRequest, page: Page, now: datetime) -> web.StreamResponse:
    """The response, sent; `now` becomes its Date, so that the newsroom's clock is the only one it shows."""
    coding = _coding(request, page)
    headers = _headers(page, coding, now)
    if page.status == 200 and _is_unchanged(request, page, headers["ETag"]):
        del headers["Content-Type"]
        return web.Response(status=304, headers=headers)
    body = {"gzip": page.gzipped, "br": page.brotlied}[coding] if coding else page.body
    if coding:
        headers["Content-Encoding"] = coding
    if not page.chunked or request.method == "HEAD":
        return web.Response(status=page.status, headers=headers, body=body)
    return await _send_chunks(request, page.status, headers, body)


async def _send_chunks(
    request: web.BaseRequest, status: int, headers: dict[str, str], body: bytes
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers=headers)
    if request.version >= (1, 1):
        response.enable_chunked_encoding()
    await response.prepare(request)
    middle = len(body) // 2
    await response.write(body[:middle])
    await response.write(body[middle:])
    await response.write_eof()
    return response


def _headers(page: Page, coding: str, now: datetime) -> dict[str, str]:
    headers = {
        "Date": http_date(now),
        "Server": "Lantern/1.0",
        "Content-Type": page.content_type,
        **dict(page.headers),
    }
    if page.status == 200:
        headers["ETag"] = f'{page.etag[:-1]}-{coding}"' if coding else page.etag
        headers["Cache-Control"] = "max-age=60"
    if page.modified is not None:
        headers["Last-Modified"] = http_date(page.modified)
    if page.compressible:
        headers["Vary"] = "Accept-Encoding"
    return headers


def _coding(request: web.BaseRequest, page: Page) -> str:
    """`br` where the page has it, else `gzip`, else nothing: by what the client accepts."""
    if not page.compressible or page.status != 200 or len(page.body) < SMALLEST_COMPRESSED_BYTES:
        return ""
    offers = (offer.partition(";") for offer in request.headers.get("Accept-Encoding", "").lower().split(","))
    accepted = {name.strip() for name, _, weight in offers if weight.replace(" ", "") not in ("q=0", "q=0.0")}
    if page.brotli and "br" in accepted:
        return "br"
    return "gzip" if "gzip" in accepted else ""


def _is_unchanged(request: web.BaseRequest, page: Page, etag: str) -> bool:
    """If-None-Match decides alone where it is present (RFC 9110, 13.2.2)."""
    asked = request.headers.get("If-None-Match")
    if asked is not None:
        tags = [tag.strip().removeprefix("W/") for tag in asked.split(",")]
        return etag in tags or "*" in tags
    since = request.headers.get("If-Modified-Since")
    if since is None or page.modified is None:
        return False
    try:
        known = parsedate_to_datetime(since)
    except ValueError:
        return False
    return page.modified.replace(microsecond=0) <= known


def http_date(moment: datetime) -> str:
    """A moment as HTTP writes it (RFC 9110, 5.6.7)."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)
