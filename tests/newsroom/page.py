"""One answer of the newsroom before it is sent: status, type, bytes, and what a cache needs to know."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import brotlicffi

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Page:
    """`headers` are those of this page alone; `chunked` says how it is sent, `brotli` that it may be."""

    status: int
    content_type: str
    body: bytes
    modified: datetime | None = None
    headers: tuple[tuple[str, str], ...] = ()
    chunked: bool = False
    brotli: bool = False
    compressible: bool = field(default=True)

    @cached_property
    def etag(self) -> str:
        """A strong tag of the uncompressed bytes; compressed forms add their coding before the last quote."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:20]}"'

    @cached_property
    def gzipped(self) -> bytes:
        """The body as gzip, the same bytes every time."""
        return gzip.compress(self.body, mtime=0)

    @cached_property
    def brotlied(self) -> bytes:
        """The body as Brotli."""
        return bytes(brotlicffi.compress(self.body, quality=5))


def redirect(location: str) -> Page:
    """301 to another address, with the few words that servers put below."""
    body = f'<html><body>Moved to <a href="{location}">{location}</a></body></html>\n'.encode()
    return Page(301, HTML, body, headers=(("Location", location),), compressible=False)
