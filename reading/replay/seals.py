"""Seals: that a document which tells the frame what it is was served as that, and is no other that says so."""

from __future__ import annotations

import hmac
from secrets import token_bytes


class Seals:
    """Seals of one running replay."""

    def __init__(self) -> None:
        self._key = token_bytes(32)

    def seal(self, url: str, moment: str) -> str:
        """The seal of the capture of an address at a moment (14 digits)."""
        return hmac.digest(self._key, f"{moment} {url}".encode("utf-8", "replace"), "sha256").hex()

    def is_sealed(self, url: str, moment: str, seal: str) -> bool:
        """Whether that is the seal of it."""
        return hmac.compare_digest(self.seal(url, moment).encode(), seal.encode("utf-8", "replace"))
