"""The chunked transfer-coding, taken off piece by piece (RFC 9112, 7.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r?")
_LINE_LIMIT_BYTES = 64 * 1024


class ChunkedBody:
    """Takes chunk framing off a body. `problem` is what is wrong with it, and `ended` whether its last chunk came.

    After a problem nothing more is given. `after_bytes` is what followed the end.
    """

    def __init__(self) -> None:
        self.problem: str | None = None
        self.ended = False
        self.after_bytes = 0
        self._line = b""
        self._left = 0
        self._state = "size"

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The payload bytes in the next piece of the body."""
        at = 0
        while at < len(data) and not self.problem:
            if self.ended:
                self.after_bytes += len(data) - at
                return
            if self._state == "data":
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = "data-end"
                yield piece
            else:
                at = self._take_line(data, at)

    def close(self) -> None:
        """Say that the body is over; without its last chunk that is a problem."""
        if not self.ended and not self.problem:
            self.problem = "the last chunk is missing"

    def _take_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        self._line += data[at:] if end < 0 else data[at:end]
        if len(self._line) > _LINE_LIMIT_BYTES:
            self.problem = "a chunk size has no end"
        elif end >= 0:
            line, self._line = self._line, b""
            self._judge(line)
        elif self._state == "data-end" and self._line.strip(b"\r"):
            self.problem = "a chunk is longer than its size"
        return len(data) if end < 0 else end + 1

    def _judge(self, line: bytes) -> None:
        if self._state == "size":
            found = _SIZE_LINE.fullmatch(line)
            if not found:
                self.problem = f"{line[:40].decode('ascii', 'replace')!r} is no chunk size"
                return
            self._left = int(found[1], 16)
            self._state = "data" if self._left else "trailer"
        elif self._state == "data-end":
            if line.strip(b"\r"):
                self.problem = "a chunk is longer than its size"
            self._state = "size"
        elif not line.strip(b"\r"):
            self.ended = True
