"""How like two texts are: a sketch of each is small, and two sketches tell the share of word sequences in common.

A sketch is a bottom-k MinHash (Cohen and Kaplan, 2007): of all sequences of four words the `SKETCH_SIZE` smallest
hashes. It is one pass over the text, and the few smallest of all are what the catalogue needs to find a like text.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from pipelines.article import Duplicate
from pipelines.compare import content_digest
from storage.fingerprints import HASH_BYTES, fingerprint_of, hashes_in
from storage.versions import Version

SHINGLE_WORDS = 4
SKETCH_SIZE = 64
MIN_SHINGLES = 40
"""Shorter texts are alike by chance: a weather line, a list of results."""

LIKE = 0.7
"""From here on a text is called a duplicate: agency copy with another first sentence and last paragraph has more."""

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]|\w+")


def fingerprint(text: str) -> str | None:
    """The text's sketch as the record holds it, or None when it is too short to be told from others.

    Equal texts have equal fingerprints, apart from case, punctuation and white space.
    """
    hashes = _hashes(_WORD.findall(text.lower()))
    return None if len(hashes) < MIN_SHINGLES else fingerprint_of(sorted(hashes)[:SKETCH_SIZE])


@dataclass(frozen=True, slots=True)
class Sketch:
    """What an article is compared by: the digest of its content and the fingerprint of its text."""

    digest: str
    fingerprint: str | None

    @classmethod
    def of(cls, article: Mapping[str, Any]) -> Sketch:
        """The sketch of an article as it was read."""
        return cls(content_digest(article), fingerprint(article.get("articleBody") or ""))


def similarity(one: str, other: str) -> float:
    """The share of word sequences that the texts of two fingerprints have in common, from 0 to 1: Jaccard's index,
    give or take 0.06."""
    own, others = set(hashes_in(one)), set(hashes_in(other))
    smallest = heapq.nsmallest(SKETCH_SIZE, own | others)
    return len(own.intersection(others, smallest)) / len(smallest) if smallest else 0.0


def duplicate_of(fingerprint: str, known: Iterable[Version]) -> Duplicate | None:
    """The first of these versions, oldest first, whose text is like enough; None when none is."""
    for version in known:
        like = similarity(fingerprint, version.fingerprint or "")
        if like >= LIKE:
            return Duplicate(id=version.record_id, url=version.url, similarity=round(like, 2))
    return None


def _hashes(words: list[str]) -> set[bytes]:
    """The hashes of all sequences of words with a space between, cut from one text of all of them."""
    joined, blake2b = " ".join(words), hashlib.blake2b
    # most words are as long in UTF-8 as they are, and to encode each takes longer than to hash it
    lengths = map(len, words if joined.isascii() else [word.encode("utf-8", "surrogatepass") for word in words])
    text = joined.encode("utf-8", "surrogatepass")
    starts = [0, *accumulate(length + 1 for length in lengths)]
    places = zip(starts, starts[SHINGLE_WORDS:], strict=False)
    return {blake2b(text[start : end - 1], digest_size=HASH_BYTES).digest() for start, end in places}
