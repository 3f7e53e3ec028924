"""feedparser kept from losing, inventing, fetching and dawdling."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from xml.sax.saxutils import escape

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crawler import xmlfeed
from crawler.feeds import Feed, FeedEntry, parse_feed

URL = "https://gazette.example/rss/all.xml"
SPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
)
LINK = "<link>/1</link>"


def rss(items: str) -> str:
    return f"<rss version='2.0' {SPACES}><channel><title>Gazette</title>{items}</channel></rss>"


def atom(entries: str, attributes: str = "") -> str:
    return f"<feed xmlns='http://www.w3.org/2005/Atom' {attributes}><title>Gazette</title>{entries}</feed>"


def read(text: str) -> Feed:
    return parse_feed(text.encode(), None, URL)


def one(item: str) -> FeedEntry:
    """The only entry of an RSS feed with that item and without a problem."""
    feed = read(rss(f"<item>{item}</item>"))
    assert feed.problems == ()
    assert len(feed.entries) == 1
    return feed.entries[0]


@pytest.mark.parametrize(
    ("raw", "iso"),
    [
        ("Wed, 01 May 2024 10:20:30 +0300", "2024-05-01T10:20:30+03:00"),
        ("Wed, 01 May 2024 10:20:30 EST", "2024-05-01T10:20:30-05:00"),
        ("2024-05-01", "2024-05-01"),
        ("2024-05-01 10:20", "2024-05-01T10:20:00"),
        ("Κυρ, 11 Ιούλ 2004 12:00:00 EST", "2004-07-11T17:00:00+00:00"),
        ("Mon, 01 Jan 07 10:00:00 GMT", "2007-01-01T10:00:00+00:00"),
    ],
)
def test_dates_keep_their_offset_and_old_and_greek_ones_are_read(raw: str, iso: str) -> None:
    assert one(f"{LINK}<pubDate>{raw}</pubDate>").published == iso


@pytest.mark.parametrize(
    "raw",
    [
        "20:30 GMT",
        "2024 Printemps",
        "2004년 05월 28일 01:31:15",
        "01-05-2024",
        "20",
        "2024-13-45",
        "3/4/2024 10:00",
        "Mon, 01 Jan 07 10:00:00 CET",
        "Mon, 01 Jan 07 10:00:00",
    ],
)
def test_dates_that_feedparser_would_guess_are_told_instead(raw: str) -> None:
    feed = read(rss(f"<item>{LINK}<pubDate>{raw}</pubDate></item>"))
    assert feed.entries[0].published is None
    assert feed.problems == (f"https://gazette.example/1: the date {raw!r} cannot be read",)


@pytest.mark.parametrize(
    ("dates", "published", "updated"),
    [
        ("<dc:date>2024-05-01</dc:date>", "2024-05-01", None),
        ("<pubDate>2024-05-01</pubDate><dc:date>2024-05-02</dc:date>", "2024-05-01", None),
        ("<dcterms:modified>2024-05-02</dcterms:modified>", None, "2024-05-02"),
        (
            "<dcterms:created>2024-05-01</dcterms:created><dcterms:modified>2024-05-02</dcterms:modified>",
            "2024-05-01",
            "2024-05-02",
        ),
    ],
)
def test_a_dublin_core_date_is_that_of_publication(dates: str, published: str | None, updated: str | None) -> None:
    entry = one(LINK + dates)
    assert (entry.published, entry.updated) == (published, updated)


@pytest.mark.parametrize(
    ("authors", "author"),
    [
        ("<author>ann@news.press (Ann Example)</author>", "ann@news.press (Ann Example)"),
        ("<author>ann@news.press</author><dc:creator>Ann</dc:creator>", "ann@news.press; Ann"),
        ("<author/><dc:creator><![CDATA[Ann & Bob]]></dc:creator>", "Ann & Bob"),
        ("<dc:creator>Ann</dc:creator><itunes:author>The Gazette</itunes:author>", "Ann"),
    ],
)
def test_authors_are_named_as_the_newsroom_names_them(authors: str, author: str) -> None:
    assert one(LINK + authors).author == author


def test_pictures_and_podcasts_lend_an_entry_no_title_and_no_summary() -> None:
    media = "<media:group><media:title>caption</media:title><media:description>seen</media:description></media:group>"
    podcast = "<itunes:title>listen</itunes:title><itunes:summary>heard</itunes:summary>"
    entry = one(f"{media}{LINK}<title>Mayor</title><description>He left.</description>{podcast}")
    assert (entry.title, entry.summary) == ("Mayor", "He left.")
    bare = one(f"{media}{podcast}{LINK}<content:encoded><![CDATA[<p>All of it</p>]]></content:encoded>")
    assert (bare.title, bare.summary) == (None, None)


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("<link/><guid>https://gazette.example/g</guid>", "https://gazette.example/g"),
        ("<link> </link><guid isPermaLink='true'>https://gazette.example/g</guid>", "https://gazette.example/g"),
        ("<enclosure url='/sound.mp3'/><guid>https://gazette.example/g</guid>", "https://gazette.example/g"),
        ("<guid isPermaLink='false'>https://gazette.example/g</guid>", None),
        ("<guid>17</guid>", None),
        ("<enclosure url='/sound.mp3'/>", None),
    ],
)
def test_a_guid_is_the_address_only_where_it_is_a_permanent_link(item: str, url: str | None) -> None:
    feed = read(rss(f"<item>{item}</item>"))
    assert [entry.url for entry in feed.entries] == ([url] if url else [])
    assert feed.problems == (() if url else ("an entry has no link: no title either",))


def test_an_id_of_atom_is_no_address_and_stays_as_it_is_given() -> None:
    feed = read(
        atom(
            "<entry><id>https://gazette.example/x</id></entry><entry><id>18</id><link href='a'/></entry>",
            'xml:base="b/"',
        )
    )
    assert [(entry.url, entry.id) for entry in feed.entries] == [("https://gazette.example/rss/b/a", "18")]
    assert feed.problems == ("an entry has no link: no title either",)


def test_xml_base_is_followed_from_the_root_inwards_and_a_bad_one_is_passed_over() -> None:
    link = "<link href='c?x=1&amp;y=2'/>"
    for outer, inner, url in (
        ("/a/", "b/", "https://gazette.example/a/b/c?x=1&y=2"),
        ("https://other.example/a/?x=1&amp;y", "", "https://other.example/a/c?x=1&y=2"),
        ("javascript:alert(1)//", "b/", "https://gazette.example/rss/b/c?x=1&y=2"),
    ):
        feed = read(atom(f"<entry xml:base='{inner}'>{link}</entry>", f'xml:base="{outer}"'))
        assert [entry.url for entry in feed.entries] == [url]


def test_languages_are_those_of_the_entry_then_of_what_it_stands_in() -> None:
    feed = read(
        "<rss xml:lang='de'><channel xml:lang='fr'><language>it</language>"
        f"<item xml:lang='pt_BR'>{LINK}<title>x</title></item><item>{LINK}<title>x</title></item><item>{LINK}</item>"
        f"<item>{LINK}<title>x</title><language>sr</language></item></channel></rss>"
    )
    assert [entry.language for entry in feed.entries] == ["pt-BR", "fr", "it", "sr"]


def test_a_namespace_may_be_declared_on_the_channel_or_nowhere() -> None:
    items = f"<item>{LINK}<title>1 &lt; 2</title><dc:creator>Ann</dc:creator></item>"
    declared = read(f"<rss><channel xmlns:dc='http://purl.org/dc/elements/1.1/'>{items}</channel></rss>")
    assert declared.problems == ()
    undeclared = read(f"<rss><channel>{items}</channel></rss>")
    assert undeclared.entries == declared.entries
    assert undeclared.problems == ("an entry is broken XML (unbound prefix), so that parts may be lost: 1 < 2",)


def test_broken_xml_gives_what_can_be_read_and_is_told() -> None:
    feed = read(
        rss(
            f"<item><title>A</title><description><p>Unclosed<br>text</description>{LINK}"
            "<pubDate>Wed, 01 May 2024 10:20:30 +0300</pubDate></item><item><title>B</title><link>/2</link></item>"
        )
    )
    assert [(entry.url, entry.title, entry.published) for entry in feed.entries] == [
        ("https://gazette.example/1", "A", "2024-05-01T10:20:30+03:00"),
        ("https://gazette.example/2", "B", None),
    ]
    assert feed.problems == ("an entry is broken XML (mismatched tag), so that parts may be lost: A",)


def test_numbers_that_are_no_characters_cost_no_entry() -> None:
    title = one(f"{LINK}<title>a&#55357;&#0;&#31;&#12;&#9999999;b &#150; &#1078; &#x436; &#39;</title>").title
    assert title == "a\ufffd\ufffd\ufffdb – ж ж '"


def test_words_that_look_like_an_xml_declaration_do_not_change_the_encoding() -> None:
    assert one(f"{LINK}<title>&lt;?xml encoding='utf-16'?&gt; Ёж</title><a>encoding='utf-16'?></a>").title == "Ёж"


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ("<links a=''/>", "an entry has no link: x"),
        ("<authors a=''/><author>Ann</author>", "an entry cannot be read and is left out"),
        ("<title_detail a=''/><published_parsed>x</published_parsed>", None),
        ("<pos xmlns='http://www.opengis.net/gml'>1 2</pos>", "an entry cannot be read and is left out"),
    ],
)
def test_what_feedparser_stumbles_over_costs_at_most_its_entry(item: str, problem: str | None) -> None:
    feed = read(rss(f"<item>{item}<title>x</title>{LINK}</item><item><link>/2</link></item>"))
    kept = [] if problem else ["https://gazette.example/1"]
    assert [entry.url for entry in feed.entries] == [*kept, "https://gazette.example/2"]
    assert feed.problems == ((problem,) if problem else ())


WORDS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
MOMENTS = st.integers(631152000, 4102444800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
OFFSETS = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
STORIES = st.lists(st.tuples(WORDS, WORDS, MOMENTS, OFFSETS), max_size=4)


def reads_as_utf8(text: str) -> bool:
    """Whether the text looks like UTF-8 that was read as Latin-1 and C1, which feedparser repairs."""
    with suppress(UnicodeError):
        return text.encode("latin-1").decode("utf-8") != text
    return False


@given(STORIES, st.booleans())
def test_titles_authors_and_dates_are_read_as_they_were_written(
    stories: list[tuple[str, str, datetime, timezone]], is_atom: bool
) -> None:
    written, expected = "", []
    for number, (title, author, moment, offset) in enumerate(stories):
        date = moment.astimezone(offset)
        assume(not any(reads_as_utf8(text) for text in (title, author)))
        if is_atom:
            written += (
                f"<entry><title>{escape(title)}</title><link href='/{number}'/><author><name>{escape(author)}</name>"
                f"</author><published>{date.isoformat()}</published></entry>"
            )
        else:  # where titles are HTML
            written += (
                f"<item><title>{escape(escape(title))}</title><link>/{number}</link>"
                f"<dc:creator>{escape(escape(author))}</dc:creator><pubDate>{format_datetime(date)}</pubDate></item>"
            )
        expected.append((f"https://gazette.example/{number}", title, author, date.isoformat()))
    feed = read(atom(written) if is_atom else rss(written))
    assert [(entry.url, entry.title, entry.author, entry.published) for entry in feed.entries] == expected
    assert feed.problems == ()


@pytest.mark.parametrize("where", ["before", "head", "entry"])
def test_no_declared_entity_is_known_and_nothing_is_fetched(where: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        declared = (
            f'<!DOCTYPE rss SYSTEM "{address}" [<!ENTITY x "boom"><!ENTITY y SYSTEM "{address}">'
            f'<!ENTITY % z SYSTEM "{address}"> %z;]>'
        )
        places = {place: declared if place == where else "" for place in ("before", "head", "entry")}
        feed = read(
            f"{places['before']}<?xml-stylesheet href='{address}'?><rss xmlns:xi='http://www.w3.org/2001/XInclude'>"
            f"<channel>{places['head']}<title>G &x; &y;</title><item>{places['entry']}<xi:include href='{address}'/>"
            f"<title>T &x; &y;</title>{LINK}</item></channel></rss>"
        )
        assert [(entry.url, entry.title) for entry in feed.entries] == [("https://gazette.example/1", "T &x; &y;")]
        assert feed.title == "G &x; &y;"
        with pytest.raises(BlockingIOError):
            server.accept()


def many(count: int, pattern: str) -> str:
    return "".join(pattern.format(number) for number in range(count))


LEVERS = {
    "attributes": (many(65, " a{}=''"), "", "a tag of more than 64 attributes"),
    "tags": ("", "<a/>" * 2_000, "more than 2000 tags"),
    "namespaces": ("", many(257, "<a xmlns:a{}='x'/>"), "more than 256 namespaces"),
    "name": (
        "",
        f"<dc:creator><b/>{'a' * 257}</dc:creator>",
        "an author's name of more than 256 characters without a space",
    ),
}


@pytest.mark.parametrize("name", LEVERS)
def test_an_entry_that_would_be_slow_is_left_out_and_told(name: str) -> None:
    attributes, children, problem = LEVERS[name]
    feed = read(rss(f"<item{attributes}>{LINK}{children}</item><item><link>/2</link></item>"))
    assert [entry.url for entry in feed.entries] == ["https://gazette.example/2"]
    assert feed.problems == (f"an entry has {problem} and is left out",)


def test_long_articles_and_long_links_are_no_levers() -> None:
    article = "<p class='a'>text</p>" * 5_000
    link = f"https://gazette.example/{'a' * 1_000}"
    item = f"<author/><link>{link}</link><author>Ann</author><description>{escape(article)}</description>"
    assert one(f"{item}<content:encoded><![CDATA[{article}]]></content:encoded>").url == link
    feed = read(atom(f"<entry><link href='{link}'/><content type='xhtml'><div>{article}</div></content></entry>"))
    assert [entry.url for entry in feed.entries] == [link]
    assert feed.problems == ()


def test_a_feed_of_too_many_tags_is_read_until_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xmlfeed, "MAX_FEED_TAGS", 100)
    item = f"<item>{LINK}<description><![CDATA[{'<p>text</p>' * 30}]]></description></item>"  # six tags
    feed = read(rss(item * 20))
    assert len(feed.entries) == 16
    assert feed.problems == ("more than 100 tags: only the first entries are read",)


SLOW = {
    "empty entries": rss("<item></item>" * 1_000_000),
    "unclosed contents": rss(f"<item>{LINK}{'<content>' * 300_000}</item>"),
    "unclosed authors": rss(f"<item>{LINK}{'<author>' * 300_000}</item>"),
    "a name": rss(f"<item>{LINK}<author>{'a' * 1_000_000}</author></item>"),
    "namespaces": rss(f"<item>{LINK}" + many(60_000, "<a{0}:b xmlns:a{0}='x{0}'/>") + "</item>"),
    "attributes of the root": "<rss"
    + many(900, " a{}=''")
    + "><channel>"
    + f"<item>{LINK}</item>" * 2_000
    + "</channel></rss>",
    "spaces in a link": rss(f"<item><link{' ' * 1_000_000}{LINK}</item>"),
    "quotes": rss(f"<item>{LINK}<a" + " b='" * 300_000 + "></item>"),
}


@pytest.mark.parametrize("name", SLOW)
def test_what_is_made_to_be_slow_takes_seconds_at_most(name: str) -> None:
    began = time.process_time()
    read(SLOW[name])
    assert time.process_time() - began < 10
