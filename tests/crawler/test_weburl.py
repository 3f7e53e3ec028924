from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import yarl
from hypothesis import given
from hypothesis import strategies as st

from crawler.weburl import DEFAULT_PORTS, parse_web_url, resolve
from storage.errors import Refused

ODD_TEXT = st.text(alphabet="http:/\\@#?%.[]0123456789abxX-_ \t\n１。ёß\u200b\ud800", max_size=40)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("https://News.Example/A?b=C#d", "https://news.example/A?b=C"),
        ("  http://news.example\n", "http://news.example/"),
        ("http://news.example:80/", "http://news.example/"),
        ("https://news.example:/", "https://news.example/"),
        ("https://news.example:8443/", "https://news.example:8443/"),
        ("https://news.example./a", "https://news.example./a"),
        (
            "https://новости.example/мир и",
            "https://xn--b1amnebsh.example/%D0%BC%D0%B8%D1%80%20%D0%B8",
        ),
        ("http://ｎｅｗｓ。example/", "http://news.example/"),
        ("https://news.example/a/./b/../c/%2e%2E/d", "https://news.example/a/d"),
        ("https://news.example/a\\b?c\\d", "https://news.example/a/b?c\\d"),
        ("https://news.example/a\tb\nc", "https://news.example/abc"),
        ("https://news.example/%7Ea%zz%", "https://news.example/%7Ea%zz%"),
        ("https://news.example/?", "https://news.example/?"),
        ("https://news.example?q='x y'", "https://news.example/?q=%27x%20y%27"),
        ("https://my_blog-.example/", "https://my_blog-.example/"),
        ("http://[2001:0DB8:0:0::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://192.0.2.1/", "http://192.0.2.1/"),
    ],
)
def test_a_url_is_rebuilt_as_a_browser_would_send_it(text: str, canonical: str) -> None:
    assert str(parse_web_url(text)) == canonical


def test_the_parts_are_those_of_the_canonical_url() -> None:
    url = parse_web_url("https://[::1]:8443/a/b?c=d#e")
    assert (url.scheme, url.host, url.port, url.path, url.query) == ("https", "::1", 8443, "/a/b", "c=d")
    assert (url.origin, url.authority, url.target) == ("https://[::1]:8443", "[::1]:8443", "/a/b?c=d")
    assert url.is_address
    assert not parse_web_url("https://1.example/").is_address


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("ftp://news.example/", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("news.example/a", "bad-url"),
        ("", "bad-url"),
        ("http:news.example", "bad-url"),
        ("http:/news.example", "bad-url"),
        ("http:///news.example", "bad-url"),
        ("http:\\\\news.example/", "bad-url"),
        ("http://10.9.8.7\\@news.example/", "bad-url"),
        ("http://news.example\\a", "bad-url"),
        ("http://user@news.example/", "bad-url"),
        ("http://user:pass@news.example/", "bad-url"),
        ("http://news.example:80:@10.0.0.1/", "bad-url"),
        ("http://news%2Eexample/", "bad-url"),
        ("http://ne ws.example/", "bad-url"),
        ("http://ne\tws.example/", "bad-url"),
        ("http://news.example:0/", "bad-url"),
        ("http://news.example:65536/", "bad-url"),
        ("http://news.example:８０/", "bad-url"),
        ("http://2130706433/", "bad-url"),
        ("http://0x7f000001/", "bad-url"),
        ("http://0177.0.0.1/", "bad-url"),
        ("http://127.1/", "bad-url"),
        ("http://127.0.0.1./", "bad-url"),
        ("http://127.0.0.01/", "bad-url"),
        ("http://１２７.0.0.1/", "bad-url"),
        ("http://127。0。0。1/", "bad-url"),
        ("http://256.1.1.1/", "bad-url"),
        ("http://news.example.1/", "bad-url"),
        ("http://news..example/", "bad-url"),
        ("http://news!.example/", "bad-url"),
        ("http://xn--/", "bad-url"),
        ("http://xn--a.example/", "bad-url"),
        ("http://[::1/", "bad-url"),
        ("http://[::1]a/", "bad-url"),
        ("http://[fe80::1%25eth0]/", "bad-url"),
        ("http://[news.example]/", "bad-url"),
        ("http://news.example/\ud800", "bad-url"),
        ("http://news.example/" + "a" * 8000, "bad-url"),
        ("http://" + "a." * 130 + "example/", "bad-url"),
    ],
)
def test_a_url_that_readers_could_take_in_two_ways_is_refused_with_its_rule(text: str, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_web_url(text)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("base", "href", "meant"),
    [
        ("https://a.example/x/y", "z", "https://a.example/x/z"),
        ("https://a.example/x/y", "../z", "https://a.example/z"),
        ("https://a.example/x/y", "?p=2", "https://a.example/x/y?p=2"),
        ("https://a.example/x/y", "//b.example/z", "https://b.example/z"),
        ("https://a.example/x/y", "\\\\b.example\\z?c\\d", "https://b.example/z?c\\d"),
        ("https://a.example/x/y", "////b.example/z", "https://b.example/z"),
        ("https://a.example/x/y", " \n/z\n ", "https://a.example/z"),
        ("https://a.example/x/y", "https:z", "https://a.example/x/z"),
        ("https://a.example/x/y", "", "https://a.example/x/y"),
    ],
)
def test_a_link_means_what_a_browser_takes_it_to_mean(base: str, href: str, meant: str) -> None:
    assert str(resolve(base, href)) == meant


@pytest.mark.parametrize(
    "href", ["mailto:a@b.example", "http:\\\\b.example", "http:b.example", "//[x/", "//u@b.example"]
)
def test_a_link_that_leads_nowhere_safe_is_refused(href: str) -> None:
    with pytest.raises(Refused):
        resolve("https://a.example/x/y", href)


@given(st.one_of(ODD_TEXT, ODD_TEXT.map("http://".__add__), st.text().map("https://n.example/".__add__)))
def test_whatever_is_accepted_is_read_alike_by_other_readers_and_is_its_own_canonical_form(text: str) -> None:
    try:
        url = parse_web_url(text)
    except Refused:
        return
    spelled = str(url)
    assert parse_web_url(spelled) == url
    assert spelled.isascii()
    standard = urlsplit(spelled)
    assert (standard.hostname, standard.port or DEFAULT_PORTS[url.scheme]) == (url.host, url.port)
    wire = yarl.URL(spelled, encoded=True)
    target = url.target if url.query else url.path  # yarl sends no question mark before nothing
    assert (wire.raw_host, wire.port, wire.raw_path_qs) == (url.host, url.port, target)
