"""What the shape of a URL tells of the page behind it: an article, a section that lists articles, or neither.

The words are of the languages that newsrooms most often put into their addresses. courlan's lists do not
serve here: they take every name that ends in `-tag` or `-cat` for a list, and every host with a port for no
host.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import unquote

from crawler.weburl import WebUrl

ENOUGH = 3
"""Points that make an article: a date in the path, a long name, or two lesser signs."""


def word_set(text: str) -> frozenset[str]:
    """The words of a text, each once."""
    return frozenset(text.split())


NO_PAGE_EXTENSIONS = word_set("""
    7z aac apk atom avi avif bmp css csv doc docx eot epub exe flac gif gz ico ics jpeg jpg js json m3u8
    m4a m4v mov mp3 mp4 mpeg odt ogg pdf png ppt pptx rar rss rtf svg tar tif tiff torrent ttf wav webm
    webmanifest webp wmv woff woff2 xls xlsx xml zip
""")

# As the first or last segment of a path: services of the site, and other views of a page.
SERVICES = word_set("""
    about about-us account advertise advertising agb amp app apps auth calendar cart checkout comments
    contact contact-us contacts contatti cookie cookies datenschutz datenschutzerklärung donate donation
    download embed faq feed feedback feeds help impressum imprint jobs kontakt kontakty legal login
    logout mediadaten mentions-legales my newsletter newsletters oembed print privacy privacy-policy
    profile register registration rss search share shop sign-in sign-up signin signup sitemap store
    subscribe subscription subscriptions suche support terms terms-of-service terms-of-use unsubscribe
    user wishlist
""")
MACHINERY = word_set("cdn-cgi cgi-bin wp-admin wp-content wp-includes wp-json wp-login.php xmlrpc.php")
SERVICE_KEYS = word_set("action add-to-cart print q query redirect_to replytocom s search share")

LISTS = word_set("""
    archiv archive archives archivio auteur author authors autor autoren avtor avtory cat categoria
    categorias categorie category kategoria kategorie rubric rubrik rubrika rubriki rubrique schlagwort
    section sections tag tags tema temas temy thema theme themen topic topics
""")

# What newsrooms put before an article's own segment.
ARTICLE_PATHS = word_set("""
    a art article articles articolo articulo artigo artikel artykul blog clanek detail doc haber
    investigations material news noticia noticias novost novosti opinion post posts publication read
    stati statya stories story text view vijest
""")

_DATE = re.compile(r"/(?:19|20)\d\d(?:[/-]?(?:0?[1-9]|1[0-2])(?:[/-]?(?:0?[1-9]|[12]\d|3[01]))?)?(?=[/_-])")
_DAY_IN_NAME = re.compile(r"(?:^|[-_])20\d\d-?(?:0[1-9]|1[0-2])(?:-?(?:0[1-9]|[12]\d|3[01]))?(?=[-_]|$)")
_ONLY_DATE = re.compile(r"/(?:19|20)\d\d(?:[/-]\d{1,2}){0,2}/?$")
_FURTHER_PATH = re.compile(r"/(?:page|seite|pagina|p)/?\d{1,4}/?$")
_FURTHER_QUERY = re.compile(r"(?:^|&)(?:page|paged|pg|offset|start)=\d+")
_IDENTIFIER = re.compile(r"\d{5,}|(?=[a-z]*\d)[0-9a-f]{12,}|^\W?\d{4,}$")
_PAGE_EXTENSION = re.compile(r"\.(?:s?html?|php|aspx?|jsp)$")
_ID_KEYS = "p|id|idx|aid|nid|newsid|news_id|article|article_id|articleid|story|storyid"
_ID_IN_QUERY = re.compile(rf"(?:^|&)(?:{_ID_KEYS})=[0-9a-f-]{{2,}}")

Kind = Literal["article", "section", "skip"]


class LinkVerdict(NamedTuple):
    """What a link seems to lead to, and why."""

    kind: Kind
    reason: str


def shape_of(url: WebUrl, anchor_text: str = "") -> LinkVerdict:
    """What a URL seems to lead to, by its path and query and the words it is linked under."""
    path, query = unquote(url.path).lower(), (url.query or "").lower()
    segments = [segment for segment in path.split("/") if segment]
    score, signs = _score(path, query, segments, anchor_text)
    skip = _no_journalism(query, segments, score)
    if skip:
        return LinkVerdict("skip", skip)
    if not segments and not _ID_IN_QUERY.search(query):
        return LinkVerdict("section", "a home page")
    if is_calendar_page(url):
        return LinkVerdict("section", "a calendar page")
    if is_further_page(url):
        return LinkVerdict("section", "a further page of a list")
    if score >= ENOUGH:
        return LinkVerdict("article", f"it has {', '.join(signs)}")
    return LinkVerdict("section", "it is not shaped like an article")


def is_calendar_page(url: WebUrl) -> bool:
    """Whether a path ends in a year, a month or a day: a list of what was published then."""
    return _ONLY_DATE.search(unquote(url.path)) is not None


def is_further_page(url: WebUrl) -> bool:
    """Whether this is the second or a later page of a list."""
    path, query = unquote(url.path).lower(), (url.query or "").lower()
    is_numbered = _FURTHER_QUERY.search(query) is not None and _ID_IN_QUERY.search(query) is None
    return _FURTHER_PATH.search(path) is not None or is_numbered


def _no_journalism(query: str, segments: list[str], score: int) -> str | None:
    last = segments[-1] if segments else ""
    extension = last.rpartition(".")[2] if "." in last else ""
    if extension in NO_PAGE_EXTENSIONS:
        return f"a .{extension} file"
    if last in SERVICES or not MACHINERY.isdisjoint(segments):
        return f"a service of the site: {last}"
    if segments and segments[0] in SERVICES and score < ENOUGH:
        return f"a service of the site: {segments[0]}"
    keys = SERVICE_KEYS.intersection(part.partition("=")[0] for part in query.split("&"))
    return f"a service of the site: ?{min(keys)}=" if keys else None


def _score(path: str, query: str, segments: list[str], anchor_text: str) -> tuple[int, list[str]]:
    """The points that speak for an article, and the names of the signs that do."""
    names = [_PAGE_EXTENSION.sub("", segment) for segment in segments[-3:]]
    ends = names[-2:]
    words = max((len(re.findall(r"[^\W\d_]{2,}", name)) for name in names), default=0)
    linked = anchor_text.split()
    points = {
        "a date in its path": 3 if _DATE.search(path) or any(map(_DAY_IN_NAME.search, ends)) else 0,
        "a long name": 3 if words >= 4 else max(words - 1, 0),
        "a number in its name": 2 if any(map(_IDENTIFIER.search, ends)) else 0,
        "a number in its query": 3 if _ID_IN_QUERY.search(query) else 0,
        "an article's path": 1 if not ARTICLE_PATHS.isdisjoint(segments[:-1]) else 0,
        "a page's extension": 1 if segments and _PAGE_EXTENSION.search(segments[-1]) else 0,
        "a headline for a link": 2 if len(linked) >= 5 or len(anchor_text) >= 40 else 0,
        "": -2 if 1 <= len(linked) <= 2 and len(anchor_text) < 20 else 0,
        "a list's path": -4 if not LISTS.isdisjoint(segments) else 0,
    }
    return sum(points.values()), [name for name, weight in points.items() if weight > 0]
