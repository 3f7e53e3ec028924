from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.feeds import Feed, FeedEntry, FeedLimits, parse_feed
from crawler.listerrors import NotAFeed
from crawler.xmltext import MAX_PROBLEMS

URL = "https://gazette.example/rss/all.xml"


def read(text: str | bytes, content_type: str | None = "application/rss+xml", **limits: int) -> Feed:
    body = text if isinstance(text, bytes) else text.encode()
    return parse_feed(body, content_type, URL, FeedLimits(**limits))


def rss(items: str) -> str:
    return f"<?xml version='1.0'?><rss version='2.0'><channel><title>Gazette</title>{items}</channel></rss>"


def one(text: str | bytes) -> FeedEntry:
    feed = read(text)
    assert len(feed.entries) == 1, feed
    assert feed.problems == ()
    return feed.entries[0]


def test_rss_2_gives_what_the_newsroom_says() -> None:
    feed = read("""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"
  xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom">
<channel><title>The &amp;quot;Gazette&amp;quot;</title><link>https://gazette.example/</link><language>ru-RU</language>
<atom:link rel="self" href="https://gazette.example/rss/all.xml"/>
<lastBuildDate>Thu, 02 May 2024 00:00:00 GMT</lastBuildDate>
<image><title>Logo</title><url>https://gazette.example/logo.png</url><link>https://gazette.example/logo</link></image>
<item>
  <media:title>a caption</media:title>
  <title><![CDATA[Мэр &laquo;ушёл&raquo; <b>сам</b>]]></title>
  <link>
    https://gazette.example/2024/05/01/mayor?a=1&amp;b=2
  </link>
  <guid isPermaLink="false">gz-17</guid>
  <pubDate>Wed, 01 May 2024 10:20:30 +0300</pubDate>
  <dc:creator>Анна Иванова</dc:creator><dc:creator>Пётр Сидоров</dc:creator>
  <dc:creator>Анна Иванова</dc:creator>
  <description>&lt;p&gt;First &amp;amp; last.&lt;/p&gt;
     &lt;img src="x.png"&gt;</description>
  <content:encoded><![CDATA[<p>Long</p><item>no entry</item>]]></content:encoded>
</item></channel></rss>""")
    assert feed == Feed(
        kind="rss",
        title='The "Gazette"',
        language="ru-RU",
        entries=(
            FeedEntry(
                url="https://gazette.example/2024/05/01/mayor?a=1&b=2",
                title="Мэр «ушёл» сам",
                published="2024-05-01T10:20:30+03:00",
                updated=None,
                summary="First & last.",
                author="Анна Иванова; Пётр Сидоров",
                language="ru-RU",
                id="gz-17",
            ),
        ),
    )


def test_atom_gives_what_the_newsroom_says() -> None:
    feed = read("""<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="pt-BR" xml:base="https://gazette.example/base/">
<title>Gazette</title><id>tag:gazette.example,2024:all</id>
<author><name>Not the author of the entry</name></author>
<link rel="self" href="all.atom"/>
<entry xml:lang="en" xml:base="en/">
  <id>tag:gazette.example,2024:17</id>
  <title type="html">A &amp;amp; &lt;i&gt;B&lt;/i&gt;</title>
  <link rel="enclosure" href="sound.mp3" type="audio/mpeg"/>
  <link rel="alternate" type="application/json" href="17.json"/>
  <link href="17.html"/>
  <published>2024-05-01T10:20:30.5-03:00</published><updated>2024-05-02T00:00:00Z</updated>
  <author><name>Ann Example</name><email>ann@gazette.example</email></author>
  <author><name>Bob Example</name></author>
  <summary type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">One <b>two</b></div></summary>
</entry>
<entry><title>1 &lt; 2 &amp;amp; more</title><link rel="alternate" href="/18"/>
<id>18</id><updated>2024-05-03T00:00:00+02:00</updated></entry>
</feed>""")
    assert (feed.kind, feed.title, feed.language, feed.problems) == ("atom", "Gazette", "pt-BR", ())
    assert feed.entries == (
        FeedEntry(
            url="https://gazette.example/base/en/17.html",
            title="A & B",
            published="2024-05-01T10:20:30.500000-03:00",
            updated="2024-05-02T00:00:00+00:00",
            summary="One two",
            author="Ann Example; Bob Example",
            language="en",
            id="tag:gazette.example,2024:17",
        ),
        FeedEntry(
            url="https://gazette.example/18",
            title="1 < 2 &amp; more",
            updated="2024-05-03T00:00:00+02:00",
            language="pt-BR",
            id="18",
        ),
    )


