"""Every way in which a server goes wrong here, by path: the index page and the feed are made from it."""

from __future__ import annotations

ARTICLE = "/article"
ARTICLE_MAP = "/sitemap-deep/25"

FEED_HTML = "/feed-html"
FEED_BOMB = "/feed-bomb"
SITEMAP_SELF = "/sitemap-self"
SITEMAP_DEEP = "/sitemap-deep"
ROBOTS_503 = "/robots-503"
LONG_URL = "/long-url"

GZIP_BOMB = "/gzip-bomb"
GZIP_TORN = "/gzip-torn"
BROTLI = "/brotli"
ZSTD = "/zstd"
DEFLATE_RAW = "/deflate-raw"
UNKNOWN_CODING = "/unknown-coding"
CP1251_SAYS_UTF8 = "/cp1251-says-utf8"
EXTRACTOR_SLOW = "/extractor-slow"

ENDLESS = "/endless"
SLOW_DRIP = "/slow-drip"
HALF = "/half"
RESET = "/reset"
EMPTY_REPLY = "/empty-reply"
NO_CONTENT_LENGTH_CLOSE = "/no-content-length-close"
HTTP10 = "/http10"
BAD_CHUNK = "/bad-chunk"
CHUNKED_TRAILERS = "/chunked-trailers"

BAD_STATUS_LINE = "/bad-status-line"
DUPLICATE_CONTENT_LENGTH = "/duplicate-content-length"
HUGE_HEADERS = "/huge-headers"
FOLDED_HEADER = "/folded-header"
ODD_CASE_HEADERS = "/odd-case-headers"
HEADER_NO_SPACE = "/header-no-space"
NUL_IN_HEADER = "/nul-in-header"
EARLY_HINTS = "/early-hints"
SET_COOKIES = "/set-cookies"

REDIRECT_LOOP = "/redirect-loop"
REDIRECT_CHAIN = "/redirect-chain"
REDIRECT_PRIVATE = "/redirect-private"
REDIRECT_METADATA = "/redirect-metadata"
REFUSE_PATH = "/refuse-path"
RETRY_AFTER = "/retry-after"

FAULTS: dict[str, str] = {
    ARTICLE: "nothing is wrong: a good article",
    FEED_HTML: "a feed's address that answers with a web page",
    FEED_BOMB: "RSS whose entities unfold to a billion words",
    SITEMAP_SELF: "a sitemap index that lists itself",
    SITEMAP_DEEP: "a chain of sitemap indexes, 25 deep, before one article",
    ROBOTS_503: "503 without Retry-After, as some hosts answer for robots.txt",
    LONG_URL: "a page that links to an address of 5,000 characters, which answers",
    GZIP_BOMB: "3 MB of gzip that unpack to 3 GiB",
    GZIP_TORN: "gzip that stops in the middle, though Content-Length agrees",
    BROTLI: "Content-Encoding: br, asked for or not",
    ZSTD: "Content-Encoding: zstd, asked for or not",
    DEFLATE_RAW: "Content-Encoding: deflate without its zlib wrapper",
    UNKNOWN_CODING: "a Content-Encoding that does not exist",
    CP1251_SAYS_UTF8: "windows-1251 bytes that are declared as UTF-8",
    EXTRACTOR_SLOW: "an article that keeps an extractor busy for minutes",
    ENDLESS: "a body that never ends",
    SLOW_DRIP: "a byte of the body each second",
    HALF: "closes after half of what Content-Length promises",
    RESET: "resets the connection in the middle of the body",
    EMPTY_REPLY: "closes without a byte",
    NO_CONTENT_LENGTH_CLOSE: "a body that ends when the connection does",
    HTTP10: "an HTTP/1.0 answer",
    BAD_CHUNK: "a chunk whose size is no number",
    CHUNKED_TRAILERS: "chunks with extensions, then trailer fields",
    BAD_STATUS_LINE: "a status line whose code is no number",
    DUPLICATE_CONTENT_LENGTH: "two Content-Length fields that disagree",
    HUGE_HEADERS: "a megabyte of header fields",
    FOLDED_HEADER: "a header value folded over three lines",
    ODD_CASE_HEADERS: "header names in odd case, repeated and in odd order",
    HEADER_NO_SPACE: "no space, or many, after the colon",
    NUL_IN_HEADER: "a NUL byte in a header value",
    EARLY_HINTS: "103 Early Hints before the 200",
    SET_COOKIES: "many cookies, some of them malformed",
    REDIRECT_LOOP: "two addresses that redirect to each other",
    REDIRECT_CHAIN: "30 redirects before an article; `?n=` says how many",
    REDIRECT_PRIVATE: "redirects to 127.0.0.2, where this server does not listen",
    REDIRECT_METADATA: "redirects to 169.254.169.254, a cloud's metadata service",
    REFUSE_PATH: "redirects to a port that refuses connections",
    RETRY_AFTER: "429 with Retry-After: 2 at the first visit, then an article",
}
