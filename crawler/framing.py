"""What of a response head frames its body, rewritten so that a strict parser takes it.

aiohttp's parser refuses heads that every browser reads: a NUL in a value, a space in a field name, two equal
Content-Length fields. None of this says where the body ends, so the parser is given only what does.
"""

from __future__ import annotations

import re

from aiohttp.http_exceptions import HttpProcessingError

from storage.exchange import first_line

# A first line longer than this is no status line.
STATUS_LINE_LIMIT_BYTES = 64 * 1024

_EMPTY_LINES = re.compile(rb"[\r\n]*")
_FIRST_LINE = re.compile(rb"[\r\n]*[^\r\n][^\n]*\n")
_STATUS_LINE = re.compile(rb"[\r\n]*(HTTP\S*)[ \t]+([1-9][0-9]{2})(?!\S)", re.IGNORECASE)
# "\n" in front is nine times as fast as "^". A value goes on over its folds (RFC 9112, 5.2).
_FIELD = re.compile(rb"\n(content-length|transfer-encoding|connection)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE)


class UnreadableHead(HttpProcessingError):
    """What came is not the head of an HTTP response."""

    def __init__(self, head: bytes) -> None:
        super().__init__(message=f"not an HTTP status line: {first_line(head[:200])!r}")


class HeadTooLarge(HttpProcessingError):
    """A response head did not end within `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(message=f"the response head is larger than {limit_bytes} bytes")


def head_end(data: bytes | bytearray, begin: int = 0, searched: int = 0) -> int:
    """The offset behind the empty line that ends the head that begins at `begin`, or 0.

    RFC 9112, 2.2: a lone LF is a line end too, and empty lines may come before the status line. What lies
    before `searched` is not searched again.
    """
    leading = _EMPTY_LINES.match(data, begin)
    start = max(searched, leading.end() if leading else 0)
    crlf = data.find(b"\n\r\n", start)
    lf = data.find(b"\n\n", start, crlf + 1 if crlf >= 0 else len(data))
    if lf >= 0:
        return lf + 2
    return crlf + 3 if crlf >= 0 else 0


def begins_head(data: bytes | bytearray) -> bool:
    """Whether a readable status line stands there, False when it is not whole yet. Raises UnreadableHead."""
    if _FIRST_LINE.match(data):
        _status(data)
        return True
    if len(data) > STATUS_LINE_LIMIT_BYTES:
        raise UnreadableHead(bytes(data[:STATUS_LINE_LIMIT_BYTES]))
    return False


def is_interim(head: bytes) -> bool:
    """Whether another head follows this one: 1xx other than 101 (RFC 9110, 15.2)."""
    found = _STATUS_LINE.match(head)
    return found is not None and found[2][:1] == b"1" and found[2] != b"101"


def framing_head(head: bytes) -> bytes:
    """A head of the same status and framing: Connection, and Content-Length or Transfer-Encoding.

    RFC 9112, 6.3: Transfer-Encoding overrides Content-Length, and equal lengths count as one. A
    Transfer-Encoding that does not end in chunked is not heeded, as in browsers. Lengths that disagree are
    left for the parser to refuse. After 101 the connection speaks something else. Raises UnreadableHead.
    """
    protocol, status = _status(head)
    version = b"HTTP/1.0" if protocol.upper() == b"HTTP/1.0" else b"HTTP/1.1"
    values: dict[bytes, list[bytes]] = {}
    for name, value in _FIELD.findall(head):
        values.setdefault(name.lower(), []).extend(word.strip() for word in value.split(b","))
    lines = [version + b" " + status + b" "]
    options = {word.lower() for word in values.get(b"connection", ())}
    if b"close" in options or status == b"101":
        lines.append(b"Connection: close")
    elif b"keep-alive" in options:
        lines.append(b"Connection: keep-alive")
    if values.get(b"transfer-encoding", [b""])[-1].lower() == b"chunked":
        lines.append(b"Transfer-Encoding: chunked")
    else:
        lines.extend(b"Content-Length: " + length for length in sorted(set(values.get(b"content-length", ()))))
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _status(head: bytes | bytearray) -> tuple[bytes, bytes]:
    found = _STATUS_LINE.match(head)
    if found is None:
        raise UnreadableHead(bytes(head))
    return found[1], found[2]
