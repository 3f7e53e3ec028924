from __future__ import annotations

import gzip
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.listerrors import NotASitemap
from crawler.sitemaps import Sitemap, SitemapEntry, SitemapLimits, parse_sitemap
from storage.errors import BodyTooLarge, PageError

URL = "https://gazette.example/maps/news.xml"
OPEN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    ' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    ' xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">'
)


def read(text: str | bytes, **limits: int) -> Sitemap:
    return parse_sitemap(text if isinstance(text, bytes) else text.encode(), URL, SitemapLimits(**limits))


def urlset(*urls: str) -> str:
    return OPEN + "".join(f"<url><loc>{url}</loc></url>" for url in urls) + "</urlset>"


def addresses(sitemap: Sitemap) -> list[str]:
    return [entry.url for entry in sitemap.entries]


def test_a_news_sitemap_gives_what_the_newsroom_says() -> None:
    sitemap = read(
        OPEN
        + """
<url><image:image><image:loc>https://gazette.example/a.jpg</image:loc></image:image>
 <loc> https://gazette.example/a?b=1&amp;c=2 </loc><lastmod>2024-05-02T00:00:00Z</lastmod>
 <changefreq>daily</changefreq><news:news><news:publication><news:name>The Gazette</news:name>
 <news:language>ru</news:language></news:publication>
 <news:publication_date>2024-05-01T10:20:30+03:00</news:publication_date>
 <news:title><![CDATA[Мэр & «ёж»]]></news:title></news:news></url>
<url><loc>/b</loc><lastmod>2024-05-01</lastmod></url>
<url><loc>https://gazette.example/c</loc><lastmod>yesterday</lastmod></url>
</urlset>"""
    )
    assert sitemap == Sitemap(
        kind="urlset",
        entries=(
            SitemapEntry(
                url="https://gazette.example/a?b=1&c=2",
                lastmod="2024-05-02T00:00:00+00:00",
                news_title="Мэр & «ёж»",
                news_date="2024-05-01T10:20:30+03:00",
                language="ru",
            ),
            SitemapEntry(url="https://gazette.example/b", lastmod="2024-05-01"),
            SitemapEntry(url="https://gazette.example/c"),
        ),
        publication="The Gazette",
    )


def test_an_index_names_its_children() -> None:
    sitemap = read(
        '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>https://gazette.example/1.xml.gz'
        "</loc><lastmod>2024-05-01</lastmod></sitemap><sitemap><loc>2.xml</loc></sitemap></sitemapindex>"
    )
    assert sitemap == Sitemap(
        kind="index",
        children=(
            ("https://gazette.example/1.xml.gz", "2024-05-01"),
            ("https://gazette.example/maps/2.xml", None),
        ),
    )


def test_prefixes_and_namespaces_may_be_missing_wrong_or_everywhere() -> None:
    bare = read("<urlset><url><loc>/a</loc><news:news><news:title>T</news:title></news:news></url></urlset>")
    assert (addresses(bare), bare.entries[0].news_title) == (["https://gazette.example/a"], "T")
    prefixed = read('<s:urlset xmlns:s="http://x/"><s:url><s:loc>/a</s:loc></s:url></s:urlset>')
    assert addresses(prefixed) == ["https://gazette.example/a"]


def test_unescaped_ampersands_and_named_characters_keep_their_meaning() -> None:
    sitemap = read(urlset("https://gazette.example/?a=1&b=2&copy=3", "https://gazette.example/&eacute;", "/x&amp;y"))
    assert addresses(sitemap) == [
        "https://gazette.example/?a=1&b=2&copy=3",
        "https://gazette.example/%C3%A9",
        "https://gazette.example/x&y",
    ]


def test_a_gzip_payload_is_unpacked() -> None:
    text = urlset("https://gazette.example/a", "https://gazette.example/b").encode()
    assert read(gzip.compress(text)) == read(text)
    assert read(gzip.compress(text[:200]) + gzip.compress(text[200:])) == read(text)


def test_a_text_sitemap_is_a_list_of_lines() -> None:
    sitemap = read("\ufeffhttps://gazette.example/a\r\n\n  HTTPS://Gazette.example/б \nnot a url\nhttp://[x/\n")
    assert sitemap.kind == "text"
    assert addresses(sitemap) == ["https://gazette.example/a", "https://gazette.example/%D0%B1"]
    assert sitemap.problems[0] == "a line is no URL: 'not a url'"
    assert len(sitemap.problems) == 2


