"""What the lines of events have in common: how they say moments, and which lead they are of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def identity_of(url: str) -> str:
    """SHA-256 of a URL, in hex: the identity of a lead whose URL is in its normal spelling."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()


def time_text(moment: datetime) -> str:
    """A moment as events say it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(text: str) -> datetime:
    """The moment that an event says."""
    return datetime.fromisoformat(text)


def lead_name(url: str, identity: str) -> dict[str, Any]:
    """A lead's name; the identity stands only where the URL does not give it."""
    return {"url": url} if identity_of(url) == identity else {"url": url, "identity": identity}


def lead_identity_of(facts: Mapping[str, Any]) -> str:
    """The identity of the lead that an event names."""
    return str(facts.get("identity") or identity_of(facts["url"]))
