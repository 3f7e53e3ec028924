"""What the newsroom saw of one request: the other half of what a crawler records."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class RequestSeen:
    """`path` has the query; `headers` are raw, in the order and case in which they came.

    `monotonic_seconds` is for distances between requests, `at` is the machine's own time in UTC.
    """

    method: str
    path: str
    host: str
    headers: tuple[tuple[bytes, bytes], ...]
    status: int
    monotonic_seconds: float = field(default_factory=time.monotonic)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def header(self, name: str) -> str | None:
        """The first value of a header, matched without case, or None."""
        wanted = name.lower().encode()
        values = (value for key, value in self.headers if key.lower() == wanted)
        return next((value.decode("latin-1") for value in values), None)
