"""The log of real crawls: every line is one event, and no line holds a secret."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsark.logs import begin_logs
from newsark.redaction import Cleaner
from newsark.settings import NewsarkSettings
from storage.log import Log, about_source
from tests.articlesite import NAMES, Site, article
from tests.cli import newsark, on_a_terminal
from tests.crawling import host_of, id_of, write_source

SECRET = "Zx81-hunter2-swordfish"
FIRST = ["timestamp", "level", "event", "run", "source"]


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def of(lines: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == event]


class Guarded(Site):
    """A site whose sitemap has a secret in its address, and whose answers set cookies."""

    def shown(self, path: str) -> Any:
        return super().shown("/sitemap.xml" if path.startswith("/sitemap.xml?") else path)


def test_a_crawl_is_told_event_by_event_without_a_secret(tmp_path: Path) -> None:
    with Guarded() as site:
        keys = {"sitemaps": [f"{site.url}/sitemap.xml?key={SECRET}"], "user_agent": f"Bot (token={SECRET})"}
        write_source(tmp_path / "hall.toml", site.url, **keys)
        line = ["crawl", "--source-file", "hall.toml", "--archive", "archive", "--json", "--log-level", "debug"]
        options = ["--log-format", "json", "--log-file", "log.jsonl"]
        secrets = {
            "NEWSARK_SERVE_TOKEN": SECRET,
            "NEWSARK_ALERT_TO": f"json://user:{SECRET}@127.0.0.1:9/",
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }
        first = newsark(*line, *options, cwd=tmp_path, environment=secrets)
        site.pages |= {"gone": 410, "edited": article("edited", "Hall edited sold", "This sentence was mended.")}
        # the second time results and log go to two streams
        again = newsark(*line, "--again", *options[:2], cwd=tmp_path, environment=secrets)
    assert [len(ran.json["sources"]) for ran in (first, again)] == [1, 1]
    assert first.err == ""
    written = (tmp_path / "log.jsonl").read_text() + again.err
    assert SECRET not in written
    assert quote(SECRET, safe="") not in written
    lines = lines_of(written)
    runs = {one["run"] for one in lines}
    assert len(runs) == 2
    for one in lines:
        assert list(one)[:5] == FIRST
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["timestamp"])
        assert one["level"] in ("debug", "info", "warning", "error")
        assert one["source"] in ("hall", None)
    own = [one for one in lines if one["event"] not in ("run-began", "run-ended", "message")]
    assert {one["source"] for one in own} == {"hall"}
    assert len(of(lines, "version-recorded")) == len(NAMES)
    assert len(of(lines, "article-edited")) == 1
    assert [one["url"].rpartition("/")[2] for one in of(lines, "removal-suspected")] == ["gone"]
    for pair in ("run-began", "run-ended", "source-began", "source-ended", "segment-sealed"):
        assert len(of(lines, pair)) == 2, pair
    assert of(lines, "source-ended")[0]["outcome"] == "finished"
    fetched = of(lines, "fetched")
    assert {"url", "status", "result", "ms", "bytes"} <= set(fetched[0])
    assert f"{site.url}/sitemap.xml?…" in {one["url"] for one in fetched}
    assert len(of(lines, "visited")) >= 2 * len(NAMES)


def test_lines_for_people_stay_whole_beside_live_lines(site: Site, tmp_path: Path) -> None:
    host = host_of(site.url)
    command = ["crawl", site.url + "/", "--allow-host", host, "--delay", "0.05", "--log-level", "info"]
    code, screen = on_a_terminal(*command, "--contact", "a@example.org", cwd=tmp_path, columns=70)
    assert code == 0
    # the live line is taken away before, and drawn again after
    told = re.findall(r"(?:^|\r\x1b\[2K)(\S+Z \[info +\] version-recorded [^\r\x1b]*)$", screen, re.MULTILINE)
    urls = sorted(found[1].rpartition("/")[2] for line in told if (found := re.search(r"url=(\S+)", line)))
    assert urls == sorted(NAMES)
    assert all(f"source={id_of(site.url)}" in line and "version=1" in line for line in told)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--log-level", "loud", "--log-level: must be 'debug', 'info', 'warning' or 'error', not 'loud'"),
        ("--log-format", "xml", "--log-format: must be 'console' or 'json', not 'xml'"),
        ("--log-file", "/dev/null/log", "log_file: /dev/null/log cannot be written to"),
    ],
)
def test_a_log_that_cannot_be_is_refused(site: Site, tmp_path: Path, option: str, value: str, words: str) -> None:
    ran = newsark("crawl", site.url, "--allow-host", host_of(site.url), option, value, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert site.asked == []


# other people's logging


@contextmanager
def logging_to(path: Path, **settings: Any) -> Iterator[None]:
    """Log as these settings say until the block ends; pytest's own handlers stay."""
    root = logging.getLogger()
    before = list(root.handlers), root.level
    begin_logs(NewsarkSettings(log_file=str(path), log_format="json", **settings))
    try:
        yield
    finally:
        for handler in [one for one in root.handlers if one not in before[0]]:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(before[1])
        for room in ("newsark", "crawler", "reading", "pipelines", "storage"):
            logging.getLogger(room).setLevel(logging.NOTSET)
        logging.captureWarnings(False)


