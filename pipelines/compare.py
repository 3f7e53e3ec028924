"""Step 7, compare: is this what was known of the article, or a new version?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from unicodedata import normalize

from storage.digests import sha256_digest


@dataclass(frozen=True, slots=True)
class PreviousVersion:
    """The version of an article that was recorded last."""

    record_id: str
    version: int
    content_digest: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison found: `version` is the number of the version that holds now, `previous` the one before."""

    outcome: Literal["new", "edited", "unchanged"]
    version: int
    previous: PreviousVersion | None


def content_digest(article: Mapping[str, Any]) -> str:
    """SHA-256 over headline, text and authors, apart from white space and the ways Unicode composes a letter.

    Nothing else counts: banners, teasers and modification dates change while the article does not.
    """
    authors = [author["name"] for author in article.get("author") or ()]
    parts = (article.get("headline") or "", article.get("articleBody") or "", "\n".join(authors))
    # split and join is ten times as fast as a regular expression over white space
    told = "\0".join(" ".join(part.split()) for part in parts)
    return sha256_digest(normalize("NFC", told).encode("utf-8", "surrogatepass"))


def compare(previous: PreviousVersion | None, digest: str) -> Verdict:
    """How content with that digest relates to the version recorded last; `previous` is None when there is none."""
    if previous is None:
        return Verdict("new", 1, None)
    if previous.content_digest == digest:
        return Verdict("unchanged", previous.version, previous)
    return Verdict("edited", previous.version + 1, previous)
