"""What came of reading a page: plain values that travel from a worker to whoever asked.

Nothing heavy is imported here: a process that only waits for readings loads no extractor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pipelines.article import Kind
from pipelines.links import Link
from pipelines.requisites import Requisite
from storage.errors import PageError

if TYPE_CHECKING:
    from pipelines.selectors import Selectors

EXTRACTOR = "newsark"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was made of a page. `reason` says why there is no article text.

    `article` holds JSON-ready values under ArticleRecord's names, without those that only the archive
    knows; it is None when the page could not be read at all.
    """

    url: str
    kind: Kind
    reason: str | None = None
    evidence: tuple[str, ...] = ()
    article: Mapping[str, Any] | None = None
    links: tuple[Link, ...] = ()
    requisites: tuple[Requisite, ...] = ()
    feed_links: tuple[str, ...] = ()
    canonical: str | None = None
    read_ms: float = 0.0


def unreadable(url: str, error: PageError) -> Reading:
    """The reading of a page that could not be read."""
    return Reading(url, "unreadable", str(error), (error.kind,))


def reading_version(selectors: Selectors | None) -> str:
    """The version that decides what is read of a source: the extractor's, and which selectors its file has."""
    return f"{extractor_version()}, selectors {selectors.digest}" if selectors is not None else extractor_version()


@cache
def extractor_version() -> str:
    """The versions that decide what is read: Newsark's and trafilatura's."""
    return f"{_version('newsark')} (trafilatura {_version('trafilatura')})"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "0"