def test_other_libraries_are_heard_from_warnings_on(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with logging_to(path, log_level="debug"):
        logging.getLogger("scrapy.core.engine").setLevel(logging.DEBUG)
        logging.getLogger("scrapy.core.engine").debug("not this")
        logging.getLogger("botocore").warning("header %s", f"Authorization: Bearer {SECRET}")
        with about_source("gazette"):
            try:
                raise ValueError(f"https://u:{SECRET}@h/?q={SECRET}")
            except ValueError as problem:
                Log("crawler.test").error("internal-error", "an error of ours", problem)
        Log("storage.test").debug("fetched", n=1, url="https://h/a\nb", password=SECRET)
    lines = lines_of(path.read_text())
    assert SECRET not in path.read_text()
    assert [(one["event"], one["level"], one["source"]) for one in lines] == [
        ("message", "warning", None),
        ("internal-error", "error", "gazette"),
        ("fetched", "debug", None),
    ]
    assert lines[0]["logger"] == "botocore"
    assert (lines[1]["message"], "Traceback" in lines[1]["exception"]) == ("an error of ours", True)
    assert lines[2]["n"] == 1


def test_an_event_is_no_text_before_somebody_wants_the_line() -> None:
    class Costly:
        def __str__(self) -> str:
            raise AssertionError("nobody asked")

    log = Log("crawler.silent")
    logging.getLogger("crawler.silent").setLevel(logging.WARNING)
    log.debug("fetched", url=Costly())
    log.info("stored", url=Costly())
    assert not log.tells_all


def test_without_a_set_up_log_an_event_is_a_readable_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "storage.test"):
        Log("storage.test").info("stored", source="a", bytes=5)
        Log("storage.test").warning("paused", "paused, the disk is full")
    assert caplog.messages == ["stored source=a bytes=5", "paused, the disk is full"]


# secrets

WORDS = st.text(max_size=12)
SECRETS = st.text("abcdefgHIJKL0123456789_-.~", min_size=12, max_size=30).filter(lambda one: one.strip("._-~"))
NAMES_OF_SECRETS = st.sampled_from(
    ["password", "serve_token", "Authorization", "aws_secret_access_key", "Cookie", "api_key", "passphrase"]
)


def hidden_in_text(secret: str) -> st.SearchStrategy[str]:
    """Texts that hold a secret where secrets stand."""
    return st.sampled_from(
        [
            f"https://user:{secret}@example.org/feed",
            f"postgresql+psycopg://{secret}@host/db failed",
            f"GET https://example.org/a?b=1&token={secret}&c=2 answered 403",
            f"/feed.xml?{secret}=1",
            f"https://example.org/?{secret}",
            f"https://example.org/a#{secret}",
            f"Authorization: Bearer {secret}",
            f"{{'Authorization': 'Basic {secret}', 'Accept': '*/*'}}",
            f"Set-Cookie: session={secret}; Path=/; HttpOnly",
            f"cookie: a=b; c={secret}",
            f"password={secret} host=db",
            f"X-Amz-Security-Token: {secret}",
            f"client_secret: {secret}, and more",
        ]
    )


@st.composite
def facts_with(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A secret, and facts of any depth in which it is hidden by name or by place."""
    secret = draw(SECRETS)
    leaf = hidden_in_text(secret) | hidden_in_text(secret).map(str.encode) | hidden_in_text(secret).map(ValueError)
    named = st.dictionaries(NAMES_OF_SECRETS, st.just(secret) | st.lists(st.just(secret)), min_size=1)
    values = st.recursive(
        leaf | named | st.integers() | st.none() | WORDS.filter(lambda word: secret not in word),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3) | st.tuples(inner, inner),
        max_leaves=8,
    )
    return secret, draw(st.dictionaries(WORDS, values, min_size=1, max_size=4))


@given(facts_with())
def test_a_secret_by_name_or_place_is_never_written(drawn: tuple[str, dict[str, Any]]) -> None:
    secret, facts = drawn
    assert secret not in json.dumps(Cleaner().of(facts), ensure_ascii=False)


@given(st.text(min_size=4), st.text(), st.text())
def test_a_secret_that_is_known_is_never_written_wherever_it_stands(secret: str, before: str, after: str) -> None:
    cleaned = Cleaner([secret]).of({"a": before + secret + after, "b": [{"c": quote(secret, safe="")}]})
    told = [cleaned["a"], cleaned["b"][0]["c"]]
    # the mark itself may hold what somebody chose for a secret
    assert all(secret not in one.replace("[removed]", "") for one in told if secret not in "[removed]…: ")


@given(st.from_regex(r"https?://[a-z]{1,10}\.org(/[a-z0-9@:-]{0,9}){0,4}", fullmatch=True))
def test_an_address_without_secrets_stays_what_it_is(url: str) -> None:
    assert Cleaner().text(f"({url} was visited)") == f"({url} was visited)"


def test_facts_stay_numbers_and_long_ones_are_cut() -> None:
    assert Cleaner().of({"ms": 5, "ok": True, "none": None, "share": 0.5}) == {
        "ms": 5,
        "ok": True,
        "none": None,
        "share": 0.5,
    }
    assert len(Cleaner().of({"text": "a" * 100_000})["text"]) < 10_000
