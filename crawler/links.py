"""What a link is worth: the one spelling of a URL that names a lead, and whether it looks like an article."""

from __future__ import annotations

import re
from urllib.parse import unquote

from crawler.shape import LinkVerdict, shape_of, word_set
from crawler.source import Source
from crawler.weburl import MAX_URL_LENGTH, WebUrl, parse_web_url
from storage.errors import Refused

# Where feeds and sitemaps stand that no page and no robots.txt names, the commonest first.
FEED_PATHS = ("/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feed.json")
SITEMAP_PATHS = (
    "/sitemap.xml",
    "/sitemap_index.xml",
    "/news-sitemap.xml",
    "/sitemap-news.xml",
    "/wp-sitemap.xml",
)

# Query parameters that say where a reader came from, and never which page is meant. Names that some site
# needs (`id`, `ref`, `source`, `cid`, `uid`) are not here, though courlan and others drop them.
TRACKING_PREFIXES = ("utm_", "mtm_", "hsa_", "fb_action_", "at_custom")
TRACKING_PARAMETERS = word_set("""
    __twitter_impression _ga _gl _hsenc _hsmi _openstat at_campaign at_creation at_format at_medium
    at_ptr_name cmpid dclid epik fb_ref fb_source fbclid gad_source gbraid gclid gclsrc guccounter
    guce_referrer guce_referrer_sig icid igsh igshid li_fat_id maca mc_cid mc_eid mkt_tok msclkid
    ns_campaign ns_fee ns_linkname ns_mchannel ns_source oly_anon_id oly_enc_id pk_campaign pk_cid
    pk_content pk_keyword pk_kwd pk_medium pk_source rb_clickid ref_src ref_url srsltid ttclid twclid
    vero_id wbraid wt_mc wt_zmc xtor yadclid yclid ymclid ysclid
""")

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def normalise(url: str) -> str:
    """The one spelling of a URL under which its lead is known; `normalise(normalise(url)) == normalise(url)`.

    Fragment, tracking parameters, default port, a host's last dot, needless escapes and an empty query go;
    the host is in lower case and ASCII, escapes are in capitals. Scheme, `www.`, slashes, and order and
    meaning of the query stay. Raises Refused for what is no URL to visit, and nothing else.
    """
    parsed = parse_web_url(url)
    query = "&".join(part for part in (parsed.query or "").split("&") if not _is_tracking(part))
    host = parsed.host.removesuffix(".")
    spelled = str(WebUrl(parsed.scheme, host, parsed.port, _plain(parsed.path), _plain(query) or None))
    if len(spelled) > MAX_URL_LENGTH:
        raise Refused("bad-url", f"{spelled[:80]}…", f"longer than {MAX_URL_LENGTH} characters")
    return spelled


def classify(url: str, anchor_text: str, source: Source) -> LinkVerdict:
    """Whether a link found on a section page leads to an article, a section, or nowhere of interest.

    Judged by the URL's shape and the words it is linked under, with no request. An error is cheap: a section
    taken for an article is kept and found to be none, an article taken for a section is found by depth.
    """
    try:
        parsed = parse_web_url(url)
    except Refused as error:
        return LinkVerdict("skip", f"{error.rule}: {error.problem}")
    scope = source.in_scope(url)
    if not scope.inside:
        return LinkVerdict("skip", f"scope: {scope.rule}")
    spelled = str(parsed)
    if spelled in (*source.feeds, *source.sitemaps):
        return LinkVerdict("skip", "a feed or sitemap of the source")
    if spelled in (source.home, *source.sections):
        return LinkVerdict("section", "listed in the source file")
    return shape_of(parsed, anchor_text)


def _is_tracking(part: str) -> bool:
    name = unquote(part.partition("=")[0]).lower()
    return name in TRACKING_PARAMETERS or name.startswith(TRACKING_PREFIXES)


def _plain(text: str) -> str:
    """The text with capital escapes, only where RFC 3986 needs them; a stray percent sign becomes one."""
    return _ESCAPE.sub(_unescape, _STRAY_PERCENT.sub("%25", text))


def _unescape(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()
