from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pywb.utils.canonicalize import canonicalize

from storage.uris import urlkey, warc_target_uri

RFC3986 = re.compile(r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")

URLS = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}://{}{}{}".format,
        st.sampled_from(["http", "https", "HTTP", "ftp"]),
        st.one_of(
            st.sampled_from(
                [
                    "www.example.com",
                    "WWW2.Example.COM",
                    "example.com.",
                    "пример.рф",
                    "127.0.0.1",
                    "[::1]",
                    "a..b",
                    "1.2",
                    "0x7f.1",
                ]
            ),
            st.from_regex(r"[a-z0-9.-]{1,20}(:[0-9]{1,4})?", fullmatch=True),
        ),
        st.one_of(st.just(""), st.text(max_size=20).map("/{}".format)),
        st.one_of(st.just(""), st.text(alphabet="ab=&%2F?#/ é[]AB+", max_size=20).map("?{}".format)),
    ),
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTP://Example.COM/A b?q=ё#part", "http://example.com/A%20b?q=%D1%91"),
        (
            "https://пример.рф/новость",
            "https://xn--e1afmkfd.xn--p1ai/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D1%8C",
        ),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("http://example.com/%d0%bd%zz%", "http://example.com/%d0%bd%25zz%25"),
        ("http://user:secret@example.com/", "http://example.com/"),
        ("http://[2001:DB8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
        ("http://example.com/a[1]|b?c[]=^", "http://example.com/a%5B1%5D%7Cb?c%5B%5D=%5E"),
        ("http://example.com/a\n\tb", "http://example.com/ab"),
        ("dns:example.com", "dns:example.com"),
    ],
)
def test_point_6_target_uri_is_written_per_rfc_3986(url: str, expected: str) -> None:
    assert warc_target_uri(url) == expected


@given(URLS)
@example("http://[")
@example("http://@:/")
@example("\ud800")
def test_target_uri_is_ascii_of_the_rfc_and_never_encoded_twice(url: str) -> None:
    once = warc_target_uri(url)
    assert RFC3986.fullmatch(once)
    assert warc_target_uri(once) == once


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://www.example.com:443/News/?b=2&a=1&a",
        "http://www12.example.com:8080/a/../b/./c//d/",
        "http://example.com/%25%32%35?x=%41",
        "http://example.com/a;jsessionid=0123456789abcdef0123456789abcdef",
        "http://example.com/?jsessionid=0123456789abcdef0123456789abcdef&z=1",
        "http://example.com/?a=1&PHPSESSID=0123456789abcdef0123456789abcdef",
        "http://example.com/(S(0123456789abcdefghijklmn))/page.aspx",
        "http://example.com/(0123456789abcdefghijklmn)/page.aspx?x",
        "http://example.com/?cfid=12&cftoken=34&x",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://[2001:db8::1]:8080/x",
        "http://xn--e1afmkfd.xn--p1ai/%D0%BD",
        "http://example.com?",
        "http://example.com/?",
        "http://example.com/?=&=",
        "http://http://example.com/x",
        "http:////example.com/x/",
        "dns:example.com",
        "urn:uuid:1234",
        "mailto:Someone@Example.com",
        "example.com/no-scheme",
        "",
        "filedesc://x.arc",
    ],
)
def test_urlkey_is_the_one_pywb_looks_up(url: str) -> None:
    assert urlkey(url) == canonicalize(url)


@given(URLS)
@example("http://0/")
def test_urlkey_agrees_with_pywb_on_every_target_uri(url: str) -> None:
    uri = warc_target_uri(url)
    try:
        expected = canonicalize(uri)
    except Exception:  # noqa: BLE001  whatever pywb refuses, it cannot look up either
        return
    assert urlkey(uri) == expected


@given(st.text(max_size=60))
def test_urlkey_never_raises_and_has_no_white_space_for_a_target_uri(url: str) -> None:
    assert not re.search(r"\s", urlkey(warc_target_uri(url)))
