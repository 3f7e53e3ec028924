"""What a page needs to look right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from pipelines.requisites import MAX_REQUISITES, largest_candidate, page_requisites, style_requisites

BASE = "https://news.example/2026/story.html"
PAGE = """<html><head>
<link rel="stylesheet" href="/site.css"><link rel="alternate stylesheet" href="/contrast.css">
<link rel="shortcut icon" href="/icon.png"><link rel="canonical" href="/2026/story">
<link rel="preload" as="font" href="/f.woff2"><link rel=preload as=fetch href=/data.json>
<style>@import "print.css"; .hero { background: url(hero.jpg) }</style>
<script src="/app.js"></script><script type="application/ld+json" src="/x.json"></script>
</head><body style="background:url('paper.png')">
<img src="small.jpg" srcset="small.jpg 320w, large.jpg 1600w, huge.jpg 6000w">
<picture><source type="image/avif" srcset="p.avif 1x, p2.avif 2x"><source srcset="p.webp"><img src="p.jpg"></picture>
<img src="data:image/gif;base64,R0lG" data-src="lazy.jpg">
<video poster="poster.jpg"><source src="film.mp4"></video>
<input type="image" src="button.png"><input type="text" src="never.png">
<img src="small.jpg#again"></body></html>"""


def urls(wanted: str) -> dict[str, str]:
    tree = document_fromstring(PAGE)
    return {one.url: one.kind for one in page_requisites(tree, BASE, wanted)}


def test_a_page_names_what_it_needs() -> None:
    near = "https://news.example/2026/"
    assert urls("page") == {
        "https://news.example/site.css": "style",
        "https://news.example/icon.png": "image",
        "https://news.example/f.woff2": "font",
        f"{near}print.css": "style",
        f"{near}hero.jpg": "image",
        f"{near}small.jpg": "image",
        f"{near}large.jpg": "image",
        f"{near}p2.avif": "image",
        f"{near}p.jpg": "image",
        f"{near}lazy.jpg": "image",
        f"{near}poster.jpg": "image",
        f"{near}button.png": "image",
        f"{near}paper.png": "image",
        "https://news.example/app.js": "script",
    }
    assert set(urls("images").values()) == {"image"}
    assert f"{near}hero.jpg" not in urls("images")
    assert urls("none") == {}


STYLES = [
    ("@import url(a.css);", {"a.css": "style"}),
    ("@import 'a.css' screen and (min-width: 2em);", {"a.css": "style"}),
    ("@import url('a.css') layer(x);", {"a.css": "style"}),
    ('a { background: red url( "b c.png" ) no-repeat }', {"b%20c.png": "image"}),
    ("@media print { @supports (x: y) { a { background: url(b.png) } } }", {"b.png": "image"}),
    ("a { background: image-set('a.png' 1x, url(b.png) 2x) }", {"a.png": "image", "b.png": "image"}),
    ("a { background: linear-gradient(red, blue), url(b.png) }", {"b.png": "image"}),
    ("/* url(no.png) */ a { content: 'url(no.png)' }", {}),
    ("a { background: url(data:image/png;base64,xx) }", {}),
    ("a { background: url(b.png", {"b.png": "image"}),
    (
        "@font-face { font-family: 'A'; src: url(a.eot); src: url(a.eot?#iefix) format('embedded-opentype'),"
        " url(a.woff2) format('woff2'), url(a.woff) format('woff') }",
        {"a.woff2": "font"},
    ),
    ("@font-face { font-family: A.B; src: local('A.B'), url(a.ttf) }", {"a.ttf": "font"}),
    ("a { b: url() }", {}),
]


@pytest.mark.parametrize(("text", "named"), STYLES, ids=[text[:30] for text, _ in STYLES])
def test_a_style_sheet_names_what_it_needs(text: str, named: dict[str, str]) -> None:
    found = style_requisites(text.encode(), None, "https://news.example/css/site.css")
    assert {one.url.removeprefix("https://news.example/css/"): one.kind for one in found} == named


def test_a_style_sheet_is_read_in_its_own_encoding() -> None:
    text = '@charset "windows-1251"; a { background: url("фон.png") }'
    (found,) = style_requisites(text.encode("windows-1251"), None, "https://news.example/")
    assert found.url == "https://news.example/фон.png"
    (found,) = style_requisites(text.encode("utf-8"), "utf-8", "https://news.example/")
    assert found.url == "https://news.example/фон.png"


def test_braces_may_nest_as_deep_as_they_like() -> None:
    text = "a{" * 3000 + "b: url(c.png)"
    assert [one.url for one in style_requisites(text.encode(), None, "https://n.example/")] == [
        "https://n.example/c.png"
    ]


def test_a_page_that_names_thousands_gets_its_first() -> None:
    tree = document_fromstring("<body>" + "".join(f"<img src={number}.png>" for number in range(3 * MAX_REQUISITES)))
    found = page_requisites(tree, BASE, "page")
    assert len(found) == MAX_REQUISITES
    assert found[0].url.endswith("/0.png")


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("a.jpg", "a.jpg"),
        ("a.jpg, b.jpg 2x", "b.jpg"),
        ("a.jpg 320w,b.jpg 640w", "b.jpg"),
        ("w_100,h_50/a.jpg 100w, w_900,h_450/a.jpg 900w", "w_900,h_450/a.jpg"),
        ("a.jpg 9000w, b.jpg 4000w", "b.jpg"),
        ("a.jpg 1x, b.jpg 4x", "a.jpg"),
        ("a.jpg 1.2.3w", "a.jpg"),
        ("", None),
        (" , ", None),
    ],
)
def test_the_largest_useful_candidate(text: str, best: str | None) -> None:
    assert largest_candidate(text) == best


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    chosen = largest_candidate(text)
    assert chosen is None or chosen in text
    style_requisites(text.encode("utf-8", "replace"), None, BASE)
