"""The newspaper itself: which page each address shows at the moment that its clock says."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tests.newsroom import sitemaps
from tests.newsroom.article_page import article_page
from tests.newsroom.clock import Clock
from tests.newsroom.edition import Edition, load_editions, with_copies
from tests.newsroom.feeds import atom_feed, json_feed, rss_feed
from tests.newsroom.images import LOGO, picture
from tests.newsroom.list_page import SECTION_STORIES, home_page, notice_page, section_page, support_page
from tests.newsroom.markup import TEMPLATES
from tests.newsroom.page import HTML, Page, redirect
from tests.newsroom.story import Story

XML = "application/xml; charset=utf-8"
FOUNDED = datetime(2026, 1, 2, 6, 0, tzinfo=UTC)
"""When what never changes was made."""

OTHERS = 8
"""How many other stories a page may point at."""

Make = Callable[[], Page]


class Newsroom:
    """The Ostermole Lantern, in English, Russian and German.

    `base_url` (no slash at its end) begins every absolute address in its pages, feeds and maps. `copies`
    multiplies the stories. `robots_extra` are further lines of robots.txt, such as `Crawl-delay: 1`.
    """

    def __init__(self, clock: Clock | None = None, base_url: str = "", copies: int = 1, robots_extra: str = "") -> None:
        self.clock = clock or Clock()
        self.base_url = base_url
        self.robots_extra = robots_extra
        self.editions: tuple[Edition, ...] = tuple(with_copies(e, copies) for e in load_editions())
        self._drawn_at: datetime | None = None
        self._makes: dict[str, Make] = {}
        self._pages: dict[str, Page] = {}
        self._newest: dict[str, list[Story]] = {}

    def stories(self, language: str | None = None) -> list[Story]:
        """What a reader can find now, as edited so far, newest first."""
        self._redraw()
        languages = [language] if language else [edition.language for edition in self.editions]
        found = [story for each in languages for story in self._newest[each]]
        return sorted(found, key=lambda story: (story.published, story.path), reverse=True)

    def edition(self, language: str) -> Edition:
        """The edition in a language: `en`, `ru` or `de`."""
        return next(edition for edition in self.editions if edition.language == language)

    def story(self, slug: str) -> Story:
        """The first story with that slug as it stands now, published or not; KeyError when there is none."""
        for edition in self.editions:
            for story in edition.stories:
                if story.slug == slug:
                    return story.at(self.clock.now)
        raise KeyError(slug)

    def page(self, path: str) -> Page:
        """What that path shows now; the 404 page when there is nothing. Drawn once for each moment."""
        self._redraw()
        page = self._pages.get(path)
        if page is None:
            make = self._makes.get(path)
            if make is None:
                return self._missing(path)
            page = self._pages[path] = make()
        return page

    def _redraw(self) -> None:
        now = self.clock.now
        if self._drawn_at == now:
            return
        self._drawn_at = now
        self._pages.clear()
        self._newest = {edition.language: _newest(edition, now) for edition in self.editions}
        self._makes = self._fixed() | self._maps_and_feeds()
        for edition in self.editions:
            self._makes |= self._lists(edition)
            for story in edition.stories:
                self._add_story(story, edition)

    def _add_story(self, story: Story, edition: Edition) -> None:
        now = self.clock.now
        state = story.state(now)
        if state == "planned":
            return
        if state == "removed":
            gone = notice_page(edition, "410", edition.labels["gone"])
            self._makes[story.path] = lambda: Page(410, HTML, gone)
            return
        self._makes[story.path] = lambda: self._article(story.at(now), edition)
        if story.image_path:
            self._makes[story.image_path] = lambda: self._picture(story)
        for path in story.moved_from:
            self._makes[path] = lambda: redirect(self.base_url + story.path)

    def _article(self, story: Story, edition: Edition) -> Page:
        newest = self._newest[edition.language]
        others = [other for other in newest[: OTHERS + 1] if other.path != story.path][:OTHERS]
        body = article_page(story, edition, self.base_url, others)
        modified = story.changed(self.clock.now)
        german = story.language == "de"
        return Page(200, f"text/html; charset={story.charset}", body, modified, brotli=german)

    def _picture(self, story: Story) -> Page:
        return Page(200, "image/png", picture(story.slug), story.published, compressible=False)

    def _lists(self, edition: Edition) -> dict[str, Make]:
        stories = self._newest[edition.language]
        cookie = (("Set-Cookie", f"reads={edition.language}; Path=/; Max-Age=86400; SameSite=Lax"),)

        def home() -> Page:
            return Page(200, HTML, home_page(edition, stories), headers=cookie, chunked=True)

        makes: dict[str, Make] = {edition.home: home}
        makes[edition.feed] = lambda: self._feed_page(
            rss_feed(edition, stories, self.base_url), "application/rss+xml; charset=utf-8"
        )
        for section in edition.sections:
            mine = [story for story in stories if story.section == section]
            for number in range(1, max(1, -(-len(mine) // SECTION_STORIES)) + 1):
                make = _section_maker(edition, section, number, mine)
                makes[edition.section_url(section, number)] = make
        return makes

    def _maps_and_feeds(self) -> dict[str, Make]:
        base, everything, english = self.base_url, self.stories(), self.edition("en")
        cut = sitemaps.ARCHIVE_BEFORE
        current = [story for story in everything if story.published >= cut]
        archive = [story for story in everything if story.published < cut]
        archived = max((story.changed(self.clock.now) for story in archive), default=FOUNDED)

        def old_map() -> Page:
            body = gzip.compress(sitemaps.sitemap(archive, base), mtime=0)
            return Page(200, "application/gzip", body, archived, compressible=False)

        def atom() -> bytes:
            return atom_feed(english, self._newest["en"], base, self._changed())

        return {
            sitemaps.INDEX: lambda: self._feed_page(sitemaps.sitemap_index(base, self._changed()), XML),
            sitemaps.CURRENT: lambda: self._feed_page(sitemaps.sitemap(current, base), XML),
            sitemaps.ARCHIVE: old_map,
            sitemaps.NEWS: lambda: self._feed_page(
                sitemaps.news_sitemap(self.editions, everything, base, self.clock.now), XML
            ),
            "/atom.xml": lambda: self._feed_page(atom(), "application/atom+xml; charset=utf-8"),
            "/feed.json": lambda: self._feed_page(json_feed(english.name, everything, base), "application/feed+json"),
        }

    def _fixed(self) -> dict[str, Make]:
        english = self.edition("en")
        robots = sitemaps.robots_txt(self.base_url, self.robots_extra)
        style = (TEMPLATES / "style.css").read_bytes()
        labels = english.labels
        private = notice_page(english, labels["staff_only"], "Cake at four. Robots stay outside.")
        search = notice_page(english, "Search", "Nothing was looked for.")
        return {
            "/robots.txt": lambda: Page(200, "text/plain; charset=utf-8", robots, FOUNDED),
            "/style.css": lambda: Page(200, "text/css", style, FOUNDED),
            "/images/logo.svg": lambda: Page(200, "image/svg+xml", LOGO, FOUNDED, compressible=False),
            "/support": lambda: Page(200, HTML, support_page(english), FOUNDED),
            "/private/": lambda: Page(200, HTML, private, headers=(("X-Robots-Tag", "noindex"),)),
            "/search": lambda: Page(200, HTML, search),
        }

    def _feed_page(self, body: bytes, content_type: str) -> Page:
        return Page(200, content_type, body, self._changed())

    def _changed(self) -> datetime:
        """When anything a reader finds, or no longer finds, last changed."""
        now = self.clock.now
        out = (story for edition in self.editions for story in edition.stories if story.state(now) != "planned")
        return max((story.changed(now) for story in out), default=FOUNDED)

    def _missing(self, path: str) -> Page:
        owners = [edition for edition in self.editions if path.startswith(edition.home)]
        edition = max(owners, key=lambda owner: len(owner.home), default=self.editions[0])
        return Page(404, HTML, notice_page(edition, "404", edition.labels["missing"]))


def _newest(edition: Edition, now: datetime) -> list[Story]:
    out = [story.at(now) for story in edition.stories if story.state(now) == "published"]
    return sorted(out, key=lambda story: (story.published, story.path), reverse=True)


def _section_maker(edition: Edition, section: str, number: int, stories: Sequence[Story]) -> Make:
    def make() -> Page:
        body = section_page(edition, section, number, stories)
        return replace(Page(200, HTML, body), chunked=True)

    return make
