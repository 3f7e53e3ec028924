"""A story as a web page, in one of four makes: clean, microdata, appeal (the seed's kind) and plain."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from tests.newsroom.edition import Edition
from tests.newsroom.frame import colophon, masthead, menu
from tests.newsroom.linked_data import article_alone, article_graph
from tests.newsroom.markup import Html, blocks, element, fill, joined, link
from tests.newsroom.story import Story

PLEA_AFTER, LETTER_AFTER, ASIDE_AFTER = 2, 3, 4
"""After which block of the body the plea, the newsletter form and the hint at another story stand."""

WORDS_PER_MINUTE = 130


def article_page(story: Story, edition: Edition, base_url: str, others: Sequence[Story]) -> bytes:
    """The page's bytes in the story's charset; `others` are the newest of the remaining stories.

    Pages of the makes `clean` and `plain` do not depend on `others`: they change only when their story does.
    """
    makes = {"clean": _clean, "microdata": _microdata, "appeal": _appeal, "plain": _plain}
    return makes[story.template](story, edition, base_url, others).encode(story.charset)


def _clean(story: Story, edition: Edition, base_url: str, others: Sequence[Story]) -> Html:
    updated = f" · {edition.labels['updated']} {edition.date(story.modified)}" if story.modified else ""
    return fill(
        "clean.html",
        **_common(story, edition, base_url),
        feed=edition.feed,
        linked_data=article_graph(story, edition, base_url),
        deck_line=element("p", story.deck, class_="deck") if story.deck else "",
        updated_line=updated,
        topic_links=_topic_links(story),
        body=joined(blocks(story.body)),
    )


def _microdata(story: Story, edition: Edition, base_url: str, others: Sequence[Story]) -> Html:
    metas = (Html(f'<meta property="article:tag" content="{_attribute(tag)}">') for tag in story.tags)
    return fill(
        "microdata.html",
        **_common(story, edition, base_url),
        keywords=", ".join(story.tags),
        tag_metas=joined(metas),
        people=joined(_authors(story), ", "),
        body=joined(blocks(story.body)),
        read_more_label=edition.labels["read_more"],
        teasers=_teasers(others[:3], edition),
    )


def _appeal(story: Story, edition: Edition, base_url: str, others: Sequence[Story]) -> Html:
    labels = ("support", "share", "copy_link", "print", "comments")
    return fill(
        "appeal.html",
        **_common(story, edition, base_url),
        **{name: edition.labels[name] for name in labels},
        **{f"cookie_{name}": words for name, words in edition.cookies.items()},
        path=story.path,
        linked_data=article_alone(story, edition, base_url),
        topic_links=_topic_links(story),
        body=_interrupted_body(story, edition, others),
        most_read_label=edition.labels["most_read"],
        most_read=joined(element("li", link(other.path, other.headline)) for other in others[:5]),
        read_more_label=edition.labels["read_more"],
        teasers=_teasers(others[5:8] or others[:3], edition),
    )


def _plain(story: Story, edition: Edition, base_url: str, others: Sequence[Story]) -> Html:
    common = _common(story, edition, base_url)
    names = ("headline", "by", "bylines", "published", "published_iso", "section", "section_url", "paper")
    return fill(
        "plain.html",
        **{name: common[name] for name in names},
        charset=story.charset,
        home=edition.home,
        motto=edition.motto,
        menu=menu(edition),
        body=joined(blocks(story.body)),
        rights=edition.labels["rights"],
    )


def _common(story: Story, edition: Edition, base_url: str) -> dict[str, str]:
    return {
        "language": story.language,
        "paper": edition.name,
        "headline": story.headline,
        "summary": story.summary,
        "deck": story.deck,
        "url": base_url + story.path,
        "image_url": base_url + (story.image_path or "/images/logo.svg"),
        "section": edition.sections[story.section],
        "section_url": edition.section_url(story.section),
        "by": edition.labels["by"],
        "bylines": ", ".join(story.bylines),
        "published": edition.date(story.published),
        "published_iso": story.published.isoformat(),
        "modified_iso": (story.modified or story.published).isoformat(),
        "topics": edition.labels["topics"],
        "figure": _figure(story, edition),
        "masthead": masthead(edition),
        "colophon": colophon(edition),
    }


def _figure(story: Story, edition: Edition) -> Html:
    if story.picture is None or story.image_path is None:
        return Html()
    image = Html(f'<img src="{story.image_path}" alt="" width="640" height="400">')
    credit = element("span", f"{edition.labels['photo']}: {story.picture.credit}", class_="lens")
    caption = element("figcaption", joined([story.picture.caption, credit], " "))
    return element("figure", joined([image, caption]))


def _interrupted_body(story: Story, edition: Edition, others: Sequence[Story]) -> Html:
    """The body in boxes, with a plea, a newsletter form and another story's headline between them."""
    words = edition.appeal.words
    plea = fill(
        "appeal-plea.html",
        title=edition.appeal.title,
        paragraphs=joined(element("p", text) for text in edition.appeal.paragraphs),
        **words,
    )
    interruptions = {
        PLEA_AFTER: plea,
        LETTER_AFTER: fill("appeal-letter.html", **edition.newsletter),
        ASIDE_AFTER: _aside(others[0], edition) if others else Html(),
    }
    pieces: list[Html] = []
    for number, block in enumerate(blocks(story.body), start=1):
        pieces.append(element("div", block, class_="story-part", data_kind="text"))
        pieces.append(interruptions.get(number, Html()))
    return joined(filter(None, pieces))


def _aside(other: Story, edition: Edition) -> Html:
    label = edition.labels["read_also"]
    return fill(
        "appeal-aside.html",
        label=label,
        path=other.path,
        headline=other.headline,
        minutes=_minutes(other, edition),
    )


def _teasers(others: Sequence[Story], edition: Edition) -> Html:
    boxes = []
    for other in others:
        heading = link(other.path, other.headline)
        parts = [
            element("h3", heading),
            element("p", other.summary),
            element("span", _minutes(other, edition)),
        ]
        boxes.append(element("div", joined(parts), class_="teaser"))
    return joined(boxes)


def _minutes(story: Story, edition: Edition) -> str:
    return f"{1 + len(story.text.split()) // WORDS_PER_MINUTE} {edition.labels['minutes']}"


def _topic_links(story: Story) -> Html:
    return joined((link(f"/search?q={quote(tag)}", tag) for tag in story.tags), ", ")


def _authors(story: Story) -> list[Html]:
    kinds = [("Person", name) for name in story.authors] + [("Organization", name) for name in story.agencies]
    return [
        Html(f'<span itemprop="author" itemscope itemtype="https://schema.org/{kind}">{inner}</span>')
        for kind, inner in ((kind, element("span", name, itemprop="name")) for kind, name in kinds)
    ]


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;")
