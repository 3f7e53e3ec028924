from __future__ import annotations

import pytest

from crawler.scope import site_of
from crawler.weburl import parse_web_url


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.news.co.uk/a", "news.co.uk"),
        ("https://en.news.com:8443/", "news.com"),
        ("https://news.com./", "news.com"),
        ("https://a.blogspot.com/", "a.blogspot.com"),
        ("https://новости.рф/", "xn--b1amnebsh.xn--p1ai"),
        ("https://co.uk/", "co.uk"),
        ("http://a.b.newsroom.example/", "newsroom.example"),
        ("http://localhost:8000/", "localhost:8000"),
        ("http://127.0.0.1:8000/", "127.0.0.1:8000"),
        ("http://[::1]/", "::1:80"),
    ],
)
def test_a_site_is_a_registrable_domain_or_else_host_and_port(url: str, site: str) -> None:
    assert site_of(parse_web_url(url)) == site
