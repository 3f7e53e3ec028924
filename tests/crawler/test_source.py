from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.source import Source, dump_source, load_source, parse_source, source_for_url
from storage.errors import BadSourceFile, Refused

SMALL = 'id = "gazette"\nname = "The Gazette"\nhome = "https://www.gazette.example/"\n'


def gazette(**keys: Any) -> Source:
    return Source.model_validate({"id": "gazette", "name": "The Gazette", "home": "https://gazette.example/", **keys})


def test_three_keys_make_a_source_that_is_polite() -> None:
    source = parse_source(SMALL, "gazette.toml")
    assert (source.id, source.home, source.site) == (
        "gazette",
        "https://www.gazette.example/",
        "gazette.example",
    )
    assert (source.delay_seconds, source.robots, source.insecure_tls, source.discover) == (
        1.0,
        "obey",
        False,
        "auto",
    )
    assert source.urgency == 0


def test_every_key_is_read() -> None:
    text = (
        SMALL
        + """
language = "ru"
risk = "acute"
discover = "listed"
feeds = ["https://gazette.example/rss"]
sitemaps = ["https://GAZETTE.example/news.xml"]
sections = ["https://gazette.example/politics/"]
hosts = ["gazette-mirror.example"]
include = ["/news/*"]
exclude = ["*/print$"]
max_depth = 0
delay_seconds = 3
max_concurrency = 1
daily_requests = 5000
daily_bytes = 2000000000
requisites = "images"
page_requests = 50
page_bytes = 5000000
block = ["*/banner/"]
extract = "now"
render = true
render_seconds = 20
scroll = 3
click = ["button.decline"]
robots = "ignore"
robots_reason = "The publisher asked us to, letter of 2024-05-01"
user_agent = "Gazette archive (+https://archive.example)"
contact = "archive@example.org"
allow_hosts = ["localhost:8000"]
insecure_tls = true
remove = ["div.promo"]

[fields]
headline = "h1.title"
author = ["span.by", "jsonld:author[].name"]
"""
    )
    source = parse_source(text, "gazette.toml")
    assert set(tomllib.loads(text)) == set(Source.model_fields)
    assert source.sitemaps == ("https://gazette.example/news.xml",)
    assert (source.delay_seconds, source.urgency) == (3.0, 2)


@pytest.mark.parametrize(
    ("lines", "key", "problem"),
    [
        ("delay_second = 2", "delay_second", "there is no such key; did you mean 'delay_seconds'?"),
        ('render = true\nextract = "later"', "", "extract = 'later' does not go with render"),
        ("feed = []", "feed", "there is no such key; did you mean 'feeds'?"),
        ("[politeness]\ndelay = 2", "politeness", "there is no such key; known keys: id, name,"),
        ('delay_seconds = "2"', "delay_seconds", "must be a number, not '2'"),
        ("delay_seconds = -1", "delay_seconds", "must be at least 0, not -1"),
        ("delay_seconds = inf", "delay_seconds", "must be an ordinary number, not inf"),
        ("delay_seconds = true", "delay_seconds", "must be a number, not True"),
        ("max_concurrency = 1.5", "max_concurrency", "must be a whole number, not 1.5"),
        ("max_concurrency = 1000", "max_concurrency", "must be at most 64, not 1000"),
        ('feeds = "https://gazette.example/rss"', "feeds", "must be a list, such as"),
        ("feeds = [1]", "feeds[0]", "must be text in quotes, not 1"),
        (
            'feeds = ["https://a.example/", "/rss"]',
            "feeds[1]",
            "'/rss' is not a URL to visit: it has no scheme",
        ),
        ('insecure_tls = "yes"', "insecure_tls", "must be true or false, not 'yes'"),
        ('click = ["p::text"]', "click", "takes elements; leave ::text and ::attr() out"),
        ("render_seconds = 0", "render_seconds", "must be at least 1, not 0"),
        ('discover = "always"', "discover", "must be 'auto' or 'listed', not 'always'"),
        ('discover = "listed"', "", "needs at least one of feeds, sitemaps and sections"),
        ('robots = "ignore"', "", "needs a robots_reason"),
        ('include = ["news/*"]', "include[0]", "must begin with /, *, http:// or https://"),
        ('hosts = ["https://a.example"]', "hosts[0]", "write a host name without scheme, port and path"),
        ('allow_hosts = ["http://a.example"]', "allow_hosts[0]", "write a host or host:port"),
        ('user_agent = "a\\r\\nX: y"', "user_agent", "one line of ASCII text"),
        ('language = "russian language"', "language", "a language tag"),
        ("= 1", "", "is not TOML: "),
    ],
)
def test_a_mistake_is_named_with_file_key_and_cure(lines: str, key: str, problem: str) -> None:
    with pytest.raises(BadSourceFile) as caught:
        parse_source(f"{SMALL}{lines}\n", "gazette.toml")
    assert (caught.value.where, caught.value.key) == ("gazette.toml", key)
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    "text", ["", 'id = "Gazette!"', SMALL.replace("https:", "ftp:"), SMALL.replace("The Gazette", "")]
)
def test_the_three_keys_that_a_source_needs_are_asked_for(text: str) -> None:
    with pytest.raises(BadSourceFile):
        parse_source(text, "gazette.toml")


