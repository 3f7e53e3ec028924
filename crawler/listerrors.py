"""Pages that should list articles and do not: leaves of the tree in storage/errors.py."""

from __future__ import annotations

from storage.errors import PageError


class NotAFeed(PageError):
    """No feed could be read; `looks_like` is what came instead (`html`, `sitemap`, `json`, `xml`, `text`, `empty`)."""

    kind = "not-a-feed"

    def __init__(self, url: str, looks_like: str, problem: str) -> None:
        self.url, self.looks_like, self.problem = url, looks_like, problem
        super().__init__(f"{url} is not a feed: {problem}")


class NotASitemap(PageError):
    """No sitemap could be read; `looks_like` is what came instead (`html`, `feed`, `json`, `xml`, `text`, `empty`)."""

    kind = "not-a-sitemap"

    def __init__(self, url: str, looks_like: str, problem: str) -> None:
        self.url, self.looks_like, self.problem = url, looks_like, problem
        super().__init__(f"{url} is not a sitemap: {problem}")
