"""What surrounds every page: the masthead above and the colophon below."""

from __future__ import annotations

from tests.newsroom.edition import Edition, load_editions
from tests.newsroom.markup import Html, fill, joined, link

FURTHER_FEEDS = (
    ("application/atom+xml", "/atom.xml"),
    ("application/feed+json", "/feed.json"),
)
"""Feeds besides the RSS feed of each language: type and path."""


def masthead(edition: Edition) -> Html:
    """The paper's name and its sections."""
    sections = (link(edition.section_url(key), name) for key, name in edition.sections.items())
    return fill(
        "masthead.html",
        home=edition.home,
        paper=edition.name,
        motto=edition.motto,
        sections=joined(sections, " "),
    )


def colophon(edition: Edition) -> Html:
    """The lines at the foot; one of its links leads to the staff room, which robots.txt forbids."""
    others = (link(other.home, other.name) for other in load_editions() if other.language != edition.language)
    return fill(
        "colophon.html",
        rights=edition.labels["rights"],
        languages_label=edition.labels["all_languages"],
        languages=joined(others, " "),
        feed=edition.feed,
        support=edition.labels["support"],
        staff_only=edition.labels["staff_only"],
    )


def menu(edition: Edition) -> Html:
    """The sections as old pages list them, one a line."""
    return joined((link(edition.section_url(key), name) for key, name in edition.sections.items()), "<BR>\n")