def test_all_other_wrong_keys_are_named_as_well() -> None:
    with pytest.raises(BadSourceFile, match=r"max_depth: .*also wrong: delay_seconds, colour"):
        parse_source(f"{SMALL}delay_seconds = -1\nmax_depth = 99\ncolour = 1\n", "gazette.toml")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'name = "caf\xe9"')
    for path, problem in ((tmp_path / "none.toml", "No such file"), (latin, "is not UTF-8 text")):
        with pytest.raises(BadSourceFile, match=problem) as caught:
            load_source(path)
        assert caught.value.where == str(path)


def test_a_dumped_source_explains_every_key_and_reads_back(tmp_path: Path) -> None:
    source = gazette(feeds=["https://gazette.example/rss"], exclude=["/a/*", "*/b"], risk="high", delay_seconds=2.5)
    text = dump_source(source)
    path = tmp_path / "gazette.toml"
    path.write_text(text, encoding="utf-8")
    assert load_source(path) == source
    assert set(tomllib.loads(text)) == {"id", "name", "home", "feeds", "exclude", "risk", "delay_seconds"}
    assert all(f"\n{key} = " in text or f"\n# {key} = " in text for key in Source.model_fields)
    uncommented = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    assert set(tomllib.loads(uncommented)) == set(Source.model_fields)


LINE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda s: bool(s.strip()) and s.isprintable()
)


@given(
    LINE,
    st.lists(LINE.map("/".__add__), max_size=4),
    st.floats(0, 1e9),
    st.booleans(),
    st.sampled_from(["normal", "high", "acute"]),
)
def test_dumping_and_parsing_are_inverse(
    name: str, exclude: list[str], delay: float, insecure: bool, risk: str
) -> None:
    source = gazette(name=name, exclude=exclude, delay_seconds=delay, insecure_tls=insecure, risk=risk)
    assert parse_source(dump_source(source), "x") == source


@pytest.mark.parametrize(
    ("url", "ident", "home"),
    [
        ("https://www.gazette.example/2024/05/story", "gazette-example", "https://www.gazette.example/"),
        ("https://gazette.example/en/", "gazette-example", "https://gazette.example/en/"),
        ("https://gazette.example/2024/05/01/story/", "gazette-example", "https://gazette.example/"),
        ("http://127.0.0.1:8080", "127-0-0-1-8080", "http://127.0.0.1:8080/"),
        ("http://[::1]:8080/a?b", "1-8080", "http://[::1]:8080/"),
        ("http://новости.example/", "xn-b1amnebsh-example", "http://xn--b1amnebsh.example/"),
    ],
)
def test_a_url_alone_makes_a_source(url: str, ident: str, home: str) -> None:
    source = source_for_url(url, allow_hosts=["localhost"], delay_seconds=0)
    assert (source.id, source.home, source.allow_hosts, source.delay_seconds) == (
        ident,
        home,
        ("localhost",),
        0.0,
    )
    assert source.on_site(url).inside


def test_long_hosts_get_ids_that_stay_apart() -> None:
    one, two = (source_for_url(f"https://{'a' * 60}.{end}.example/") for end in ("x", "y"))
    assert one.id != two.id
    assert max(len(one.id), len(two.id)) <= 64


def test_what_is_no_url_or_no_host_makes_no_source() -> None:
    with pytest.raises(Refused):
        source_for_url("gazette.example")
    with pytest.raises(BadSourceFile, match="allow_hosts"):
        source_for_url("https://gazette.example/", allow_hosts=["http://x"])


@pytest.mark.parametrize(
    ("url", "inside", "rule"),
    [
        ("https://gazette.example/news/1", True, "include '/news/*'"),
        ("http://en.gazette.example/news/1", True, "include '/news/*'"),
        ("https://gazette.example/sport/1", False, "it matches no include pattern"),
        ("https://gazette.example/news/1/print", False, "exclude '*/print$'"),
        ("https://gazette.example/news/1?a=/print", False, "exclude '*/print$'"),
        ("https://ads.gazette.example/news/1", False, "exclude 'https://ads.*'"),
        ("https://gazette.example/", True, "listed in the source file"),
        ("https://feeds.example/gazette", True, "listed in the source file"),
        ("https://feeds.example/other", False, "feeds.example is not part of gazette.example or of hosts"),
        ("https://www.mirror.example/news/1", True, "include '/news/*'"),
        (
            "https://mirror.example.evil.example/news/",
            False,
            "mirror.example.evil.example is not part of gazette.example or of hosts",
        ),
        ("mailto:a@gazette.example", False, "scheme: only http and https are visited, not mailto"),
    ],
)
def test_scope_is_the_site_less_what_patterns_leave_out_and_the_rule_is_told(url: str, inside: bool, rule: str) -> None:
    source = gazette(
        feeds=["https://feeds.example/gazette"],
        hosts=["mirror.example"],
        include=["/news/*"],
        exclude=["*/print$", "https://ads.*"],
    )
    assert source.in_scope(url) == (inside, rule)


def test_on_an_address_another_port_is_another_site() -> None:
    source = source_for_url("http://127.0.0.1:8000/")
    assert source.in_scope("http://127.0.0.1:8000/a") == (True, "on the site 127.0.0.1:8000")
    assert not source.in_scope("http://127.0.0.1:8001/a").inside
    assert not source.in_scope("http://127.0.0.2:8000/a").inside
