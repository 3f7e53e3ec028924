"""Seeded pages built like those of newsrooms: of their size, their make and their text, and no two alike.

What a page costs hangs on its make: how many elements, how deep, how much of it is attributes, scripts and styles, how
many links, how long the text. MAKE has these as medians and 90th percentiles measured on 265 real news pages of 170
sites; each page draws its own. `benchmarks/pagemake.py` prints the same figures of any pages, for a comparison.
"""

from __future__ import annotations

import html
import json
import math
import random
from dataclasses import dataclass

from benchmarks.seededparts import Parts
from benchmarks.seededwords import Voice, voice

# The 90th percentile of a log-normal distribution stands 1.2816 standard deviations above its median.
NINETIETH = 1.2816
LARGEST_BYTES = 2_500_000


@dataclass(frozen=True, slots=True)
class Spread:
    """A log-normal distribution by its median and 90th percentile, cut at `most`; `never` is the share of zeros."""

    median: float
    p90: float
    most: float = math.inf
    never: float = 0.0

    def draw(self, chance: random.Random, tilt: float = 0.0) -> float:
        """A value. `tilt` moves it by so many standard deviations: large pages have more of everything."""
        if chance.random() < self.never:
            return 0.0
        sigma = math.log(self.p90 / self.median) / NINETIETH
        return min(self.most, math.exp(chance.gauss(math.log(self.median) + 0.5 * tilt * sigma, 0.87 * sigma)))


MAKE = {
    "article words": Spread(620, 1500, 8000),
    "words of a paragraph": Spread(30, 49, 90),
    "links": Spread(150, 300, 1000),
    "teasers": Spread(12, 34, 120),
    "plain boxes": Spread(90, 380, 2500),
    "scripts": Spread(25, 57, 150),
    "script bytes": Spread(28_000, 210_000, 900_000),
    "styles": Spread(2, 10, 60),
    "style bytes": Spread(7_000, 150_000, 600_000, never=0.25),
    "icons": Spread(18, 75, 200, never=0.34),
    "bytes of an icon": Spread(430, 900, 6000),
    "metas": Spread(33, 58, 140),
    "head links": Spread(23, 47, 100),
    "comments": Spread(12, 62, 400, never=0.1),
    "depth of wrappers": Spread(9, 15, 26),
    "data attributes of an element": Spread(0.2, 0.75, 3),
    "facts bytes": Spread(2_300, 9_900, 40_000, never=0.14),
}
"""By name: what is counted on a page, or measured in bytes or words."""

LANGUAGES = {"en": 0.55, "de": 0.25, "fr": 0.08, "ru": 0.07, "ja": 0.05}
TEMPLATES = {"semantic": 0.35, "boxes": 0.31, "utility": 0.12, "no p": 0.06, "magazine": 0.12, "legacy": 0.04}
"""How the article stands in its page: semantic elements, paragraphs in nothing but div, the same with many class names
each, paragraphs that are div too, sections with pictures between, lines with breaks in a table."""

OTHER_CHARSETS = {"ru": "windows-1251", "de": "iso-8859-1", "fr": "iso-8859-15"}
OTHER_CHARSET_SHARE = 0.01
"""So few pages of the web are in another encoding than UTF-8; none of those that were measured."""


def seeded_page(number: int) -> bytes:
    """The page of that number: the same on every machine."""
    chance = random.Random(f"page {number}")
    page = _Page(chance, number)
    text = page.html()
    is_other = chance.random() < OTHER_CHARSET_SHARE
    charset = OTHER_CHARSETS.get(page.voice.language, "utf-8") if is_other else "utf-8"
    return text.replace("{charset}", charset, 1).encode(charset, "xmlcharrefreplace")


