"""An HTTP message in a record, read once from front to back: its head judged, its payload digested."""

from __future__ import annotations

import hashlib
import re
from typing import Protocol

from storage.validation.chunkedbody import ChunkedBody
from storage.validation.fieldsyntax import Digest
from storage.validation.recordheader import Note, RecordHeader

_HEAD_END = re.compile(rb"\n\r?\n")
_HEAD_LIMIT_BYTES = 1024 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n\0]*)?\r?")
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\S+) HTTP/1\.[01]\r?")
_LATER_HTTP = re.compile(rb"HTTP/[23](?:\.[0-9])? |[^\r\n]* HTTP/[23](?:\.[0-9])?\r?$")
_FIELD_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\r\n\0]*)\r?")


class Hash(Protocol):
    """A digest that is being computed."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""

    def digest(self) -> bytes:
        """The digest of all bytes so far."""


class HttpMessage:
    """An HTTP message as it comes by: its head is judged, its body measured and digested.

    `understood` is whether it could be read so far that its payload is known. `short_bytes` is how much of the
    body is missing without a word; `method` is that of a request, `status` that of a response.
    """

    def __init__(self, header: RecordHeader, expected: Digest | None, note: Note) -> None:
        self._kind = header.record_type
        self._truncated = "warc-truncated" in header.values
        self._note = note
        self._head: bytes | None = b""
        self._chunked: ChunkedBody | None = None
        self._length: int | None = None
        self._bodiless = False
        self.payload_hash = new_hash(expected)
        self.framed_hash: Hash | None = None
        self._expected = expected
        self.understood = True
        self.body_bytes = 0
        self.short_bytes = 0
        self.method: str | None = None
        self.status: int | None = None

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        if self._head is None:
            self._feed_body(piece)
            return
        if len(self._head) >= _HEAD_LIMIT_BYTES:
            return
        searched = max(0, len(self._head) - 3)
        self._head += piece
        end = _HEAD_END.search(self._head, searched)
        if end:
            head, body = self._head[: end.end()], self._head[end.end() :]
            self._head = None
            self._read_head(head)
            if body:
                self._feed_body(body)

    def close(self) -> None:
        """Tell what is wrong with the message, which is over."""
        if self._head is not None:
            self._close_head(self._head)
            return
        if self._chunked:
            self._close_chunked(self._chunked)
        elif self._length is not None and not self._bodiless:
            self._close_length(self._length)

    def _close_head(self, head: bytes) -> None:
        if not head:
            if self._kind != "revisit":
                self._note("http-start-line", "the block is empty")
            return
        self.understood = False
        start = self._start_line(head.split(b"\n", 1)[0])
        if start and not self._truncated:
            self._note("http-head-end", "no empty line ends the head")

    def _close_chunked(self, chunked: ChunkedBody) -> None:
        if self._kind == "revisit" and not self.body_bytes:
            return
        chunked.close()
        if chunked.problem and not self._truncated:
            self.understood = False
            self._note("http-chunked", f"Transfer-Encoding is chunked and the body is not: {chunked.problem}")
        if chunked.after_bytes:
            self._note("http-length", f"{chunked.after_bytes} bytes follow the last chunk")

    def _close_length(self, length: int) -> None:
        if self._kind == "revisit" or self.body_bytes == length:
            return
        told = f"the body has {self.body_bytes} bytes, its Content-Length is {length}"
        if self.body_bytes > length or self._kind == "request":
            self._note("http-length", told)
        elif not self._truncated:
            self.short_bytes = length - self.body_bytes
            if self.body_bytes:
                self._note("http-truncated", f"{told}, and no WARC-Truncated says why")

    def _feed_body(self, piece: bytes) -> None:
        self.body_bytes += len(piece)
        if self._chunked is None:
            if self.payload_hash:
                self.payload_hash.update(piece)
            return
        if self.framed_hash:
            self.framed_hash.update(piece)
        for payload in self._chunked.feed(piece):
            if self.payload_hash:
                self.payload_hash.update(payload)

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.split(b"\n")
        if not self._start_line(first):
            self.understood = False
            return
        codings: list[str] = []
        for line in lines:
            field = _FIELD_LINE.fullmatch(line)
            if field:
                self._read_field(field[1].lower(), field[2].strip(), codings)
            elif line.strip(b"\r") and line[:1] not in b" \t":
                self._note("http-field", f"{line[:60].decode('latin-1')!r} is no field")
        if codings and codings[-1] == "chunked" and not self._bodiless:
            self._chunked = ChunkedBody()
            self.framed_hash = new_hash(self._expected)
        # what another transfer-coding leaves is not known here
        self.understood = all(coding in ("chunked", "identity") for coding in codings)

    def _read_field(self, name: bytes, value: bytes, codings: list[str]) -> None:
        if name == b"content-length":
            self._length = int(value) if value.isdigit() and len(value) < 19 else None
        elif name == b"transfer-encoding":
            codings += [coding.strip().lower() for coding in value.decode("latin-1").split(",") if coding.strip()]

    def _start_line(self, line: bytes) -> bool:
        if _LATER_HTTP.match(line):
            self._note("http-version", f"{line[:60].decode('latin-1').strip()!r} is not HTTP/1")
            return False
        found = (_REQUEST_LINE if self._kind == "request" else _STATUS_LINE).fullmatch(line)
        if not found:
            self._note("http-start-line", f"{line[:60].decode('latin-1').strip()!r} does not begin a {self._kind}")
            return False
        if self._kind == "request":
            self.method = found[1].decode("ascii")
        else:
            self.status = int(found[1])
            self._bodiless = found[1] in (b"204", b"304") or found[1] < b"200"
        return True


def new_hash(digest: Digest | None) -> Hash | None:
    """A hash that computes what a digest says, or None when its algorithm is not known."""
    if digest is None or digest.algorithm is None:
        return None
    return hashlib.new(digest.algorithm, usedforsecurity=False)
