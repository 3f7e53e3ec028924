"""Every command as its first user meets it: what it says, what it writes, and how it ends."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from newsark import checks
from newsark.console import counted, human_bytes
from tests.cli import NEWSARK, Ran, crawl, newsark, on_a_terminal
from tests.in_process import Command, in_process
from tests.newsroom import Site, running_newsroom

ARCHIVE_COMMANDS = [("status",), ("show", "x"), ("export", "-o", "-"), ("crawl", "http://127.0.0.1:9/")]


@dataclass(frozen=True, slots=True)
class Crawled:
    """The sample newsroom, three of its articles crawled into `archive` of a directory."""

    site: Site
    directory: Path
    ran: Ran


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    directory = tmp_path_factory.mktemp("commands")
    with running_newsroom() as site:
        yield Crawled(site, directory, crawl(site.url + "/", directory, "--limit", "3"))


@pytest.fixture
def command(crawled: Crawled, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """A command in the directory of the crawl, without a process of its own."""
    return in_process(crawled.directory, monkeypatch, capsys)


# help and start


def test_help_lists_the_commands_in_the_order_of_use(tmp_path: Path) -> None:
    text = newsark("--help", cwd=tmp_path).out
    names = ["init", "sources", "crawl", "status", "show", "export", "extract", "doctor"]
    places = [re.search(rf"^│ {name} ", text, re.MULTILINE) for name in names]
    assert all(places)
    starts = [place.start() for place in places if place]
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--help"], {"scrapy", "trafilatura", "sqlalchemy", "twisted", "aiohttp", "lxml"}),
        (["status"], {"scrapy", "trafilatura", "twisted", "aiohttp"}),
        (["export", "-o", "-"], {"scrapy", "trafilatura", "twisted", "aiohttp"}),
    ],
)
def test_a_command_starts_without_what_it_does_not_need(
    crawled: Crawled, arguments: list[str], unwanted: set[str]
) -> None:
    code = (
        f"import sys; sys.argv = ['newsark', *{arguments!r}]\n"
        "from newsark.cli import run\n"
        f"code = run(); print(code, sorted({unwanted!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=crawled.directory, capture_output=True, check=True)
    assert done.stderr == b"0 []\n"


# wrong use


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("stauts", "no such command 'stauts'; did you mean 'status'? See newsark --help"),
        ("crawl --limt 3", "no such option: --limt (Possible options: --limit"),
        ("crawl --limit x", "'--limit': must be a valid integer. See newsark crawl --help"),
        ("crawl --limit -3", "must be greater than or equal to 0"),
        ("export", "missing option '--output' / '-o'. See newsark export --help"),
        ("export -o - --format doc", "'doc' is not one of"),
        ("show", "missing argument 'URL|ID'"),
        ("status a b --colour", "no such option: --colour"),
        ("crawl", "there is no source yet; add one with: newsark sources add URL"),
        ("crawl nosuch", "no source is called 'nosuch'; add one with: newsark sources add URL"),
        ("crawl news.example.org", "write all of it: https://news.example.org"),
        ("crawl page.html", "--source-file"),
        ("crawl ftp://news.example.org/", "only http and https are visited, not ftp"),
        ("crawl http://", "cannot be visited"),
        ("crawl --source-file no.toml", "no.toml: cannot be read: No such file"),
        ("crawl --since yesterday", "'yesterday' is no date like 2026-11-23"),
        ("crawl --timeout 0", "--timeout: must be more than 0"),
        ("crawl --contact me", "--contact: must be an e-mail address or a URL"),
        ("crawl http://a.example/ --allow-host a/b", "--allow-host: "),
        ("crawl http://a.example/ --archive ftp://bucket", "ftp://bucket"),
        ("status", "there is no archive at"),
        ("show http://a.example/", "there is no archive at"),
        ("export -o -", "there is no archive at"),
        ("sources check nosuch", "no source is called 'nosuch'"),
        ("init --contact me", "--contact: must be an e-mail address or a URL"),
        ("init page.html/below", "Not a directory; name another directory"),
    ],
)
def test_wrong_use_is_one_line_on_standard_error_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    (tmp_path / "page.html").write_text("<p>")
    ran = in_process(tmp_path, monkeypatch, capsys)(*line.split())
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith("newsark: ")
    assert words in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize("arguments", ARCHIVE_COMMANDS, ids=lambda one: one[0])
def test_a_directory_with_other_things_is_refused_and_left_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "letters.txt").write_text("Dear all")
    ran = in_process(tmp_path, monkeypatch, capsys)(*arguments, "--archive", other)
    assert (ran.code, ran.out) == (2, "")
    assert "it holds 'letters.txt' and no newsark.json" in ran.err
    assert ran.err.count("\n") == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["other", "letters.txt"]


def test_a_database_that_cannot_be_opened_is_one_line_and_exit_code_3(crawled: Crawled, tmp_path: Path) -> None:
    archive = crawled.directory / "archive"
    (tmp_path / "newsark.toml").write_text(f'archive = "{archive}"\ncatalogue = "sqlite:////no/such/place.sqlite"')
    ran = newsark("status", cwd=tmp_path)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("newsark: the catalogue cannot be used: sqlite:////no/such/place.sqlite: unable to open")
    assert ran.err.count("\n") == 1


def test_an_archive_whose_head_is_damaged_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "newsark.json").write_text("{")
    ran = command("status", "--archive", str(tmp_path))
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "its newsark.json is damaged" in ran.err


def test_a_catalogue_that_is_lost_is_told_from_an_empty_one(crawled: Crawled, command: Command, tmp_path: Path) -> None:
    copy = tmp_path / "archive"
    shutil.copytree(crawled.directory / "archive", copy, ignore=shutil.ignore_patterns(".newsark"))
    ran = command("status", "--archive", str(copy))
    assert (ran.code, ran.out) == (3, "")
    assert f"{copy} holds 1 segment of sources that this machine's catalogue does not know" in ran.err


@pytest.mark.parametrize("url", ["nonsense", "oracle9://a/b", "mysql+nodriver://a/b", "postgresql://a:b:c/d"])
def test_a_database_url_that_is_none_is_wrong_use(crawled: Crawled, tmp_path: Path, url: str) -> None:
    archive = crawled.directory / "archive"
    (tmp_path / "newsark.toml").write_text(f'archive = "{archive}"\ncatalogue = "{url}"')
    ran = newsark("status", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "settings: catalogue: is no database URL that works here" in ran.err
    assert ran.err.count("\n") == 1


# crawl


def test_crawling_an_article_visits_it_and_nothing_else_and_tells_what_is_forbidden(
    crawled: Crawled, tmp_path: Path
) -> None:
    site = crawled.site
    story = site.newsroom.stories()[0]
    before = len(site.requests)
    first = crawl(site.url + story.path, tmp_path)
    assert first.code == 0, first.err
    files = {path for path in site.paths()[before:] if path.startswith(("/images/", "/style.css"))}
    assert set(site.paths()[before:]) == {"/robots.txt", story.path} | files
    assert len(files) == 3
    (source,) = first.json["sources"]
    assert source["kinds"] == {"article": {"captured": 1}, "resource": {"captured": 3}}

    forbidden = f"{site.url}/search?q=x"
    options = ("--archive", "archive", "--allow-host", site.url.removeprefix("http://"), "--delay", "0")
    again = newsark("crawl", site.url + story.path, forbidden, *options, cwd=tmp_path)
    assert "5 leads = 3 captured + 1 unchanged + 0 failed + 1 refused + 0 pending" in again.out
    assert f"1 refused: robots\n    {forbidden}\n      robots.txt line 3: Disallow: /search\n" in again.out


def test_a_crawl_reports_at_80_columns_and_leaves_no_live_line(crawled: Crawled) -> None:
    host = crawled.site.url.removeprefix("http://")
    name = host.replace(".", "-").replace(":", "-")
    code, screen = on_a_terminal(
        "crawl", name, "--limit", "0", "--allow-host", host, "--delay", "0", cwd=crawled.directory
    )
    assert code == 0
    live, _, report = screen.rpartition("\x1b[?25h")
    assert "requests  " in live
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", report).splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("  46 leads = ") for line in lines)


# status


def test_status_adds_up_and_tells_what_is_held(crawled: Crawled, command: Command) -> None:
    (state,) = command("status", "--json").json["sources"]
    leads = state["leads"]
    assert leads["known"] == sum(count for name, count in leads.items() if name != "known") == 46
    assert (state["articles"], state["versions"]) == (3, 3)
    text = command("status", state["id"]).out
    terms = " + ".join(f"{count} {name}" for name, count in leads.items() if name != "known")
    assert f"46 leads = {terms}" in text
    assert (
        f"3 articles in 3 versions, {human_bytes(state['bytes'])} in {counted(state['segments'], 'WARC file')}" in text
    )
    assert "last crawl: " in text


def test_status_tells_of_sources_that_wait_for_their_first_crawl(crawled: Crawled, command: Command) -> None:
    directory = crawled.directory / "archive" / ".newsark" / "sources"
    directory.mkdir(exist_ok=True)
    path = directory / "lantern.toml"
    path.write_text('id = "lantern"\nname = "Lantern"\nhome = "https://lantern.example/"\n')
    try:
        assert command("status", "--json").json["not_crawled"] == ["lantern"]
        assert command("status", "lantern").out == "lantern\n  not crawled yet: newsark crawl\n"
        assert "'lantren'; known sources: lantern\n" in command("status", "lantren").err
    finally:
        path.unlink()


# show and export


def test_show_tells_words_versions_and_places(crawled: Crawled, command: Command) -> None:
    record = command("export", "-o", "-").lines[0]
    shown = command("show", str(record["url"])).out
    assert shown.startswith(f"{record['headline']}\n")
    for paragraph in str(record["articleBody"]).split("\n"):
        assert f"\n\n{paragraph}\n" in shown
    assert f"record {record['id']}" in shown
    assert json.loads(command("show", str(record["id"]), "--record").out) == record


def test_show_tells_what_came_of_a_url_that_is_no_article(crawled: Crawled, command: Command) -> None:
    ran = command("show", f"{crawled.site.url}/feed.json?utm_source=x")
    assert (ran.code, ran.out) == (2, "")
    assert re.search("as no article: feed, (captured|unchanged); visited 20", ran.err)


def test_export_of_a_source_to_a_file_is_what_goes_to_standard_output(crawled: Crawled, command: Command) -> None:
    (source,) = command("sources", "list", "--json").json["sources"]
    ran = command("export", "-o", "out.jsonl", "--source", source["id"])
    assert (ran.code, ran.out, ran.err) == (0, "", "Wrote 3 records to out.jsonl\n")
    written = (crawled.directory / "out.jsonl").read_text()
    assert written == command("export", "-o", "-").out
    assert not (crawled.directory / "out.jsonl.part").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", "nowhere/out.jsonl"), "there is no directory nowhere"),
        (("-o", "archive"), "archive is a directory"),
        (("-o", "-", "--source", "nosuch"), "no source is called 'nosuch'; known sources: "),
    ],
)
def test_export_that_cannot_be_done_writes_nothing(
    crawled: Crawled, command: Command, arguments: tuple[str, ...], words: str
) -> None:
    before = sorted(crawled.directory.iterdir())
    ran = command("export", *arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert words in ran.err
    assert sorted(crawled.directory.iterdir()) == before


@pytest.mark.parametrize("line", ["export -o -", "show {url}", "status --json"])
def test_a_reader_that_goes_away_ends_a_command_well(crawled: Crawled, command: Command, line: str) -> None:
    url = command("export", "-o", "-").lines[0]["url"]
    line = f"{NEWSARK} {line.format(url=url)} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=crawled.directory, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


# doctor


def test_doctor_finds_all_well(crawled: Crawled) -> None:
    ran = newsark("doctor", "--json", cwd=crawled.directory)
    assert (ran.code, ran.json["ok"]) == (0, True)
    verdicts = {one["check"]: one["verdict"] for one in ran.json["findings"]}
    assert verdicts["reader process"] == verdicts["store"] == verdicts["archive"] == "ok"
    assert verdicts["contact"] == "warning"


@pytest.mark.parametrize(
    ("settings", "sources", "words"),
    [
        ("workers = 0", "", "✗ settings: "),
        ("", "id = 5", "✗ source files: "),
        ('archive = "/dev/null"', "", "✗ archive: /dev/null is not a Newsark archive: it is a file"),
    ],
)
def test_doctor_names_each_fault_and_goes_on(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, sources: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checks, "ALONE", (("This machine", "python", checks.check_python),))
    (tmp_path / "newsark.toml").write_text(settings)
    (tmp_path / "sources").mkdir()
    if sources:
        (tmp_path / "sources" / "a.toml").write_text(sources)
    ran = command("doctor")
    assert (ran.code, ran.err) == (1, "")
    assert words in ran.out
    assert "✓ dependencies: scrapy " in ran.out
    quiet = command("doctor", "--quiet").out
    assert words in quiet
    assert "✓" not in quiet
