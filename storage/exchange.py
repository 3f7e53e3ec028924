"""What crossed the wire: one HTTP request and its response, or the named failure that came instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from storage.digests import sha256_digest

Truncation = Literal["length", "time", "disconnect", "unspecified"]
"""Why a body is shorter than what was announced: the values of WARC-Truncated (ISO 28500, 5.15)."""


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """The TLS session as negotiated: what `verified=False` means is that nobody vouched for the peer."""

    version: str
    cipher: str
    certificate_sha256: str
    verified: bool


@dataclass(frozen=True, slots=True)
class FetchFailure:
    """Why there is no response to rely on: `kind` is a stable word for reports, `message` is for people."""

    kind: str
    message: str


@dataclass(slots=True)
class Exchange:
    """One request and what came back, byte for byte.

    `response_head` is verbatim: status line, header lines in their order and case, and the empty line.
    `body` has its transfer-coding removed and its content-encoding kept. Both are empty when nothing came;
    then `failure` says why. A response that was cut short has `truncated` set and the bytes that did come.
    Times are UTC; `started` is when the request began, before the connection was made.
    """

    url: str
    request: bytes
    started: datetime
    ended: datetime
    response_head: bytes = b""
    body: bytes = b""
    interim_heads: tuple[bytes, ...] = ()
    truncated: Truncation | None = None
    truncated_detail: str | None = None
    peer_address: str | None = None
    peer_port: int | None = None
    tls: TlsFacts | None = None
    failure: FetchFailure | None = None
    via: str | None = None
    _headers: list[tuple[str, str]] | None = field(default=None, repr=False, compare=False)
    _payload_digest: str | None = field(default=None, repr=False, compare=False)

    @property
    def status_line(self) -> str:
        """The first line of the response that is not empty, without its line end; empty when nothing came."""
        return first_line(self.response_head)

    @property
    def status(self) -> int | None:
        """The three-digit status code, or None when no readable status line came."""
        return head_status(self.response_head)

    @property
    def http_version(self) -> str:
        """The protocol word of the status line, such as `HTTP/1.1`; empty when nothing came."""
        return self.status_line.split(None, 1)[0] if self.status_line else ""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Response header fields in wire order, repeats kept, values stripped, folds joined by a space."""
        if self._headers is None:
            self._headers = parse_header_lines(self.response_head)
        return self._headers

    @property
    def payload_digest(self) -> str:
        """`sha256:<hex>` over the body as it is kept; computed once."""
        if self._payload_digest is None:
            self._payload_digest = sha256_digest(self.body)
        return self._payload_digest

    def header(self, name: str) -> str | None:
        """The first value of a response header, matched without case, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


def first_line(head: bytes) -> str:
    """The first line of an HTTP head that is not empty, without its line end."""
    return head.lstrip(b"\r\n").split(b"\n", 1)[0].rstrip(b"\r").decode("iso-8859-1")


def head_status(head: bytes) -> int | None:
    """The three-digit status code of a response head, or None when its first line has none."""
    parts = first_line(head).split(None, 2)
    # isdigit() alone would let in a superscript, which int() refuses
    if len(parts) < 2 or len(parts[1]) != 3 or not parts[1].isascii() or not parts[1].isdigit():
        return None
    return int(parts[1]) if parts[1] >= "100" else None


def parse_header_lines(head: bytes) -> list[tuple[str, str]]:
    """Header fields of an HTTP head as (name, value), in order; lines without a colon are skipped."""
    fields: list[tuple[str, str]] = []
    for line in head.decode("iso-8859-1").split("\n")[1:]:
        line = line.rstrip("\r")
        if line[:1] in (" ", "\t") and fields:
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {line.strip()}".strip())
            continue
        name, colon, value = line.partition(":")
        if colon and name.strip():
            fields.append((name.strip(), value.strip()))
    return fields