class _Page:
    """One page while it is made."""

    def __init__(self, chance: random.Random, number: int) -> None:
        self.number = number
        self._chance = chance
        self.voice: Voice = voice(_one_of(chance, LANGUAGES))
        self.template = _one_of(chance, TEMPLATES)
        tilt = chance.gauss(0, 1)
        self._make = {name: spread.draw(chance, tilt) for name, spread in MAKE.items() if name not in PER_PART}
        data = self._make["data attributes of an element"]
        self._parts = Parts(chance, self.voice, self.template, data, lambda name: MAKE[name].draw(chance))
        self._headline = self.voice.text(chance, chance.randint(6, 12))
        self._summary = self.voice.prose(chance, chance.randint(15, 35))
        self._author = self.voice.text(chance, 2).title()
        self._date = f"2026-03-{number % 28 + 1:02d}T08:{number % 60:02d}:00+01:00"

    def html(self) -> str:
        """The whole page; {charset} stands where its encoding is named."""
        head, furniture, parts = self._head(), self._furniture(), self._parts
        before, after = furniture[: len(furniture) // 3], furniture[len(furniture) // 3 :]
        article = self._article()
        depth = int(self._make["depth of wrappers"])
        middle = parts.wrapped(article, depth)
        page = (
            f"<!doctype html>\n<html lang='{self.voice.language}'><head>{head}</head>\n"
            f"<body {parts.attributes('page')}>"
            f"<header {parts.attributes('site-header')}>{''.join(before)}</header>\n{middle}\n"
            f"<aside {parts.attributes('more')}>{''.join(after)}</aside>\n"
            f"<footer {parts.attributes('site-footer')}>{parts.links(20)}<p>All of it invented.</p></footer>\n"
        )
        return page + self._scripts(LARGEST_BYTES - len(page)) + "</body></html>\n"

    def _head(self) -> str:
        chance, parts = self._chance, self._parts
        named = {
            "description": self._summary,
            "og:title": self._headline,
            "og:description": self._summary,
            "og:type": "article",
            "og:image": parts.address("jpg"),
            "twitter:card": "summary_large_image",
            "article:published_time": self._date,
            "author": self._author,
        }
        metas = [f"<meta property='{name}' content='{html.escape(value)}'>" for name, value in named.items()]
        metas += [parts.meta() for _ in range(int(self._make["metas"]) - len(metas))]
        links = [parts.head_link() for _ in range(int(self._make["head links"]))]
        style_bytes = int(self._make["style bytes"])
        styles = max(1, int(self._make["styles"])) if style_bytes else 0
        sheets = [parts.style(style_bytes // styles) for _ in range(styles)]
        others = [*metas, *links]
        chance.shuffle(others)
        title = f"<meta charset='{{charset}}'><title>{self._headline} | The Bench</title>"
        return "\n".join((title, *others, *sheets, *self._facts()))

    def _facts(self) -> list[str]:
        """JSON-LD: mostly an article, at times a graph, at times with the text, and the bread crumbs beside it."""
        size = int(self._make["facts bytes"])
        if not size or self.template == "legacy":
            return []
        chance, parts = self._chance, self._parts
        article: dict[str, object] = {
            "@type": _one_of(chance, {"NewsArticle": 0.86, "Article": 0.09, "ReportageNewsArticle": 0.05}),
            "headline": self._headline,
            "description": self._summary,
            "datePublished": self._date,
            "dateModified": self._date,
            "author": [{"@type": "Person", "name": self._author, "url": parts.address()}],
            "publisher": {"@type": "NewsMediaOrganization", "name": "The Bench", "logo": parts.picture_facts()},
            "mainEntityOfPage": {"@type": "WebPage", "@id": parts.address()},
            "image": [parts.picture_facts()],
        }
        if size > 5000:
            article["articleBody"] = self.voice.prose(chance, min(size // 8, int(self._make["article words"])))
        while len(json.dumps(article)) < size - 200:
            article["image"] = [*article["image"], parts.picture_facts()]
        crumbs = {"@type": "BreadcrumbList", "itemListElement": [parts.crumb(place) for place in range(1, 4)]}
        whole = [{"@context": "https://schema.org", **one} for one in (article, crumbs)]
        if chance.random() < 0.15:
            graph = {"@context": "https://schema.org", "@graph": [article, crumbs]}
            return [_script_of(graph)]
        return [_script_of(one) for one in (whole if chance.random() < 0.4 else whole[:1])]

    def _article(self) -> str:
        parts = self._parts
        paragraphs, left = [], int(self._make["article words"])
        while left > 0:
            length = min(
                left, max(3, int(self._chance.lognormvariate(math.log(self._make["words of a paragraph"]), 0.6)))
            )
            paragraphs.append(self.voice.prose(self._chance, length))
            left -= length
        told = parts.byline(self._author, self._date)
        return parts.article(self._headline, self._summary, told, paragraphs)

    def _furniture(self) -> list[str]:
        """What stands around an article: menus, teasers, boxes without much, pictograms and comments among them."""
        chance, parts = self._chance, self._parts
        blocks, links = [], int(self._make["links"])
        for _ in range(int(self._make["teasers"])):
            blocks.append(parts.teaser())
            links -= 2
        while links > 0:
            some = min(links, chance.randint(2, 16))
            blocks.append(parts.menu(some))
            links -= some
        boxes = int(self._make["plain boxes"])
        while boxes > 0:
            some = min(boxes, chance.randint(3, 14))
            blocks.append(parts.box(some))
            boxes -= some
        blocks += [parts.icon() for _ in range(int(self._make["icons"]))]
        blocks += [parts.comment() for _ in range(int(self._make["comments"]))]
        blocks += [parts.form() for _ in range(chance.choice((0, 1, 1, 2)))]
        chance.shuffle(blocks)
        return list(parts.grouped(blocks))

    def _scripts(self, room: int) -> str:
        count = max(1, int(self._make["scripts"]))
        inline = max(1, count // 2)
        size = max(200, min(room, int(self._make["script bytes"])) // inline)
        return "\n".join(
            [self._parts.outer_script() for _ in range(count - inline)]
            + [self._parts.script(size) for _ in range(inline)]
        )


PER_PART = frozenset({"bytes of an icon"})
"""What each part of a page draws anew."""


def _script_of(facts: dict[str, object]) -> str:
    return f"<script type='application/ld+json'>{json.dumps(facts, ensure_ascii=False)}</script>"


def _one_of(chance: random.Random, shares: dict[str, float]) -> str:
    (found,) = chance.choices(list(shares), list(shares.values()))
    return found