def test_rss_1_and_old_atom_are_read() -> None:
    rdf = one("""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
      xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://gazette.example/"><title>G</title>
      <dc:language>sr</dc:language></channel>
      <item rdf:about="https://gazette.example/1"><title>One</title><dc:date>2024-05-01</dc:date></item></rdf:RDF>""")
    assert (rdf.url, rdf.published, rdf.language) == ("https://gazette.example/1", "2024-05-01", "sr")
    old = one("""<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>G</title><entry><title
      mode="escaped"
      type="text/html">A &amp;amp; B</title><link rel="alternate" type="text/html" href="https://gazette.example/1"/>
      <issued>2024-05-01T00:00:00Z</issued><modified>2024-05-02T00:00:00Z</modified></entry></feed>""")
    assert (old.title, old.published, old.updated) == (
        "A & B",
        "2024-05-01T00:00:00+00:00",
        "2024-05-02T00:00:00+00:00",
    )


def test_a_namespace_prefix_on_every_name_changes_nothing() -> None:
    entry = one("""<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:title>G</a:title><a:entry><a:title>One</a:title>
      <a:link href="https://gazette.example/1"/></a:entry></a:feed>""")
    assert (entry.title, entry.url) == ("One", "https://gazette.example/1")


@pytest.mark.parametrize(
    ("links", "url"),
    [
        ("<link>/a</link>", "https://gazette.example/a"),
        ("<link>b</link>", "https://gazette.example/rss/b"),
        ("<link><![CDATA[https://gazette.example/?a=1&b=2]]></link>", "https://gazette.example/?a=1&b=2"),
        ("<link>https://gazette.example/?a=1&b=2&copy=3</link>", "https://gazette.example/?a=1&b=2&copy=3"),
        ("<guid>https://gazette.example/g</guid>", "https://gazette.example/g"),
        (
            "<guid>https://gazette.example/g</guid><link>https://gazette.example/l</link>",
            "https://gazette.example/l",
        ),
        (
            '<link/><atom:link xmlns:atom="http://www.w3.org/2005/Atom" href="https://gazette.example/x"/>',
            "https://gazette.example/x",
        ),
        (
            '<link>https://feeds.example/~r/1</link><f:origLink xmlns:f="http://rssnamespace.org/feedburner/ext/1.0">'
            "https://gazette.example/o</f:origLink>",
            "https://gazette.example/o",
        ),
    ],
)
def test_the_address_of_an_entry_is_found_where_feeds_put_it(links: str, url: str) -> None:
    assert one(rss(f"<item>{links}</item>")).url == url


def test_characters_are_read_as_declared_or_as_they_prove_themselves() -> None:
    text = rss("<item><title>Ёж — «ёж»</title><link>/1</link></item>").replace("'1.0'", "'1.0' encoding='windows-1251'")
    assert one(text.encode("cp1251")).title == "Ёж — «ёж»"
    assert one(text.encode("utf-8")).title == "Ёж — «ёж»"
    assert one(b"\xff\xfe" + text.encode("utf-16-le")).title == "Ёж — «ёж»"
    assert one("\ufeff\n\n" + rss("<item><title>&nbsp;a&mdash;b&hellip;</title><link>/1</link></item>")).title == "a—b…"


def test_what_stands_before_the_root_is_skipped() -> None:
    feed = rss("<item><link>/1</link></item>")
    for before in (
        "<!-- <rss> -->",
        "<br />\n<b>Warning</b>: mysql in x.php",
        '<!DOCTYPE rss SYSTEM "rss.dtd">',
        "<?xml-stylesheet href='a'?>",
    ):
        assert one(before + feed.partition("?>")[2]).url == "https://gazette.example/1"


def test_json_feed_gives_what_the_newsroom_says() -> None:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Gazette",
        "language": "en",
        "items": [
            {
                "id": 17,
                "url": "/17",
                "title": "One\n two",
                "summary": "Short",
                "date_published": "2024-05-01T10:20:30+03:00",
                "date_modified": "2024-05-02",
                "authors": [{"name": "Ann"}, {"url": "x"}, {"name": "Bob"}],
                "language": "fr",
            },
            {
                "external_url": "https://other.example/x",
                "author": {"name": "Old"},
                "title": 5,
                "date_published": [],
            },
            {"id": "no link"},
            "not an object",
            {"url": "javascript:alert(1)"},
        ],
    }
    feed = read(json.dumps(document), "application/feed+json")
    assert (feed.kind, feed.title, feed.language) == ("json", "Gazette", "en")
    assert feed.entries == (
        FeedEntry(
            url="https://gazette.example/17",
            title="One two",
            published="2024-05-01T10:20:30+03:00",
            updated="2024-05-02",
            summary="Short",
            author="Ann; Bob",
            language="fr",
            id="17",
        ),
        FeedEntry(url="https://other.example/x", author="Old", language="en"),
    )
    assert len(feed.problems) == 2


