"""How an archive is written: rows that the front door fills from newsark.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.vouching.signing import Signer
    from storage.vouching.timestamping import Authority


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """Who operates an archive, when a segment is rolled, and how many stores must have confirmed it.

    `copies_required` None means all of them. `signer` and `authority` vouch for manifests, if given. `accept_unsafe`
    names the stores, by their place, whose broken promises are accepted. `host` is what names of files call this
    machine: several that work on one source must be called differently. None is its own name.
    """

    operator: str | None = None
    user_agent: str | None = None
    contact: str | None = None
    catalogue_url: str | None = None
    segment_max_bytes: int = 1_000_000_000
    segment_max_age_seconds: float = 6 * 3600.0
    copies_required: int | None = None
    accept_unsafe: frozenset[str] = frozenset()
    signer: Signer | None = None
    authority: Authority | None = None
    host: str | None = None
