"""One request as the fault server saw it, and every byte that it answered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

SENT_KEPT_BYTES = 8 << 20
"""How much of an answer is remembered; bombs and endless bodies are longer."""


@dataclass(slots=True)
class Visit:
    """`head` is the request's head verbatim, with its empty line; `sent` is what went out in answer to it.

    `sent` is whole unless the answer is longer than `SENT_KEPT_BYTES`.
    """

    head: bytes
    sent: bytearray = field(default_factory=bytearray)
    monotonic_seconds: float = field(default_factory=time.monotonic)

    @property
    def method(self) -> str:
        """The first word of the request line."""
        return self._words[0]

    @property
    def target(self) -> str:
        """Path and query as they came."""
        return self._words[1] if len(self._words) > 1 else ""

    @property
    def path(self) -> str:
        """The target's path."""
        return urlsplit(self.target).path

    def query(self, name: str) -> str | None:
        """The first value of that name in the query, or None."""
        return next(iter(parse_qs(urlsplit(self.target).query).get(name, [])), None)

    def header(self, name: str) -> str | None:
        """The first value of a header, matched without case, or None."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None

    def keep(self, data: bytes) -> None:
        """Remember bytes that were sent."""
        self.sent += data[: max(0, SENT_KEPT_BYTES - len(self.sent))]

    @property
    def _words(self) -> list[str]:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
