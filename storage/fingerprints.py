"""Fingerprints of texts as records hold them: the smallest hashes of a text, ascending, in base64.

Each hash is a number of five bytes, big-endian. Like texts share some of the smallest: the catalogue keeps these few
as marks, and finds the versions that may be like a text without reading any other.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

HASH_BYTES = 5
MARKS = 8
"""How many of the smallest hashes are looked up: texts with 0.8 of their word sequences in common share one of eight
all but three times in a million."""


def fingerprint_of(hashes: Iterable[bytes]) -> str:
    """The fingerprint of these hashes of five bytes each, which must be ascending."""
    return base64.b64encode(b"".join(hashes)).decode()


def hashes_in(fingerprint: str) -> tuple[int, ...]:
    """The hashes of a fingerprint; none when it is damaged: then nothing is like it."""
    try:
        data = base64.b64decode(fingerprint, validate=True)
    except (binascii.Error, ValueError):
        return ()
    whole = len(data) - len(data) % HASH_BYTES
    return tuple(int.from_bytes(data[start : start + HASH_BYTES]) for start in range(0, whole, HASH_BYTES))


def marks_of(fingerprint: str) -> tuple[int, ...]:
    """What the catalogue looks up: the smallest hashes."""
    return hashes_in(fingerprint[: (MARKS * HASH_BYTES + 2) // 3 * 4])[:MARKS]
