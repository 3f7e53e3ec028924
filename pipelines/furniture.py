"""What stands in a page and is no article: taken out of the tree by what it is made of and what it is called.

Signals are generic: elements that hold no text, controls of forms, and words in class and id that say what a
part is for. No newsroom is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from lxml.etree import strip_elements
from lxml.html import HtmlElement

from pipelines.wording import text_of, words_in

SILENT = (
    *(
        "head",
        "script",
        "style",
        "noscript",
        "template",
        "link",
        "svg",
        "canvas",
        "iframe",
        "object",
        "embed",
    ),
    *("video", "audio", "nav", "footer", "dialog", "menu"),
)
"""Elements without article text. Taken out first: trafilatura copies the tree four times."""

CONTROLS = ("input", "select", "textarea")

BLOCKS = {
    *(
        "address",
        "article",
        "aside",
        "blockquote",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
    ),
    *(
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tr",
        "ul",
    ),
}

MAX_NAME_CHARS = 400
NAMES_KEPT = 20_000
"""A newsroom's pages share their class names: a verdict is kept for the pages to come."""

MAX_WIDGET_SHARE = 0.75
"""A part with more of the page's text than this is the page, whatever it is called."""

_WIDGET = re.compile(
    r"newsletter|donat(?:e|ion)|(?:^|[\s_-])contribut(?:e|ion)(?:$|[\s_-])"
    r"|(?:^|[\s_-])(?:support-?us|crowdfund\w*)"
    r"|cookie|gdpr|(?:^|[\s_-])consent"
    r"|(?:^|[\s_-])(?:subscribe|subscription|sign-?up|signin|log-?in|register)"
    r"|(?:^|[\s_-])(?:paywall|piano|subscriber)-?(?:prompt|offer|barrier|box|wall|banner|teaser|cta|message)"
    r"|(?:^|[\s_-])(?:pay-?buttons?|payments?|membership|paypal)(?:$|[\s_-])"
    r"|(?:^|[\s_-])(?:share|sharing|social)-?(?:bar|buttons?|links?|icons?|tools?|list|media)"
    r"|(?:^|[\s_-])(?:advert\w*|ad-(?:slot|unit|container|wrapper)|outbrain|taboola|sponsored)"
    r"|(?:^|[\s_-])(?:push-?notification|web-?push|app-?banner|toast|snackbar)",
    re.IGNORECASE,
)
# One of these stands in each name that _WIDGET finds: most names have none, and are done with in a tenth of the time.
_WIDGET_STEMS = (
    *(
        "newsletter",
        "donat",
        "contribut",
        "support",
        "crowdfund",
        "cookie",
        "gdpr",
        "consent",
        "subscri",
        "sign",
        "log",
    ),
    *("register", "paywall", "piano", "pay", "member", "shar", "social", "advert", "ad-", "outbrain", "taboola"),
    *("sponsor", "push", "banner", "toast", "snackbar"),
)
_ELSEWHERE = re.compile(
    r"(?:^|[\s_-])(?:comments?|kommentare?|disqus|related|recirc\w*|recommend\w*|teasers?|promo\w*|sidebar|footer|modal"
    r"|popup|pop-up|overlay|most-?(?:read|popular|viewed)|popular|trending|disclaimer|share|social|banner"
    r"|author-?(?:bio|box|info|card)|bio|about-?(?:the-?)?author|read-?(?:more|also|next)"
    r"|also-?read|more-?(?:from|on|stories)"
    r"|breadcrumbs?|copyright|captions?|credits?|fact-?box|factbox|infobox)(?:$|[\s_-])",
    re.IGNORECASE,
)
_OUTSIDE = {
    "aside",
    "nav",
    "footer",
    "form",
    "figure",
    "figcaption",
    "button",
    "label",
    "select",
    "address",
    "dialog",
}
_LINKED_SHARE = 0.9
_MAX_LINKED_CHARS = 220


def drop_silent(tree: HtmlElement) -> None:
    """Take out of the tree what holds no article text."""
    strip_elements(tree, *SILENT, with_tail=False)