@pytest.mark.parametrize(
    ("text", "look"),
    [
        ("<!DOCTYPE html><html><body><urlset></body></html>", "html"),
        ("<rss><channel/></rss>", "feed"),
        ('{"urls": []}', "json"),
        ("<robots/>", "xml"),
        ("User-agent: *\nDisallow:", "text"),
        ("", "empty"),
    ],
)
def test_what_is_no_sitemap_is_named(text: str, look: str) -> None:
    with pytest.raises(NotASitemap) as caught:
        read(text)
    assert (caught.value.looks_like, caught.value.url) == (look, URL)


def test_an_empty_sitemap_is_a_sitemap() -> None:
    assert read(urlset()) == Sitemap("urlset")
    assert read("<urlset/>") == Sitemap("urlset")


def test_a_sitemap_that_is_cut_gives_its_whole_entries_and_no_half_address() -> None:
    whole = urlset("https://gazette.example/100", "https://gazette.example/200")
    for end in range(whole.index("<url>"), len(whole) - 1):
        sitemap = read(whole[:end])
        assert [url[-3:] for url in addresses(sitemap)] == ["100", "200"][: whole[:end].count("</url>")]
        assert sitemap.problems == ("cut short: it ends without </urlset>",)


def test_a_cut_gzip_payload_gives_what_is_there() -> None:
    urls = [f"https://gazette.example/{number * 7919 % 10007}" for number in range(2000)]
    packed = gzip.compress(urlset(*urls).encode())
    sitemap = read(packed[: len(packed) // 2])
    assert addresses(sitemap) == urls[: len(sitemap.entries)]
    assert len(sitemap.entries) > 500
    assert sitemap.problems[0] == "cut short: its gzip payload is not whole"


def test_entries_that_cannot_be_visited_are_told() -> None:
    sitemap = read(urlset("", "mailto:a@b", "https://gazette.example/a"))
    assert addresses(sitemap) == ["https://gazette.example/a"]
    assert sitemap.problems[0] == "an entry has no loc"
    assert "mailto" in sitemap.problems[1]


def test_more_than_the_protocol_allows_is_kept_and_told_up_to_the_limit() -> None:
    sitemap = read(urlset(*["/a"] * 50_001))
    assert len(sitemap.entries) == 50_001
    assert sitemap.problems == ("it has more than the 50000 entries that the protocol allows",)
    assert len(read(urlset(*["/a"] * 5), max_entries=3).entries) == 3
    assert read("https://gazette.example/a\n" * 5, max_entries=3).problems == (
        "more than 3 entries: only the first are read",
    )
    with pytest.raises(BodyTooLarge):
        read(gzip.compress(urlset().encode() + b" " * 10_000), max_bytes=5_000)
    assert "only the beginning is read" in read(urlset(*["/a"] * 500), max_bytes=5_000).problems[0]


HOSTILE = {
    "entities": b"<!DOCTYPE u [<!ENTITY a 'a'><!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    + urlset("/&a;", "/&x;").encode(),
    "gzip": gzip.compress(b"\0" * 120_000_000, 1),
    "elements": (OPEN + "<a/>" * 1_000_000 + "</urlset>").encode(),
    "locs": (OPEN + "<url>" + "<loc>/a</loc>" * 200_000 + "</url></urlset>").encode(),
    "ampersands": urlset("&" * 1_000_000).encode(),
    "depth": (OPEN + "<url>" + "<loc>" * 200_000 + "</url></urlset>").encode(),
    "one line": b"http://" + b"a" * 3_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_sitemap_costs_seconds_at_most_and_reveals_nothing(name: str) -> None:
    began = time.monotonic()
    with suppress(PageError):
        assert all("root:" not in url for url in addresses(parse_sitemap(HOSTILE[name], URL)))
    assert time.monotonic() - began < 20


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"<urlset>", b"<urlset><url><loc>", b"http://", b"\x1f\x8b"]),
)
def test_any_bytes_are_a_sitemap_or_named(tail: bytes, head: bytes) -> None:
    with suppress(PageError):
        assert parse_sitemap(head + tail, URL).kind in ("urlset", "index", "text")
