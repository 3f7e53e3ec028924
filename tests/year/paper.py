"""The newsroom's site: what each path shows at a moment of the year."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from datetime import timedelta

from aiohttp import web

from tests.year.script import DAY, OUTAGE, REDESIGN, START, WALL, WORDS, Article

WALL_PAGE = (
    '<html><head><title>Just a moment...</title></head><body><div id="cf-wrapper"><form id="challenge-form"></form>'
    "<p>Checking your browser before you go on.</p></div></body></html>"
)
SOFT_404 = "<html><head><title>Page not found</title></head><body><h1>Page not found</h1><p>Sorry.</p></body></html>"
NOTICE = (
    "<html><head><title>The Paper</title></head><body><article><h1>This article has been removed</h1>"
    "<p>This article has been removed.</p></article></body></html>"
)


class Paper:
    """A site with a clock. `ends` is when its domain is gone, if ever; every second article answers with an ETag."""

    def __init__(self, articles: Sequence[Article], ends: timedelta | None = None, *, calm: bool = False) -> None:
        self.articles = {article.path: article for article in articles}
        self.moved = {article.new_path: article for article in articles}
        self.ends = ends
        self.calm = calm
        self.now = START
        self.requests = 0

    @property
    def age(self) -> timedelta:
        """How far the year is."""
        return self.now - START

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response to a request."""
        self.requests += 1
        if self.ends is not None and self.age >= self.ends:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if not self.calm and OUTAGE[0] <= self.age < OUTAGE[1]:
            return web.Response(status=503, text="down")
        return self._found(request) or self._page(request)

    def _found(self, request: web.BaseRequest) -> web.Response | None:
        base = f"http://{request.host}"
        if request.path == "/robots.txt":
            return web.Response(text=f"Sitemap: {base}/sitemap.xml\n")
        if request.path == "/sitemap.xml":
            return web.Response(text=self._map(base), content_type="application/xml")
        if request.path == "/":
            return web.Response(text="<html><body><h1>The Paper</h1></body></html>", content_type="text/html")
        if request.path == "/news/":
            links = "".join(f'<li><h2><a href="{path}">Part {path}</a></h2></li>' for path in list(self.articles)[:30])
            return web.Response(text=f"<html><body><ul>{links}</ul></body></html>", content_type="text/html")
        return None

    def _map(self, base: str) -> str:
        out = (one for one in self.articles.values() if one.published <= self.now)
        listed = "".join(f"<url><loc>{base}{one.path}</loc></url>" for one in out)
        return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'

    def _page(self, request: web.BaseRequest) -> web.Response:
        article = self.articles.get(request.path) or self.moved.get(request.path)
        if article is None or article.published > self.now:
            return web.Response(status=404, text="<h1>404</h1>", content_type="text/html")
        if not self.calm and WALL[0] <= self.age < WALL[1]:
            return web.Response(status=403, text=WALL_PAGE, content_type="text/html")
        if article.happened(self.now, "moved") and request.path == article.path:
            return web.Response(status=301, headers={"Location": article.new_path})
        return self._gone(article) or self._shown(article, request)

    def _gone(self, article: Article) -> web.Response | None:
        how = article.gone(self.now)
        if how is None:
            return None
        if how.isdigit():
            return web.Response(status=int(how), text="<h1>Gone</h1>", content_type="text/html")
        if how in ("soft404", "notice"):
            return web.Response(text=SOFT_404 if how == "soft404" else NOTICE, content_type="text/html")
        # one of which nothing else is told
        other = next(one for one in self.articles.values() if one.number % 10 == 0 and one.number != article.number)
        return web.Response(status=302, headers={"Location": {"home": "/", "section": "/news/"}.get(how, other.path)})

    def _shown(self, article: Article, request: web.BaseRequest) -> web.Response:
        body = self._html(article)
        if article.number % 2:
            return web.Response(text=body, content_type="text/html")
        tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(text=body, content_type="text/html", headers={"ETag": tag})

    def _html(self, article: Article) -> str:
        edits, heads = article.happened(self.now, "edited"), article.happened(self.now, "headline")
        loud = [one for one in (*edits, *heads) if one.how == "loud"]
        facts = {
            "@type": "NewsArticle",
            "headline": f"{sentence(article.number, 0)} ({'denied' if heads else 'confirmed'})",
            "datePublished": article.published.isoformat(),
            "dateModified": max((one.at for one in loud), default=article.published).isoformat(),
            "author": {"@type": "Person", "name": "Ada Brook"},
        }
        told = [f"{sentence(article.number, part)}." for part in range(1, 9)]
        if edits:
            told[3] = f"{sentence(article.number, 99)}, which was not said before."
        head = (
            f"<title>{facts['headline']}</title><meta property='og:type' content='article'>"
            f"<script type='application/ld+json'>{json.dumps(facts)}</script>"
        )
        main = self._main(str(facts["headline"]), told)
        return f"<html lang='en'><head>{head}</head><body><nav><a href='/'>Home</a></nav>{main}</body></html>"

    def _main(self, headline: str, told: Sequence[str]) -> str:
        """The page's template, another after the redesign; the banner has new words every week."""
        week = self.age // (7 * DAY)
        banner = f"Readers keep this paper going: campaign {week} asks for {week * 37 % 900} new friends by Sunday."
        if self.age < REDESIGN:
            text = "".join(f"<p>{line}</p>" for line in told)
            return f"<article><h1>{headline}</h1>{text}</article><div class='donate'><p>{banner}</p></div>"
        text = "".join(f"<p class='t'>{line}</p>" for line in told)
        story = f"<section class='story'><h1>{headline}</h1><div class='x1'>{text}</div></section>"
        return f"<main>{story}<div class='x2 donation-box'><p>{banner}</p></div></main>"


def sentence(number: int, part: int) -> str:
    """A sentence of an article that no other has."""
    chance = random.Random(f"{number}-{part}")
    return " ".join(["The", *(chance.choice(WORDS) for _ in range(14)), str(chance.randrange(9999))])
