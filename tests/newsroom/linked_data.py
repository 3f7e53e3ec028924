"""A story as JSON-LD: the whole graph of a careful site, or the article alone."""

from __future__ import annotations

import json
from typing import Any

from tests.newsroom.edition import Edition
from tests.newsroom.markup import Html
from tests.newsroom.story import Story


def article_graph(story: Story, edition: Edition, base_url: str) -> Html:
    """`@graph` of site, publisher, page, crumbs, picture and article, linked by `@id`."""
    url, home = base_url + story.path, base_url + edition.home
    article = _article(story, edition) | {
        "@id": f"{url}#article",
        "mainEntityOfPage": {"@id": url},
        "publisher": {"@id": f"{home}#paper"},
        "image": {"@id": f"{url}#picture"},
    }
    graph = [
        {"@type": "WebSite", "@id": f"{home}#site", "url": home, "name": edition.name},
        {"@type": "NewsMediaOrganization", "@id": f"{home}#paper", "name": edition.name},
        {"@type": "WebPage", "@id": url, "url": url, "isPartOf": {"@id": f"{home}#site"}},
        _crumbs(story, edition, base_url),
        _image(story, base_url) | {"@id": f"{url}#picture"},
        article,
    ]
    return _script({"@context": "https://schema.org", "@graph": graph})


def article_alone(story: Story, edition: Edition, base_url: str) -> Html:
    """One NewsArticle whose publisher is written out."""
    article = _article(story, edition) | {
        "url": base_url + story.path,
        "publisher": {"@type": "Organization", "name": edition.name},
    }
    return _script({"@context": "https://schema.org"} | article)


def _article(story: Story, edition: Edition) -> dict[str, Any]:
    return {
        "@type": "NewsArticle",
        "headline": story.headline,
        "description": story.summary,
        "inLanguage": story.language,
        "articleSection": edition.sections[story.section],
        "keywords": list(story.tags),
        "datePublished": story.published.isoformat(),
        "dateModified": (story.modified or story.published).isoformat(),
        "author": [{"@type": "Person", "name": name} for name in story.authors]
        + [{"@type": "Organization", "name": name} for name in story.agencies],
    }


def _crumbs(story: Story, edition: Edition, base_url: str) -> dict[str, Any]:
    places = [
        (edition.name, edition.home),
        (edition.sections[story.section], edition.section_url(story.section)),
    ]
    items = [
        {"@type": "ListItem", "position": number, "name": name, "item": base_url + path}
        for number, (name, path) in enumerate(places, start=1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": items}


def _image(story: Story, base_url: str) -> dict[str, Any]:
    image: dict[str, Any] = {
        "@type": "ImageObject",
        "url": base_url + (story.image_path or "/images/logo.svg"),
    }
    if story.picture is not None:
        image |= {"caption": story.picture.caption, "creditText": story.picture.credit}
    return image


def _script(data: dict[str, Any]) -> Html:
    """JSON that cannot end the script element it stands in."""
    return Html(json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"))