def drop_widgets(tree: HtmlElement) -> None:
    """Take out newsletter, donation, payment, cookie, login and sharing parts, by their names or controls.

    A part with most of the page's text, or with a main heading, stays: it is the page.
    """
    most = MAX_WIDGET_SHARE * len(text_of(tree))
    for element in [*_named_widgets(tree), *_control_groups(tree)]:
        parent = element.getparent()
        if parent is not None and len(text_of(element)) <= most and element.find(".//h1") is None:
            element.drop_tree()


def _named_widgets(tree: HtmlElement) -> Iterator[HtmlElement]:
    for element in list(tree.iter("div", "section", "aside", "form", "ul")):
        names = signs(element)
        if names and is_widget_name(names):
            yield element


@lru_cache(maxsize=NAMES_KEPT)
def is_widget_name(names: str) -> bool:
    """Whether class and id say newsletter, donation, payment, cookies, login, sharing or advertising."""
    lowered = names.lower()
    return any(stem in lowered for stem in _WIDGET_STEMS) and _WIDGET.search(names) is not None


@lru_cache(maxsize=NAMES_KEPT)
def is_elsewhere_name(names: str) -> bool:
    """Whether class and id say that a part is not the article: comments, teasers, captions, portraits."""
    return _ELSEWHERE.search(names) is not None


def _control_groups(tree: HtmlElement) -> Iterator[HtmlElement]:
    """The nearest block around each form control; of a whole form, the form."""
    for control in list(tree.iter(*CONTROLS)):
        if control.get("type") == "hidden":
            continue
        around = next((node for node in control.iterancestors() if node.tag in BLOCKS), None)
        form = next(control.iterancestors("form"), None)
        if form is not None:
            yield form
        elif around is not None and around.tag not in ("article", "main"):
            yield around


def signs(element: HtmlElement) -> str:
    """The element's class and id: the names its author gave it."""
    names, identity = element.get("class"), element.get("id")
    return f"{names or ''} {identity}"[:MAX_NAME_CHARS] if identity else (names or "")[:MAX_NAME_CHARS]


class Surroundings:
    """Tells which elements stand outside an article; remembers the answer for every ancestor."""

    def __init__(self, *, by_name: bool = True) -> None:
        self._by_name = by_name
        self._known: dict[HtmlElement, bool] = {}

    def is_outside(self, element: HtmlElement) -> bool:
        """Whether the element or one around it is a frame, a form, a figure or named as something else."""
        path: list[HtmlElement] = []
        node: HtmlElement | None = element
        answer = False
        while node is not None:
            known = self._known.get(node)
            if known is not None:
                answer = known
                break
            path.append(node)
            if self._tells(node):
                answer = True
                break
            node = node.getparent()
        self._known.update(dict.fromkeys(path, answer))
        return answer

    def _tells(self, element: HtmlElement) -> bool:
        if element.tag in _OUTSIDE:
            return True
        if not self._by_name or element.tag in ("html", "body", "main", "article"):
            return False
        names = signs(element)
        return len(names) > 2 and (is_elsewhere_name(names) or is_widget_name(names))


def linked_lines(part: HtmlElement) -> set[str]:
    """The texts of paragraphs and list items that are nothing but links: teasers between paragraphs.

    They are matched against what was extracted and not cut from the tree: a container without its teasers
    can look like another kind of page to trafilatura.
    """
    lines: set[str] = set()
    for paragraph in part.iter("p", "li"):
        links = [link for link in paragraph.iter("a") if not (link.get("href") or "#").startswith("#")]
        if not links:
            continue
        text = words_in(paragraph)
        if len(text) > _MAX_LINKED_CHARS or text.startswith("http") or len(text.split()) < 3:
            continue
        parent = paragraph.getparent()
        if parent is not None and parent.tag in ("td", "th", "blockquote"):
            continue
        if _chars(links) >= _LINKED_SHARE * len(text):
            lines.add(text)
    return lines


def _chars(elements: Iterable[HtmlElement]) -> int:
    return sum(len(words_in(element)) for element in elements)
