"""The kinds of leads, and how urgent each is: a smaller priority is visited sooner."""

from __future__ import annotations

from storage.lead import LISTS_BELOW, RESOURCES_FROM

FEED, SITEMAP, SECTION, ARTICLE, RESOURCE = "feed", "sitemap", "section", "article", "resource"
LISTS = (FEED, SITEMAP, SECTION)

ARTICLE_PRIORITY, RESOURCE_PRIORITY = LISTS_BELOW, RESOURCES_FROM
PRIORITY = {
    (FEED, None): 10,
    (SITEMAP, "news-sitemap"): 15,
    (SITEMAP, None): 20,
    (SECTION, None): 30,
    (ARTICLE, "feed"): 50,
    (ARTICLE, "news-sitemap"): 50,
    (ARTICLE, "section"): 55,
    (ARTICLE, "sitemap"): 60,
    (ARTICLE, None): 70,
    (RESOURCE, "style"): RESOURCE_PRIORITY,
    (RESOURCE, None): RESOURCE_PRIORITY + 2,
    (RESOURCE, "script"): RESOURCE_PRIORITY + 4,
}


def priority_of(kind: str, method: str | None) -> int:
    """The priority of a lead of that kind, found by that method."""
    return PRIORITY.get((kind, method), PRIORITY.get((kind, None), 70))
