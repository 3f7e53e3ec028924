"""What the sample newsroom publishes comes out of its feeds as it was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from crawler.feeds import Feed, FeedEntry, parse_feed
from tests.newsroom import Clock, Edition, Newsroom, Story, load_editions
from tests.newsroom.feeds import FEED_STORIES, atom_feed, json_feed, rss_feed

BASE = "https://lantern.example"
EDITIONS = {edition.language: edition for edition in load_editions()}


def expected(story: Story, kind: str) -> FeedEntry:
    """The entry that a feed of that kind has for a story; RSS tells of no changes."""
    ids = {
        "rss": f"lantern-{story.language}-{story.path}",
        "atom": BASE + story.path,
        "json": f"{story.language}/{story.slug}",
    }
    return FeedEntry(
        url=BASE + story.path,
        title=story.headline,
        published=story.published.isoformat(),
        updated=None if kind == "rss" else (story.modified or story.published).isoformat(),
        summary=story.summary,
        author="; ".join(story.bylines) or None,
        language=story.language,
        id=ids[kind],
    )


def written(kind: str, edition: Edition, stories: Sequence[Story]) -> bytes:
    if kind == "rss":
        return rss_feed(edition, stories, BASE)
    if kind == "atom":
        return atom_feed(edition, stories, BASE, stories[0].published)
    return json_feed(edition.name, stories, BASE)


def feedfuls(edition: Edition) -> Iterator[Sequence[Story]]:
    for start in range(0, len(edition.stories), FEED_STORIES):
        yield edition.stories[start : start + FEED_STORIES]


@pytest.mark.parametrize("language", EDITIONS)
@pytest.mark.parametrize("kind", ["rss", "atom", "json"])
def test_every_story_comes_out_of_every_kind_of_feed_whole(kind: str, language: str) -> None:
    edition = EDITIONS[language]
    for stories in feedfuls(edition):
        feed = parse_feed(written(kind, edition, stories), None, f"{BASE}/feed")
        assert (feed.kind, feed.title, feed.problems) == (kind, edition.name, ())
        assert feed.entries == tuple(expected(story, kind) for story in stories)


def test_served_feeds_follow_the_newsroom_from_day_to_day() -> None:
    newsroom = Newsroom(Clock(), BASE)
    for _ in range(5):
        for edition in newsroom.editions:
            newest = newsroom.stories(edition.language)[:FEED_STORIES]
            assert served(newsroom, edition.feed).entries == tuple(expected(story, "rss") for story in newest)
        english, everything = newsroom.stories("en")[:FEED_STORIES], newsroom.stories()[:FEED_STORIES]
        assert served(newsroom, "/atom.xml").entries == tuple(expected(story, "atom") for story in english)
        assert served(newsroom, "/feed.json").entries == tuple(expected(story, "json") for story in everything)
        newsroom.clock.advance()


def served(newsroom: Newsroom, path: str) -> Feed:
    page = newsroom.page(path)
    feed = parse_feed(page.body, page.content_type, BASE + path)
    assert feed.problems == ()
    return feed
