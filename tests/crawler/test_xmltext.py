from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from crawler.sitemaps import parse_sitemap
from crawler.xmltext import well_escaped

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def read(text: str) -> str | None:
    return etree.fromstring(f"<a>{well_escaped(text)}</a>".encode()).text


@given(st.integers(0, 9_999_999), st.sampled_from(["&#{};", "&#0{};", "&#x{:x};", "&#X{:06X};"]))
def test_a_number_is_the_character_that_browsers_take_it_for(number: int, form: str) -> None:
    reference = form.format(number)
    known = re.fullmatch("&#(?:[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});", reference)
    expected = FORBIDDEN.sub("", html.unescape(reference)) if known else reference
    assert (read(reference) or "") == expected


@given(st.text(st.characters(codec="utf-8", exclude_characters="<&\r")))
def test_other_text_stays_as_it_is_without_what_xml_forbids(text: str) -> None:
    assert (read(text) or "") == FORBIDDEN.sub("", text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("?a=1&b=2&copy=3", "?a=1&b=2&copy=3"),
        ("&nbsp;&mdash;&bogus;&", "\xa0—&bogus;&"),
        ("&amp;nbsp; &lt;b&gt;", "&nbsp; <b>"),
        ("<![CDATA[&nbsp;&#0;&]]>&nbsp;", "&nbsp;&#0;&\xa0"),
    ],
)
def test_ampersands_mean_what_their_writer_meant(text: str, meant: str) -> None:
    assert read(text) == meant


def test_half_a_surrogate_pair_costs_a_sitemap_nothing_else() -> None:
    sitemap = parse_sitemap(
        b"<urlset><url><loc>/a</loc><lastmod>&#55357;</lastmod></url></urlset>", "https://g.example/"
    )
    assert [entry.url for entry in sitemap.entries] == ["https://g.example/a"]
