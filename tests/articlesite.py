"""A newsroom of nine articles, each of which a test may edit, take down or send elsewhere."""

from __future__ import annotations

from tests.loopback import LoopbackSite, Shown
from tests.pipelines.judged_pages import ARTICLE_HEAD, page, paragraphs

NAMES = ("stays", "edited", "renamed", "gone", "home", "busy", "moved", "replaced", "slash")


def sentences(name: str) -> list[str]:
    return [f"Sentence {number} on the market hall called {name}, which was sold last week." for number in range(9)]


OTHER = page(
    "Council votes",
    "<article><h1>Council votes</h1>"
    + paragraphs(*(f"Councillor {number} spoke for {number * 7} minutes about the bridge." for number in range(12)))
    + "</article>",
    ARTICLE_HEAD,
)


def article(name: str, headline: str = "Hall sold", first: str = "") -> str:
    told = (first or f"This is the report called {name}, and it has a first sentence.", *sentences(name))
    return page(headline, f"<article><h1>{headline}</h1>{paragraphs(*told)}</article>", ARTICLE_HEAD)


class Site(LoopbackSite):
    """Articles by name; a test replaces them by a status or by the place of a redirect."""

    def __init__(self) -> None:
        self.pages: dict[str, Shown] = {
            name: article(name, f"=Hall {name} sold" if name == "gone" else f"Hall {name} sold") for name in NAMES
        }
        super().__init__()

    def shown(self, path: str) -> Shown:
        if path == "/robots.txt":
            return f"Sitemap: {self.url}/sitemap.xml\n"
        if path == "/sitemap.xml":
            listed = "".join(f"<url><loc>{self.url}/news/{name}</loc></url>" for name in NAMES)
            return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'
        if path == "/":
            return "<html><body><h1>News</h1></body></html>"
        return self.pages.get(path.removeprefix("/news/"), 404)
