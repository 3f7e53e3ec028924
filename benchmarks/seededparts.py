"""The parts of a seeded page: what stands in and around an article, with attributes as newsrooms write them."""

from __future__ import annotations

import html
import random
from collections.abc import Callable, Iterator, Sequence

from benchmarks.seededwords import Voice

NOUNS = "article teaser card header footer nav menu list item media image text title meta box grid row col module"
ROLES = "inner wrap link label icon body content headline kicker date author caption action toggle bar slot"
STYLING = (
    "flex grid hidden block relative absolute w-full h-auto p-4 px-2 py-3 mt-4 mb-2 text-sm text-lg font-bold leading-6"
    " text-gray-900 bg-white md:flex md:w-1/2 lg:px-8 hover:underline items-center justify-between gap-4 rounded-md"
)
BLOCKS, ELEMENTS, UTILITIES = NOUNS.split(), ROLES.split(), STYLING.split()
VISIBLE = {"semantic": "section", "magazine": "section"}
HEX = "0123456789abcdef"
CODES = 60
INDENTS = (0, 0, 0, 2, 4, 8, 12, 24)
"""How far lines are set in: a third of all pages has no white space to speak of."""


class Parts:
    """Makes parts for one page. `data` is how many data attributes an element has; `draw` draws a value of MAKE."""

    def __init__(
        self, chance: random.Random, voice: Voice, template: str, data: float, draw: Callable[[str], float]
    ) -> None:
        self._chance, self._voice, self._template, self._data, self._draw = chance, voice, template, data, draw
        self._prefix = chance.choice(("c", "m", "o", "site", "bn", "l")) + "-"
        self._hashed = chance.random() < 0.25
        self._box = VISIBLE.get(template, "div")
        # pages repeat what they are made of: they are packed to a fifth by gzip
        self._codes = ["".join(chance.choices(HEX, k=32)) for _ in range(CODES)]
        self._indent = chance.choice(INDENTS)

    # attributes

    def attributes(self, role: str = "") -> str:
        """Attributes of one element: class names in the template's manner, at times an id, data and aria."""
        chance = self._chance
        given = [f'class="{self._classes(role)}"'] if role or chance.random() < 0.7 else []
        if chance.random() < 0.05:
            given.append(f'id="{self._prefix}{self.code(8)}"')
        share = self._data
        while share > 0 and chance.random() < share:
            given.append(f'data-{chance.choice(ELEMENTS)}-{chance.choice(BLOCKS)}="{self._data_value()}"')
            share -= 1
        if chance.random() < 0.05:
            given.append(f'aria-label="{chance.choice(ELEMENTS)}"')
        return " ".join(given)

    def _classes(self, role: str) -> str:
        chance = self._chance
        if self._template == "utility":
            return " ".join((role, *chance.sample(UTILITIES, chance.randint(2, 9)))).strip()
        if self._template == "legacy":
            return role or chance.choice(ELEMENTS)
        block = role or chance.choice(BLOCKS)
        name = f"{self._prefix}{block}__{chance.choice(ELEMENTS)}"
        if self._hashed:
            return f"{block}_{self.code(6)} {name}"
        return f"{name} {name}--{chance.choice(ELEMENTS)}" if chance.random() < 0.4 else name

    def _data_value(self) -> str:
        if self._chance.random() < 0.8:
            return self.code(self._chance.randint(1, 48))
        pairs = ",".join(f"&quot;{word}&quot;:&quot;{self.code(6)}&quot;" for word in self._chance.sample(ELEMENTS, 4))
        return "{" + pairs + "}"

    def code(self, length: int) -> str:
        """Characters of a digest, at most 96."""
        return "".join(self._chance.choices(self._codes, k=(length + 31) // 32))[:length]

    def address(self, kind: str = "") -> str:
        """An address on the page's own site."""
        slug = "-".join(self._chance.sample(BLOCKS, self._chance.randint(1, 6)))
        place = f"/{self._chance.choice(ELEMENTS)}/{slug}"
        return f"/media{place}/{self.code(12)}.{kind}" if kind else f"{place}-{self._chance.randint(1, 99_999)}"

    # in the head

    def meta(self) -> str:
        """A meta element that tells a reader of articles nothing."""
        name = f"{self._chance.choice(BLOCKS)}:{self._chance.choice(ELEMENTS)}"
        return f'<meta name="{name}" content="{self.code(self._chance.randint(4, 80))}">'

    def head_link(self) -> str:
        """A style sheet, a pictogram or a hint for loading."""
        rel = self._chance.choice(("stylesheet", "preload", "icon", "preconnect", "dns-prefetch", "alternate"))
        return f'<link rel="{rel}" href="/assets{self.address("css")}" media="all" crossorigin>'

    def style(self, size: int) -> str:
        """A style element of about that many bytes."""
        rules, length = [], 0
        while length < size:
            rule = (
                f".{self._prefix}{self._chance.choice(BLOCKS)}__{self._chance.choice(ELEMENTS)}"
                f"{{margin:{self._chance.randint(0, 40)}px;color:#{self.code(6)};display:flex;"
                f"font:{self._chance.randint(10, 40)}px/1.4 serif}}"
            )
            rules.append(rule)
            length += len(rule)
        return f"<style>{''.join(rules)}</style>"

    def picture_facts(self) -> dict[str, object]:
        """A picture for JSON-LD."""
        wide = self._chance.randint(400, 2000)
        return {"@type": "ImageObject", "url": self.address("jpg"), "width": wide, "height": wide * 2 // 3}

    def crumb(self, place: int) -> dict[str, object]:
        """One of the bread crumbs for JSON-LD."""
        name = self._voice.text(self._chance, 1)
        return {"@type": "ListItem", "position": place, "item": {"@id": self.address(), "name": name}}

    # around the article

    def links(self, count: int) -> str:
        """A list of links of one to five words."""
        items = []
        for _ in range(count):
            words = html.escape(self._voice.text(self._chance, self._chance.choice((1, 1, 1, 2, 2, 3, 4))))
            label = f"<span {self.attributes()}>{words}</span>" if self._chance.random() < 0.25 else words
            item = f'<a {self.attributes()} href="{self.address()}">{label}</a>'
            items.append(f"<li {self.attributes()}>{item}</li>" if self._chance.random() < 0.7 else item)
        return f"<ul {self.attributes('list')}>{self._space().join(items)}</ul>"

    def _space(self) -> str:
        return "\n" + " " * (self._indent * self._chance.randint(1, 3)) if self._indent else ""

    def menu(self, count: int) -> str:
        """A menu with so many links."""
        tag = "nav" if self._chance.random() < 0.25 else "div"
        return f"<{tag} {self.attributes('menu')}>{self.links(count)}</{tag}>"

    def teaser(self) -> str:
        """Another article in a few words, with its picture."""
        chance = self._chance
        tag = "article" if chance.random() < 0.2 else "div"
        level = chance.choice(("h2", "h3", "h3", "div"))
        title = html.escape(self._voice.text(chance, chance.randint(5, 11)))
        more = f"<p {self.attributes()}>{self._voice.prose(chance, 14)}</p>" if chance.random() < 0.4 else ""
        when = f"<time datetime='2026-03-0{chance.randint(1, 9)}'>8:30</time>" if chance.random() < 0.15 else ""
        kicker = f"<span {self.attributes('kicker')}>{self._voice.text(chance, 2)}</span>"
        return (
            f"<{tag} {self.attributes('teaser')}><a href='{self.address()}'>{self.picture()}</a>{self._space()}"
            f"<div {self.attributes()}>{kicker}<{level} {self.attributes('headline')}>"
            f"<a {self.attributes()} href='{self.address()}'>{title}</a></{level}>{more}{when}</div></{tag}>"
            f"{self._space()}"
        )

    def picture(self) -> str:
        """An image, at times in a picture element with its sizes."""
        chance = self._chance
        words = html.escape(self._voice.text(chance, chance.randint(2, 8)))
        image = f'<img {self.attributes()} src="{self.address("jpg")}" alt="{words}" width="640" height="360">'
        if chance.random() < 0.75:
            return image
        sizes = ", ".join(f"{self.address('jpg')} {width}w" for width in (160, 320, 640, 960, 1280, 1920))
        sources = f'<source media="(min-width: 600px)" srcset="{sizes}" sizes="100vw">' * chance.randint(1, 3)
        return f"<picture>{sources}{image}</picture>"

    def box(self, count: int) -> str:
        """Nested and neighbouring elements with little or nothing in them, so many in all."""
        chance, inner = self._chance, ""
        for number in range(count):
            tag = chance.choice(("div", "div", "div", "div", "span", "i" if number % 4 == 0 else "div"))
            if chance.random() < 0.05:
                inner += f"<button type='button' {self.attributes('action')}>{self._voice.text(chance, 2)}</button>"
            elif chance.random() < 0.3:
                inner += f"<{tag} {self.attributes()}>{self._voice.text(chance, chance.randint(1, 4))}</{tag}>"
            elif chance.random() < 0.45:
                inner = f"<{tag} {self.attributes()}>{self._space()}{inner}</{tag}>"
            else:
                inner += f"<{tag} {self.attributes()}></{tag}>"
        return inner

    def icon(self) -> str:
        """An inline pictogram."""
        size = int(self._draw("bytes of an icon"))
        numbers = " ".join(f"{self._chance.uniform(0, 24):.2f}" for _ in range(max(2, size // 6)))
        return f'<svg {self.attributes("icon")} viewBox="0 0 24 24" fill="none"><path d="M{numbers}z"/></svg>'

    def comment(self) -> str:
        """A comment of a template."""
        return f"<!-- {self._chance.choice(BLOCKS)} {self._chance.choice(ELEMENTS)} {self.code(8)} -->\n"

    def form(self) -> str:
        """A form for a newsletter or a search."""
        fields = "".join(f"<label>{self._voice.text(self._chance, 2)}<input type='text'></label>" for _ in range(2))
        return f"<form {self.attributes('form')} action='{self.address()}'>{fields}<button>Go</button></form>"

    def outer_script(self) -> str:
        """A script that is loaded."""
        return f'<script async src="/assets{self.address("js")}" data-id="{self.code(16)}"></script>'

    def script(self, size: int) -> str:
        """A script of about that many bytes: code, and data as a page carries it."""
        chance, pieces, length = self._chance, [], 0
        while length < size:
            word, other = chance.choice(BLOCKS), chance.choice(ELEMENTS)
            if chance.random() < 0.5:
                number = chance.randint(1, 999)
                piece = f'"{word}_{other}":{{"id":"{self.code(12)}","url":"{self.address()}","n":{number}}},'
            else:
                piece = f"function {word}_{self.code(3)}(e,t){{return e.{other}&&t.push(e.{word}),t}};"
            pieces.append(piece)
            length += len(piece)
        return f"<script>window.__{self.code(4)}=function(){{{''.join(pieces)}}};</script>"

    # the article

    def byline(self, author: str, date: str) -> str:
        """Who wrote it and when."""
        return (
            f"<div {self.attributes('byline')}><span>{author}</span> <time datetime='{date}'>{date[:10]}</time></div>"
        )

    def article(self, headline: str, summary: str, byline: str, paragraphs: Sequence[str]) -> str:
        """The article in the manner of the template."""
        title = f"<h1 {self.attributes('headline')}>{html.escape(headline)}</h1>"
        lead = f"<p {self.attributes('lead')}>{html.escape(summary)}</p>"
        if self._template == "legacy":
            text = "<br><br>\n".join(html.escape(text) for text in paragraphs)
            return f"<table><tr><td class='content'>{title}{byline}<div id='text'>{text}</div></td></tr></table>"
        body = [self._paragraph(text) for text in paragraphs]
        places = max(1, len(body) // (4 if self._template == "magazine" else 9))
        for _ in range(places):
            body.insert(
                self._chance.randint(1, len(body)), self._chance.choice((self._figure, self._subhead, self._ad))()
            )
        if self._template == "semantic":
            return (
                f"<article {self.attributes('article')}><header>{title}{lead}{byline}</header>{''.join(body)}</article>"
            )
        inner = "".join(body)
        if self._template == "magazine":
            half = len(body) // 2
            halves = ("".join(body[:half]), "".join(body[half:]))
            inner = "".join(f"<section {self.attributes()}>{some}</section>" for some in halves)
        return (
            f"<{self._box} {self.attributes('article')}>{title}{lead}{byline}"
            f"<div {self.attributes('article-body')}>{inner}</div></{self._box}>"
        )

    def _paragraph(self, text: str) -> str:
        chance, words = self._chance, html.escape(text)
        middle = words.find(" ", len(words) // 2)
        if middle > 0 and chance.random() < 0.25:
            end = words.find(" ", middle + 12)
            tag, given = chance.choice((("a", f' href="{self.address()}"'), ("strong", ""), ("em", "")))
            if end > 0:
                words = f"{words[:middle]} <{tag}{given}>{words[middle + 1 : end]}</{tag}>{words[end:]}"
        tag = "div" if self._template == "no p" else "p"
        given = "" if chance.random() < 0.6 else f" {self.attributes('paragraph')}"
        return f"<{tag}{given}>{words}</{tag}>{self._space()}"

    def _figure(self) -> str:
        caption = self._voice.prose(self._chance, 12)
        return f"<figure {self.attributes('figure')}>{self.picture()}<figcaption>{caption}</figcaption></figure>"

    def _subhead(self) -> str:
        return f"<h2 {self.attributes()}>{html.escape(self._voice.text(self._chance, 5))}</h2>"

    def _ad(self) -> str:
        return f"<div {self.attributes('ad')}><div {self.attributes()}></div></div>"

    def grouped(self, blocks: Sequence[str]) -> Iterator[str]:
        """The blocks, some at a time, deep in elements of their own."""
        start = 0
        while start < len(blocks):
            end = start + self._chance.randint(1, 7)
            yield self.wrapped("".join(blocks[start:end]), self._chance.randint(2, 7))
            start = end

    def wrapped(self, inner: str, depth: int) -> str:
        """Something within so many elements, each with a neighbour now and then."""
        for number in range(depth):
            tag = "main" if number == depth - 2 and depth > 7 and self._template != "boxes" else "div"
            beside = self.box(2) if self._chance.random() < 0.2 else ""
            inner = f"<{tag} {self.attributes()}>{self._space()}{inner}{beside}</{tag}>"
        return inner