@pytest.mark.parametrize(
    ("text", "look"),
    [
        ("<!DOCTYPE html><html><head><title>404</title><rss></head></html>", "html"),
        ("<div>Not found</div>", "html"),
        ("<urlset><url><loc>https://gazette.example/</loc></url></urlset>", "sitemap"),
        ("<opml version='2.0'><body><outline/></body></opml>", "xml"),
        ('{"error": "no such feed"}', "json"),
        ('{"version": "https://jsonfeed.org/version/1", "items": [', "json"),
        ("[1, 2]", "json"),
        ("Not found", "text"),
        ("  \n", "empty"),
        ("", "empty"),
    ],
)
def test_what_is_no_feed_is_named(text: str, look: str) -> None:
    with pytest.raises(NotAFeed) as caught:
        read(text, "application/rss+xml")
    assert (caught.value.looks_like, caught.value.url) == (look, URL)


def test_an_empty_feed_is_a_feed() -> None:
    assert read(rss("")) == Feed("rss", "Gazette", ())


def test_a_feed_that_is_cut_gives_its_whole_entries_and_no_half_link() -> None:
    whole = rss("".join(f"<item><link>https://gazette.example/{n}</link></item>" for n in (100, 200)))
    for end in range(whole.index("<item>"), len(whole) - 1):
        feed = read(whole[:end])
        assert [entry.url[-3:] for entry in feed.entries] == ["100", "200"][: whole[:end].count("</item>")]
        assert feed.problems == ("cut short: it ends without </rss>",)


def test_a_broken_entry_costs_no_other() -> None:
    feed = read(
        rss(
            "<item><link>/1</link></item><item><title>half<link>/x</item><item><b a=<link>/2</link></item>"
            "<item><title>none</title></item><item><link>mailto:a@b</link></item><item><link>/3</link></item>"
        )
    )
    assert feed.entries[0].url == "https://gazette.example/1"
    assert feed.entries[-1].url == "https://gazette.example/3"
    assert any("an entry has no link: none" in problem for problem in feed.problems)
    assert any("mailto" in problem for problem in feed.problems)


def test_an_unreadable_date_is_told_and_not_guessed() -> None:
    feed = read(rss("<item><link>/1</link><pubDate>gestern</pubDate></item>"))
    assert feed.entries[0].published is None
    assert feed.problems == ("https://gazette.example/1: the date 'gestern' cannot be read",)


def test_limits_are_kept_and_told() -> None:
    text = rss("".join(f"<item><link>/{n}</link><title>{'x' * 50}</title></item>" for n in range(10)))
    feed = read(text, max_entries=3, max_text_characters=20)
    assert [entry.url[-1] for entry in feed.entries] == ["0", "1", "2"]
    assert feed.entries[0].title == "x" * 20 + "…"
    assert feed.problems == ("more than 3 entries: only the first are read",)
    cut = read(text, max_bytes=len(text) // 2)
    assert 0 < len(cut.entries) < 10
    assert cut.problems[0] == f"larger than {len(text) // 2} bytes: only the beginning is read"
    many = read(rss("<item/>" + "<item><title>x</title></item>" * 100))
    assert len(many.problems) == MAX_PROBLEMS + 1


HOSTILE = {
    "entities": b"<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'>"
    + b"".join(b"<!ENTITY %c '%s'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]>"
    + rss("<item><link>/1</link><title>&j;</title></item>").encode(),
    "external entity": b"<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    + rss("<item><link>/1</link><title>&x;</title></item>").encode(),
    "attributes": rss("<item " + " ".join(f"a{n}=''" for n in range(100_000)) + "><link>/1</link></item>").encode(),
    "root attributes": b"<rss "
    + b" ".join(b"a%d=''" % n for n in range(9_999))
    + b">"
    + b"<item><link>/1</link></item>" * 2000
    + b"</rss>",
    "depth": rss("<item>" + "<a>" * 100_000 + "</item>").encode(),
    "elements": rss("<item>" + "<a/>" * 500_000 + "</item>").encode(),
    "siblings": rss("<a/>" * 1_000_000).encode(),
    "comments": rss("<!--" * 500_000).encode(),
    "cdata": rss("<![CDATA[" * 500_000).encode(),
    "ampersands": rss("<item><title>" + "&" * 500_000 + "</title></item>").encode(),
    "angles": b"<" * 1_000_000,
    "openings": rss("<item>" * 300_000).encode(),
    "instructions": b"<?a" * 500_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_feed_costs_seconds_at_most_and_reveals_nothing(name: str) -> None:
    began = time.process_time()
    try:
        feed = parse_feed(HOSTILE[name], None, URL)
        assert all(len(entry.title or "") < 2_100 and "root:" not in (entry.title or "") for entry in feed.entries)
    except NotAFeed:
        pass
    assert time.process_time() - began < 10


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"<rss>", b"<rss><item>", b"{", b"<feed><entry><link href='"]),
)
def test_any_bytes_are_a_feed_or_named(tail: bytes, head: bytes) -> None:
    with suppress(NotAFeed):
        assert parse_feed(head + tail, None, URL).kind in ("rss", "atom", "json")
