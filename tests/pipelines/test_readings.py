"""Reading: never raises, keeps what it is told, and tells an article's words from the page's."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.cues import is_byline, is_cue
from pipelines.headline import choose_headline
from pipelines.jsonld import linked_data
from pipelines.language import language_tag, text_language
from pipelines.links import Link, Resolver
from pipelines.meta import page_meta, without_site
from pipelines.page import PageInput, ReadLimits, open_page
from pipelines.read import read_page
from pipelines.record import build_record

URL = "https://estuary-post.example/news/ferry"
TEXT = "The harbour board said on Monday that the old ferry would sail again in spring, after two winters at the quay. "
WORDS = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<div class='newsletter'>",
        "</div>",
        "<article>",
        "<h1>",
        "</h1>",
        "<table><tr><td>",
        "<form><input>",
        "<script type='application/ld+json'>",
        "{",
        '"@type":"NewsArticle",',
        "</script>",
        "<base href='//['>",
        "<a href='http://['>",
        "<meta property='og:title' content='",
        "'>",
        TEXT,
        "\x00",
        "<time datetime='x'>",
        "<li>",
        "<ul>",
        "&#xD800;",
        "<br>",
        "<html/>",
    ]
)


def read(body: str | bytes, **known: object) -> dict[str, object]:
    data = body.encode() if isinstance(body, str) else body
    reading = read_page(PageInput(URL, data, **known), ReadLimits())
    return dict(reading.article or {}) | {"kind": reading.kind, "reason": reading.reason}


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=40).map("".join))
def test_any_markup_gives_a_record(markup: str) -> None:
    reading = read_page(PageInput(URL, markup.encode()), ReadLimits())
    record = build_record(reading)
    assert orjson.loads(record.line())["metadata"]["judgement"] == reading.kind
    assert pickle.loads(pickle.dumps(reading)) == reading


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=500))
def test_any_bytes_give_a_record(body: bytes) -> None:
    assert build_record(read_page(PageInput(URL, body), ReadLimits())).url == URL


def test_a_page_larger_than_the_limit_is_unreadable_and_says_so() -> None:
    reading = read_page(PageInput(URL, TEXT.encode() * 10), ReadLimits(max_page_bytes=100))
    assert (reading.kind, reading.evidence) == ("unreadable", ("too-large",))
    assert "100 bytes" in str(reading.reason)


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"", (), "empty body"),
        (b"%PDF-1.7 ...", (("Content-Type", "application/pdf"),), "not a web page: application/pdf"),
        (b'{"a": 1}', (("Content-Type", "text/html"),), "not a web page: text/html"),
        (b"<rss version='2.0'></rss>", (("Content-Type", "text/xml"),), "not a web page: text/xml"),
    ],
)
def test_what_is_no_page_is_named(body: bytes, headers: tuple[tuple[str, str], ...], reason: str) -> None:
    reading = read_page(PageInput(URL, body, headers), ReadLimits())
    assert (reading.kind in ("other", "empty"), reading.reason) == (True, reason)


def test_an_error_status_without_a_page_is_an_error() -> None:
    assert read_page(PageInput(URL, b"", status=503), ReadLimits()).reason == "status 503"


def test_a_feed_s_hints_stand_in_for_what_the_page_does_not_say() -> None:
    page = f"<html><body><p>{TEXT * 3}</p></body></html>"
    found = read(page, hints={"title": "Old ferry", "published": "Mon, 02 Mar 2026 06:30:00 GMT"})
    assert (found["headline"], found["datePublished"]) == ("Old ferry", "2026-03-02T06:30:00+00:00")
    assert found["metadata"]["fieldSources"]["datePublished"] == "feed"


def test_the_newsroom_itself_is_an_author_only_when_nobody_else_is_named() -> None:
    head = '<meta name="author" content="Estuary Post"><meta property="og:site_name" content="Estuary Post">'
    house = f"<html><head>{head}</head><body><h1>Old ferry</h1><p>{TEXT * 3}</p></body></html>"
    named = house.replace("</h1>", '</h1><span class="byline">By Ann Okafor</span>')
    assert read(house)["author"] == [{"name": "Estuary Post", "nameRaw": "Estuary Post"}]
    assert read(named)["author"] == [{"name": "Ann Okafor", "nameRaw": "By Ann Okafor"}]


def test_deep_nesting_is_read_as_far_as_the_parser_goes() -> None:
    body = f"<h1>Ferry</h1><p>{TEXT * 3}</p>" + "<div>" * 5000 + "<p>deep</p>" + "</div>" * 5000
    reading = read_page(PageInput(URL, body.encode()), ReadLimits())
    assert reading.kind == "article"
    assert "the page is cut short" in reading.evidence


def test_a_line_break_separates_paragraphs() -> None:
    text = f"{TEXT}Said one.<br><br>{TEXT}Said two.<br>{TEXT}Said three."
    body = read(f"<html><body><h1>Ferry</h1><div class='text'>{text}</div></body></html>")["articleBody"]
    assert [line[-10:] for line in str(body).split("\n")] == [" Said one.", " Said two.", "aid three."]


def test_invisible_signs_do_not_part_words() -> None:
    page = f"<html><body><h1>Ferry</h1><p>{TEXT * 3}Har\xadbour\u200b mas\xadter.</p></body></html>"
    assert str(read(page)["articleBody"]).endswith("Harbour master.")


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("/a#top", "https://example.org/a"),
        ("b?x=1", "https://example.org/news/b?x=1"),
        ("../c", "https://example.org/c"),
        ("//cdn.example/d", "https://cdn.example/d"),
        ("https://other.example/a b", "https://other.example/a%20b"),
        ("#top", None),
        ("javascript:void(0)", None),
        ("mailto:a@example.org", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_links_become_absolute(href: str, url: str | None) -> None:
    assert Resolver("https://example.org/news/ferry")(href) == url


def test_a_page_s_links_follow_its_base_and_keep_their_longest_text() -> None:
    page = '<base href="/x/"><a href="a"><img></a><a href="a" rel="nofollow">Old  ferry</a>'
    page += '<a href="/b">B</a><a href="a#c">f</a>'
    reading = read_page(PageInput(URL, page.encode()), ReadLimits(max_links=5))
    assert reading.links == (
        Link("https://estuary-post.example/x/a", "Old ferry", ""),
        Link("https://estuary-post.example/b", "B", ""),
    )
    assert len(read_page(PageInput(URL, page.encode()), ReadLimits(max_links=1)).links) == 1


@pytest.mark.parametrize(
    ("title", "site", "headings", "cut"),
    [
        ("Rain again | The Paper", "The Paper", (), "Rain again"),
        ("Rain again - Weather - The Paper", "The Paper", (), "Rain again - Weather"),
        ("Rain again - a chronicle", "The Paper", (), "Rain again - a chronicle"),
        ("Rain again – News", None, ("Rain again",), "Rain again"),
        ("The Paper", "The Paper", (), "The Paper"),
    ],
)
def test_only_the_newsroom_s_name_is_cut_from_a_title(
    title: str, site: str | None, headings: tuple[str, ...], cut: str
) -> None:
    assert without_site(title, site, headings) == cut


@pytest.mark.parametrize(
    ("linked", "og", "h1", "chosen"),
    [
        ("For engines", "For readers of it", "For readers of it", "For readers of it"),
        ("For engines all right", "For sharing only", "For engines all wrong", "For engines all right"),
        (None, "Kicker: Old ferry sails", "Kicker : Old ferry sails", "Kicker: Old ferry sails"),
        (None, "Old ferry to sail again", "Harbour Old ferry to sail again", "Old ferry to sail again"),
        (None, None, "Old ferry", "Old ferry"),
    ],
)
def test_the_headline_is_what_most_witnesses_say(linked: str | None, og: str | None, h1: str, chosen: str) -> None:
    head = f'<meta property="og:title" content="{og}">' if og else ""
    page = open_page(
        PageInput(URL, f"<html><head>{head}</head><body><h1>{h1}</h1></body></html>".encode()), ReadLimits()
    )
    assert page.tree is not None
    script = orjson.dumps({"@type": "NewsArticle", "headline": linked}).decode() if linked else ""
    headline = choose_headline(page_meta(page.tree), linked_data([script], [URL]))
    assert headline is not None
    assert headline.text == chosen


@pytest.mark.parametrize(
    "line",
    [
        "Read more: Ice on the river",
        "Lesen Sie auch: Eis",
        "À lire aussi : la glace",
        "Читайте также: лёд на реке",
        "Sign up for our weekly newsletter",
        "© 2026 The Paper",
        "Advertisement",
        "Follow us on Instagram",
        "関連記事 氷",
    ],
)
def test_lines_that_only_point_or_sell_are_known(line: str) -> None:
    assert is_cue(line)


@pytest.mark.parametrize(
    "line",
    [
        "Read the letter he wrote before he left.",
        "She read more than she wrote.",
        "Relations are strained, he said.",
        "The newsletter of the union was banned in May.",
        "Copyrights expire after seventy years.",
        TEXT * 3 + "Read more: x",
    ],
)
def test_sentences_of_an_article_are_not_cues(line: str) -> None:
    assert not is_cue(line)


def test_a_line_of_names_and_dates_is_a_byline_and_a_sentence_is_not() -> None:
    assert is_byline("By Ann Okafor, 2 March 2026, 6:30 am", ["Ann Okafor"])
    assert is_byline("Stand: 02.03.2026, 06:30 Uhr", [])
    assert not is_byline("Ann Okafor returned to the harbour", ["Ann Okafor"])
    assert not is_byline("In 2026 the ferry sailed", [])


@pytest.mark.parametrize(
    ("raw", "tag"), [("en_us", "en-US"), ("zh-hans-cn", "zh-Hans-CN"), ("DE", "de"), ("english", None)]
)
def test_language_tags_are_bcp47(raw: str, tag: str | None) -> None:
    assert language_tag(raw) == tag


def test_a_wrong_declaration_of_language_yields_to_the_text() -> None:
    german = "Die alte Fähre soll im Frühjahr wieder fahren, teilte der Hafenrat am Montag in einer Sitzung mit. "
    assert text_language(german * 3, [("html", "en-US")]) == ("de", "text")
    assert text_language(german * 3, [("html", "de-AT")]) == ("de-AT", "html")
    assert text_language("Kurz", [("html", "fr")]) == ("fr", "html")


def test_a_reading_does_not_depend_on_the_clock() -> None:
    page = PageInput(URL, f"<h1>Ferry</h1><p>{TEXT * 3}</p>".encode(), fetched_at=datetime(2026, 3, 2, tzinfo=UTC))
    first, second = read_page(page, ReadLimits()), read_page(page, ReadLimits())
    assert first.article == second.article
