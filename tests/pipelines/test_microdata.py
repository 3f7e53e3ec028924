"""Microdata: what the article's own elements say of it, and not those of its teasers."""

from __future__ import annotations

from lxml.html import document_fromstring

from pipelines.microdata import microdata_article
from pipelines.page import PageInput, ReadLimits
from pipelines.read import read_page

TEXT = "".join(
    f"<p>Paragraph {part}: the ferry will sail again in spring, the harbour board said.</p>" for part in range(6)
)
OWN = f"""
<article itemscope itemtype="https://schema.org/NewsArticle">
  <h1 itemprop="headline">The ferry sails again</h1>
  <span itemprop="author" itemscope itemtype="http://schema.org/Person"><b itemprop="name">Ada Brook</b></span>
  <span itemprop="publisher" itemscope itemtype="http://schema.org/Organization">
    <meta itemprop="name" content="The Harbour Post"><meta itemprop="description" content="A paper."></span>
  <a itemprop="articleSection" href="/harbour/">Harbour</a>
  <p itemprop="description">An old ship, a new engine.</p>
  <time itemprop="datePublished" datetime="2026-03-01T08:00:00+01:00">1 March</time>
  <meta itemprop="dateModified" content="2026-03-02T09:30:00+01:00">
  <meta itemprop="keywords" content="ferry, harbour"><meta itemprop="isAccessibleForFree" content="False">
  <div itemprop="articleBody">{TEXT}</div>
</article>"""
TEASER = """
<div itemscope itemtype="http://schema.org/NewsArticle"><h3 itemprop="headline">Another story</h3>
<time itemprop="datePublished" datetime="1999-01-01T00:00:00Z"></time><i itemprop="articleSection">Sports</i></div>"""


def test_the_articles_own_properties_and_not_those_of_its_publisher_or_of_a_teaser() -> None:
    node = microdata_article(document_fromstring(f"<html><body>{TEASER}{OWN}{TEASER}</body></html>"))
    assert node == {
        "headline": ["The ferry sails again"],
        "author": ["Ada Brook"],
        "publisher": ["The Harbour Post"],
        "articleSection": ["Harbour"],
        "description": ["An old ship, a new engine."],
        "datePublished": ["2026-03-01T08:00:00+01:00"],
        "dateModified": ["2026-03-02T09:30:00+01:00"],
        "keywords": ["ferry, harbour"],
        "isAccessibleForFree": ["False"],
    }


def test_teasers_alone_are_nobodys_own_article() -> None:
    assert microdata_article(document_fromstring(f"<html><body>{TEASER}{TEASER}</body></html>")) == {}


def test_a_record_takes_from_microdata_what_the_head_leaves_open() -> None:
    body = f"<html><head><title>Ferry</title></head><body>{TEASER}{OWN}</body></html>".encode()
    found = read_page(PageInput("https://example.org/2026/ferry", body), ReadLimits()).article
    assert found is not None
    wanted = {
        "datePublished": "2026-03-01T08:00:00+01:00",
        "dateModified": "2026-03-02T09:30:00+01:00",
        "articleSection": ["Harbour"],
        "keywords": ["ferry", "harbour"],
        "isAccessibleForFree": False,
        "description": "An old ship, a new engine.",
    }
    assert {name: found[name] for name in wanted} == wanted
    sources = found["metadata"]["fieldSources"]
    assert {sources[name] for name in ("articleSection", "datePublished", "description")} == {"microdata"}
    assert found["publisher"]["name"] == "The Harbour Post"


def test_the_head_is_believed_first() -> None:
    head = '<meta property="article:section" content="Ships"><meta property="og:description" content="In the head.">'
    body = f"<html><head>{head}</head><body>{OWN}</body></html>".encode()
    found = read_page(PageInput("https://example.org/2026/ferry", body), ReadLimits()).article
    assert found is not None
    assert (found["articleSection"], found["description"]) == (["Ships"], "In the head.")
    assert found["metadata"]["alternatives"]["description"]["microdata"] == "An old ship, a new engine."
