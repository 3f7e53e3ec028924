"""A lead: a URL worth visiting, as it is found, and as it is leased with what is known of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from storage.capture import Capture

LISTS_BELOW = 50
"""Every lead that lists articles has a smaller priority than this, so that one index range holds them all."""

RESOURCES_FROM = 80
"""Every lead that is a file of a page, and no page itself, has at least this priority."""


@dataclass(frozen=True, slots=True)
class NewLead:
    """A URL that somebody named. `identity` is what makes two spellings one lead; see `lead_identity`."""

    url: str
    identity: str
    kind: str
    priority: int
    via: str | None = None
    method: str | None = None
    depth: int = 0
    rank: int = 0
    hints: Mapping[str, str] = field(default_factory=dict)
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Lead:
    """A leased lead, with the last response kept for it, if any. With `has_unread` that was not read yet."""

    id: int
    url: str
    kind: str
    via: str | None
    method: str | None
    depth: int
    hints: Mapping[str, str]
    attempts: int
    visited_at: datetime | None
    etag: str | None
    last_modified: str | None
    last_capture: Capture | None
    has_unread: bool = False


class LeadName(NamedTuple):
    """What a lead is called in events: its URL, and the identity that makes it one lead."""

    url: str
    identity: str


def lead_identity(normalised_url: str) -> str:
    """The key that makes two spellings of a URL one lead: SHA-256 of the normalised URL, in hex."""
    return hashlib.sha256(normalised_url.encode()).hexdigest()
