"""Pages that are no story: home pages, sections, the support page, and the notices for what is not there."""

from __future__ import annotations

from collections.abc import Sequence

from tests.newsroom.edition import Edition
from tests.newsroom.frame import FURTHER_FEEDS, colophon, masthead
from tests.newsroom.markup import Html, element, fill, joined, link
from tests.newsroom.story import Story

HOME_STORIES = 6
"""How many stories a home page shows."""

SECTION_STORIES = 3
"""How many stories stand on one page of a section."""


def home_page(edition: Edition, stories: Sequence[Story]) -> bytes:
    """The newest stories of an edition, which are given newest first."""
    return _list_page(edition, edition.labels["latest"], stories[:HOME_STORIES], Html())


def section_page(edition: Edition, section: str, page: int, stories: Sequence[Story]) -> bytes:
    """One page of a section whose stories are given newest first; `page` counts from 1."""
    first = (page - 1) * SECTION_STORIES
    turns = []
    if page > 1:
        turns.append(link(edition.section_url(section, page - 1), edition.labels["newer"]))
    if first + SECTION_STORIES < len(stories):
        turns.append(link(edition.section_url(section, page + 1), edition.labels["older"]))
    shown = stories[first : first + SECTION_STORIES]
    return _list_page(edition, edition.sections[section], shown, joined(turns, " · "))


def notice_page(edition: Edition, title: str, text: str) -> bytes:
    """A page with one sentence."""
    return fill(
        "notice.html",
        language=edition.language,
        title=title,
        paper=edition.name,
        text=text,
        masthead=masthead(edition),
        colophon=colophon(edition),
    ).encode()


def support_page(edition: Edition) -> bytes:
    """Where the plea's buttons lead."""
    return notice_page(edition, edition.labels["support"], edition.appeal.paragraphs[-1])


def _list_page(edition: Edition, title: str, stories: Sequence[Story], turn: Html) -> bytes:
    feeds = (Html(f'<link rel="alternate" type="{kind}" href="{path}">') for kind, path in FURTHER_FEEDS)
    return fill(
        "list.html",
        language=edition.language,
        title=title,
        paper=edition.name,
        feed=edition.feed,
        more_feeds=joined(feeds),
        masthead=masthead(edition),
        entries=joined(_entry(story, edition) for story in stories),
        turn=turn,
        colophon=colophon(edition),
    ).encode()


def _entry(story: Story, edition: Edition) -> Html:
    hour = element("time", edition.date(story.published), datetime=story.published.isoformat())
    parts = [element("h2", link(story.path, story.headline)), element("p", story.summary), hour]
    return element("section", joined(parts))
