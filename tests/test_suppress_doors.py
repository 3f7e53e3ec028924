"""A suppressed article is nowhere: every command, page and door is asked, and its words are looked for in the bytes."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import newsark
from newsark.alerting import due_alerts, message
from newsark.home import utc_now
from reading.alerts import Rules, raise_alerts
from reading.exports.selection import Selection, stream
from reading.life import CONFIRMATIONS, Confirmation
from reading.suppressing import Decision, lift, meant_by, suppress, suppressions_of
from storage.archive import Archive, ArchiveSettings
from tests.crawling import wait_until
from tests.in_process import Command, in_process
from tests.loopback import Shown
from tests.pressroom import Newsroom
from tests.readingroom import RUN, Room, lived, serving
from tests.test_replay import Replayed, replaying

NOW = "20300101000000"
PAGE = {"Accept": "text/html"}


class Reprint(Newsroom):
    """Another newsroom that prints one of the articles nearly as it was, under another headline."""

    def shown(self, path: str) -> Shown:
        if path == "/sitemap.xml":
            listed = f"<url><loc>{self.url}/reprint</loc></url>"
            return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'
        found = super().shown("/news/one" if path == "/reprint" else path)
        return found.replace("Harbour one", "The reprint") if isinstance(found, str) else found


class Kept:
    """An archive with two articles of a newsroom that are to be suppressed, and one that stays and tells of them."""

    def __init__(self, home: Path, site: str, reprint: str) -> None:
        self.home, self.archive = home, home / "archive"
        self.urls = [f"{site}/news/one", f"{site}/news/two"]
        self.reprint = f"{reprint}/reprint"
        self.words = ["Harbour one", "Harbour two", "new harbour called one", "harbour called two", *self.urls]

    def opened(self, *, later: timedelta = timedelta(0)) -> Archive:
        return Archive.open(self.archive, ArchiveSettings(), lambda: utc_now() + later, create=False)

    def run(self, *words: str) -> str:
        done = subprocess.run([*RUN, *words, "--archive", str(self.archive)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    home = tmp_path_factory.mktemp("kept")
    with lived(home) as (site, _), Reprint() as reprint:
        lines = [
            'id = "m"\nname = "M"\ndelay_seconds = 0\ndiscover = "listed"',
            f'home = "{reprint.url}/"\nallow_hosts = ["{reprint.url.removeprefix("http://")}"]',
            f'sitemaps = ["{reprint.url}/sitemap.xml"]',
        ]
        (home / "m.toml").write_text("\n".join(lines))
        made = Kept(home, site, reprint.url)
        made.run("crawl", "--source-file", str(home / "m.toml"), "--no-progress")
        yield made


@pytest.fixture
def command(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return in_process(tmp_path, monkeypatch, capsys)


def unpacked(path: Path) -> bytes:
    """What a file of an export says, whatever it is packed in."""
    data = path.read_bytes()
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return b"".join(package.read(name) + unzipped(package.read(name)) for name in package.namelist())
    if path.suffix == ".parquet":
        import pyarrow.parquet as parquet

        return json.dumps(parquet.read_table(path).to_pylist(), default=str, ensure_ascii=False).encode()
    return unzipped(data)


def unzipped(data: bytes) -> bytes:
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def commands(kept: Kept, command: Command, directory: Path) -> Iterator[tuple[str, bytes]]:
    """What every command says, by its words."""
    directory.mkdir()
    place = ("--archive", str(kept.archive))
    for words in (
        ["search", "harbour", "--versions", "all", "--facets"],
        ["search", "harbour", "--json", "--versions", "all"],
        ["search", "--json"],
        ["search", "title:harbour", "--sort", "oldest"],
        ["show", kept.reprint],
        ["show", kept.reprint, "--json"],
        ["show", kept.reprint, "--record"],
        ["ledger"],
        ["ledger", "--json"],
        ["ledger", "--format", "csv"],
        ["ledger", "--format", "atom"],
        ["status"],
        ["status", "--json"],
        ["status", "--coverage"],
        ["sources", "list"],
        ["export", "-o", "-", "--versions", "all"],
        ["export", "-o", "-", "--what", "observations"],
        ["export", "-o", "-", "--what", "ledger"],
        ["export", "-o", "-", "--format", "csv"],
    ):
        ran = command(*words, *place)
        assert ran.code == 0, (words, ran.err)
        yield " ".join(words), (ran.out + ran.err).encode()
    for form in ("jsonl.gz", "csv", "parquet", "warc.gz", "wacz"):
        path = directory / f"articles.{form}"
        assert command("export", "-o", str(path), *place).code == 0
        yield form, unpacked(path)
    for what in ("articles", "observations", "ledger"):
        target = directory / what
        assert command("export", "-o", f"{target}/", "--what", what, *place).code == 0
        yield what, b"".join(unpacked(path) for path in sorted(target.iterdir()))


def told_by_name(kept: Kept, command: Command) -> Iterator[tuple[str, str]]:
    """What is said by commands that are given the name itself."""
    for words in ("show", "diff"):
        ran = command(words, kept.urls[0], "--archive", str(kept.archive))
        yield words, ran.out + ran.err.replace(kept.urls[0], "")


def python(kept: Kept) -> Iterator[tuple[str, bytes]]:
    with newsark.open(kept.archive) as archive:
        yield "articles", json.dumps(list(archive.articles(versions="all"))).encode()
        yield "search", json.dumps(list(archive.search("harbour"))).encode()
        yield "arrow", json.dumps(archive.to_arrow(versions="all").to_pylist(), default=str).encode()
        yield "ledger", json.dumps(archive.ledger()).encode()
        yield "sources", json.dumps(archive.sources()).encode()
        yield "article", repr([archive.article(url) for url in kept.urls]).encode()


def pages(room: Room) -> Iterator[tuple[str, bytes]]:
    fixed = ["/", "/search?q=harbour&versions=all", "/search?versions=all", "/ledger", "/sources", "/sources/n"]
    fixed += ["/figures", "/exports", "/help"]
    for path in fixed:
        name, _, query = path.partition("?")
        twin = ("/index.json" if name == "/" else f"{name}.json") + (f"?{query}" if query else "")
        yield path, room.get(path, **PAGE).body
        yield twin, room.get(twin).body
    for path in ("/ledger.atom", "/ledger.csv", *(f"/figures/{one}.svg" for one in ("by-day", "survival", "delays"))):
        yield path, room.get(path).body
    found = room.get("/search.json?versions=all").json["articles"]
    for one in found:
        for name in ("", ".json", "/record", "/cite.bib", "/cite.csl", "/compare.json", "/replay", "/warc", "/wacz"):
            yield f"article{name}", room.get(f"/articles/{one['id']}{name}").body


def replays(kept: Kept, running: Replayed) -> Iterator[tuple[str, bytes]]:
    site = kept.urls[0].removesuffix("/news/one")
    yield "home", running.get("/")[2]
    yield "prefix", running.get(f"/archive/cdx?url={site}/news/&matchType=prefix")[2]
    yield "host", running.get(f"/archive/cdx?url={site}/&matchType=host")[2]
    for url in kept.urls:
        yield "cdx", running.get(f"/archive/cdx?url={url}")[2]
        for path in (f"timemap/link/{url}", f"{NOW}mp_/{url}", f"{NOW}id_/{url}", url):
            status, headers, body = running.get(f"/archive/{path}")
            shown = str({name: value for name, value in headers.items() if name in ("link", "memento-datetime")})
            yield path, body.replace(url.encode(), b"") if status == 404 else f"{status} {shown}".encode() + body


def alert(kept: Kept) -> Iterator[tuple[str, bytes]]:
    archive = kept.opened()
    sure = {**CONFIRMATIONS, "removed": Confirmation(1, timedelta(0))}
    try:
        raise_alerts(archive, Rules(removed="suspected", confirmations=sure), free_bytes=1 << 40)
        yield "alerts", " ".join(message(due_alerts(archive, 0))).encode()
    finally:
        archive.close()


class Doors:
    """All doors of an archive; the room and the replay run all the time."""

    def __init__(self, kept: Kept, command: Command, room: Room, running: Replayed) -> None:
        self._kept, self._command, self.room, self._running = kept, command, room, running

    def said(self, directory: Path | None) -> dict[str, str]:
        """What they all give, by their names; without a directory all but the commands."""
        found: dict[str, str] = {}
        kept = self._kept
        every = [*alert(kept), *python(kept)]
        every += commands(kept, self._command, directory) if directory else ()
        for name, data in [*every, *pages(self.room), *replays(kept, self._running)]:
            found[name] = found.get(name, "") + data.decode("utf-8", "replace")
        return found


def exported(room: Room) -> str:
    """The address of a file that was made in the room."""
    made = room.post("/exports.json", {"form": "csv", "versions": "all"}).json["id"]
    wait_until(lambda: room.get(f"/exports/{made}.json").json["state"] == "done", 120)
    return f"/exports/{made}/files/articles.csv"


@pytest.fixture
def doors(kept: Kept, command: Command) -> Iterator[Doors]:
    place = ("--archive", str(kept.archive))
    with serving("--no-replay", *place) as room, replaying(*place) as running:
        yield Doors(kept, command, room, running)


@pytest.mark.timeout(600)  # every door twice, in processes of their own
def test_a_suppressed_article_is_nowhere_and_comes_back(
    kept: Kept, command: Command, doors: Doors, tmp_path: Path
) -> None:
    place = ("--archive", str(kept.archive))
    before = doors.said(tmp_path / "before")
    assert all(word in "".join(before.values()) for word in kept.words)
    assert "duplicateOf" in before["articles"]
    states = command("status", "--json", *place).json["sources"]
    told = command("export", "-o", f"{tmp_path}/told/", "--versions", "all", *place)
    assert told.code == 0, told.err

    file = exported(doors.room)
    assert doors.room.get(file).status == 200

    ran = command("suppress", *kept.urls, "--reason", "a wish", "--by", "me", *place)
    assert ran.code == 0, ran.err
    assert "held back" in doors.room.get("/exports.json").text
    assert doors.room.get(file).status == 404
    during = doors.said(tmp_path / "during")
    assert {(name, word) for name, data in during.items() for word in kept.words if word in data} == set()
    for name, text in told_by_name(kept, command):
        assert "suppressed" in text, name
        assert not any(word in text for word in kept.words), name
    assert "The reprint" in during["articles"]
    assert "duplicateOf" not in during["articles"]

    counted = command("status", "--json", *place).json["sources"]
    for was, now in zip(states, counted, strict=True):
        assert all(was[name] == now[name] for name in ("leads", "kinds", "articles", "versions", "segments")), was["id"]
    assert command("export", "-o", f"{tmp_path}/since/", "--delta-since", f"{tmp_path}/told/", *place).code == 0
    gone = (tmp_path / "since" / "gone.csv").read_text().splitlines()[1:]
    assert [line.split(",")[1] for line in gone] == ["withdrawn"] * 3
    shown = command("show", kept.urls[0], "--suppressed", *place)
    assert "Harbour one" in shown.out

    assert command("suppress", "--lift", *kept.urls, *place).code == 0
    assert doors.room.get(file).status == 200
    for name, data in doors.said(None).items():
        assert [word in before[name] for word in kept.words] == [word in data for word in kept.words], name
    assert "Harbour one" in command("search", "harbour", *place).out


def test_a_suppression_ends_by_itself(kept: Kept) -> None:
    archive = kept.opened()
    named = meant_by(archive, kept.urls[1], kept.urls[1], None)
    (one,) = suppress(archive, [named], Decision("me", "a week", utc_now() + timedelta(days=7)))
    archive.close()
    for later, is_shown in ((timedelta(days=6), False), (timedelta(days=8), True)):
        archive = kept.opened(later=later)
        with archive.catalogue.public() as connection:
            texts = [row.record["headline"] for row in stream(connection, Selection())]
        assert ("Harbour two" in texts) is is_shown
        assert bool(suppressions_of(archive)) is not is_shown
        archive.close()
    archive = kept.opened()
    lift(archive, [(one.id, None)], "me", "the test is over")
    archive.close()
