"""A disk without room: the crawl pauses, keeps every byte it has, and goes on by itself when there is room."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from crawler.diskspace import DiskLimits, DiskSpace, RoomyManners
from crawler.noroom import is_for_lack_of_room
from crawler.progress import Progress
from newsark.live import live_line
from storage import appendfile
from storage.appendfile import AppendFile
from storage.deliveries import Backlog
from storage.errors import DiskFull, SegmentWriteFailed, StoresBehind
from storage.exchange import Exchange
from storage.segment import Segment, SegmentInfo
from tests.crawling import Crawling, Leads, assert_sound, report_of, start_site, wait_until
from tests.newsroom import Site, running_newsroom

DISK_BYTES = 24_000_000


@pytest.fixture
def site() -> Iterator[Site]:
    with running_newsroom() as opened:
        yield opened


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, left_bytes: int = 0) -> Path:
    """Fill the disk but for so many bytes; returns the file that does it."""
    ballast = disk / "ballast"
    # A write that takes less than it was given is no error, and none is made here.
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while (free := shutil.disk_usage(disk).free - left_bytes) > 0:
            file.write(bytes(min(free, 1_000_000)))
    return ballast


def captured(disk: Path) -> int:
    return len(Leads(disk / "archive").rows("1", "leads where kind = 'article' and state = 'captured'"))


def begin(site: Site, disk: Path, **settings: object) -> Crawling:
    """A crawl that has captured something and has much to do."""
    crawling = start_site(site.url + "/", disk, "--delay", "0.1", **{"disk_reserve_bytes": 0, **settings})
    wait_until(lambda: captured(disk) >= 3 or crawling.process.poll() is not None)
    assert crawling.process.poll() is None, crawling.ended()
    return crawling


def wait_for_quiet(site: Site, disk: Path) -> dict[str, bytes]:
    """The WARC files' bytes once nothing is asked for and nothing is written any more."""
    end = time.monotonic() + 15
    before: tuple[int, dict[str, bytes]] | None = None
    while True:
        now = (len(site.requests), warcs(disk))
        if now == before:
            return now[1]
        assert time.monotonic() < end, "the crawl goes on"
        before = now
        time.sleep(0.8)


def warcs(disk: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in disk.rglob("*.warc.gz*")}


def stories_seen(site: Site) -> list[str]:
    wanted = {story.path for story in site.newsroom.stories()}
    return [path for path in site.paths() if path in wanted]


def assert_complete(site: Site, disk: Path) -> None:
    archive = disk / "archive"
    assert Leads(archive).kept() >= {site.url + story.path for story in site.newsroom.stories()}
    assert_sound(archive)


def test_a_full_disk_pauses_the_crawl_and_room_lets_it_go_on(site: Site, disk: Path) -> None:
    crawling = begin(site, disk)
    ballast = fill(disk)
    before = wait_for_quiet(site, disk)
    asked = len(site.requests)
    time.sleep(1.5)
    assert warcs(disk) == before
    assert len(site.requests) == asked
    done = captured(disk)
    assert 3 <= done < len(site.newsroom.stories())
    ballast.unlink()
    ran = crawling.ended()
    assert ran.code == 0, ran.err
    assert ran.err.count("paused, the disk of") == 1
    assert str(disk / "archive") in ran.err
    assert ran.err.count("going on: there is room on the disk of") == 1
    assert_complete(site, disk)
    # What had an answer when the disk filled was kept from memory, not asked for again.
    assert sorted(stories_seen(site)) == sorted(story.path for story in site.newsroom.stories())
    kept = b"".join(before.values())
    assert any(path.read_bytes().startswith(kept) for path in disk.glob("archive/warc/*/*/*/*.warc.gz"))


def test_a_paused_crawl_that_is_stopped_ends_at_once_and_says_what_waits(site: Site, disk: Path) -> None:
    crawling = begin(site, disk)
    ballast = fill(disk)
    before = wait_for_quiet(site, disk)
    crawling.send(signal.SIGTERM)
    stopped = time.monotonic()
    ran = crawling.ended(20)
    assert time.monotonic() - stopped < 15
    assert ran.code == 1, ran.err
    report = report_of(ran)
    assert report["outcome"] == "disk-full"
    (problem,) = [one for one in report["problems"] if one["reason"] == "disk-full"]
    assert "leads under way are visited again" in problem["detail"]
    for name, content in before.items():
        (now,) = [data for other, data in warcs(disk).items() if other.startswith(name.removesuffix(".open"))]
        assert now == content
    ballast.unlink()
    again = start_site(site.url + "/", disk, disk_reserve_bytes=0).ended()
    assert again.code == 0, again.err
    assert_complete(site, disk)


def test_patience_ends_and_the_crawl_with_it(site: Site, disk: Path) -> None:
    crawling = begin(site, disk, disk_patience_minutes=0.02)
    fill(disk)
    ran = crawling.ended(30)
    assert ran.code == 3, ran.err
    assert report_of(ran)["outcome"] == "storage"
    assert f"the disk of {disk / 'archive'}" in ran.out


class Disk(DiskSpace):
    """A disk with as much room as the test says."""

    free = 10

    def free_bytes(self) -> int:
        return self.free


async def test_little_room_starts_nothing_new_and_stores_what_is_under_way(tmp_path: Path) -> None:
    disk, stop, told = Disk(tmp_path, DiskLimits(reserve_bytes=5)), asyncio.Event(), list[str | None]()
    disk.listen(told.append)
    manners = RoomyManners(0.0, time.monotonic, max_concurrency=2, patience_seconds=1.0, room=lambda: disk.room(stop))
    await asyncio.wait_for(manners.turn("a.example"), 1)
    disk.free = 4
    disk._looked = -60.0
    turn = asyncio.create_task(manners.turn("a.example"))
    await asyncio.sleep(0.2)
    assert not turn.done()
    assert told == ["paused: disk full, 4 B free"]
    assert await disk.kept(_kept, stop) == "kept"
    assert not turn.done()
    disk.free = 5
    await asyncio.wait_for(turn, 3)
    assert told[-1] is None
    assert not disk.is_paused


async def _kept() -> str:
    return "kept"


async def test_who_waits_for_room_is_tried_one_after_the_other_and_the_pause_ends_once(tmp_path: Path) -> None:
    disk, stop, told = Disk(tmp_path, DiskLimits(reserve_bytes=0)), asyncio.Event(), list[str | None]()
    disk.listen(told.append)
    full = True

    async def attempt() -> str:
        if full:
            _no_room()
        return "kept"

    waiting = [asyncio.create_task(disk.kept(attempt, stop)) for _ in range(3)]
    await asyncio.sleep(1.2)
    assert disk.waiting == 3
    full = False
    assert await asyncio.gather(*waiting) == ["kept"] * 3
    assert (disk.pauses, told.count(None), disk.is_paused) == (1, 1, False)


async def test_a_crawl_waits_for_a_store_that_is_far_behind(tmp_path: Path) -> None:
    behind = [Backlog("s3://b", 2, 2_000, datetime.now(UTC), "nobody answers")]
    limits = DiskLimits(reserve_bytes=0, max_waiting_bytes=1_999)
    disk, stop, told = Disk(tmp_path, limits, backlogs=lambda: behind), asyncio.Event(), list[str | None]()
    disk.listen(told.append)
    room = asyncio.create_task(disk.room(stop))
    await asyncio.sleep(0.1)
    assert (room.done(), told) == (False, ["paused: 2.0 kB wait for s3://b"])
    assert await disk.kept(_kept, stop) == "kept"
    behind.clear()
    assert await asyncio.wait_for(room, 3)
    assert told[-1] is None
    impatient = Disk(tmp_path, replace(limits, patience_seconds=0), backlogs=lambda: behind)
    behind.append(Backlog("s3://b", 2, 2_000, datetime.now(UTC), "nobody answers"))
    with pytest.raises(StoresBehind, match="nobody answers"):
        await impatient.room(stop)


async def test_stopping_ends_the_wait_at_once(tmp_path: Path) -> None:
    disk, stop = Disk(tmp_path, DiskLimits()), asyncio.Event()

    async def attempt() -> None:
        _no_room()

    waiting = asyncio.create_task(disk.kept(attempt, stop))
    room = asyncio.create_task(disk.room(stop))
    await asyncio.sleep(0.1)
    stop.set()
    with pytest.raises(DiskFull, match="10 B free"):
        await asyncio.wait_for(waiting, 0.5)
    assert await asyncio.wait_for(room, 0.5)
    with pytest.raises(OSError, match="No space left"):
        await disk.kept(attempt, stop)


def test_a_flush_without_room_is_made_good_from_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = AppendFile(tmp_path / "file", create=True)
    file.append(b"durable ")
    file.flush()
    file.append(b"first ")

    def forget(fd: int) -> None:
        # What a kernel may do with pages that it cannot write: call them clean and forget them.
        os.pwrite(fd, bytes(6), 8)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(appendfile, "flush_to_medium", forget)
        for _ in range(2):
            with pytest.raises(SegmentWriteFailed):
                file.flush()
        with pytest.raises(SegmentWriteFailed):
            file.append(b"refused")
    assert (tmp_path / "file").read_bytes() == b"durable " + bytes(6)
    assert file.append(b"second") == len(b"durable first ")
    file.flush()
    assert (tmp_path / "file").read_bytes() == b"durable first second"


def test_a_flush_that_fails_on_a_file_of_an_earlier_process_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"not in memory")
    file = AppendFile(tmp_path / "file", create=False)

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(appendfile, "flush_to_medium", refuse)
        with pytest.raises(SegmentWriteFailed):
            file.flush()
    with pytest.raises(SegmentWriteFailed):
        file.flush()


def test_what_is_kept_in_memory_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(appendfile, "MOST_UNFLUSHED_BYTES", 10)
    monkeypatch.setattr(appendfile, "flush_to_medium", flushed.append)
    file = AppendFile(tmp_path / "file", create=True)
    derived = AppendFile(tmp_path / "derived", create=True, derived=True)
    for _ in range(4):
        file.append(b"12345")
        derived.append(b"12345")
    assert len(flushed) == 1
    assert file.flushed_bytes == 10
    file.cut(5)
    file.append(b"abc")
    file.flush()
    assert (tmp_path / "file").read_bytes() == b"12345abc"


def exchange() -> Exchange:
    at = datetime(2026, 11, 23, 18, tzinfo=UTC)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    request = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
    return Exchange("http://a.example/", request, at, at, response_head=head, body=b"hi")


def test_lines_of_a_group_that_was_not_flushed_are_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = Segment.create(tmp_path, "gazette", SegmentInfo(part_of="gazette"))
    segment.add_record(b'{"n": 1}')
    segment.flush()

    def settle() -> None:
        segment.add_record(b'{"n": 2}')
        segment.add_event(b'{"e": 1}')
        segment.flush()

    segment.append(exchange())
    warc = {path.name: path.read_bytes() for path in tmp_path.glob("*.warc.gz.open")}
    with monkeypatch.context() as full:
        full.setattr(appendfile, "flush_to_medium", lambda _: _no_room())
        for _ in range(3):
            with pytest.raises(SegmentWriteFailed):
                settle()
    assert [path.read_bytes() for path in sorted(tmp_path.glob("*.jsonl.open"))] == [b'{"n": 1}\n', b""]
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.warc.gz.open")} == warc
    settle()
    lines = [path.read_bytes() for path in sorted(tmp_path.glob("*.jsonl.open"))]
    assert lines == [b'{"n": 1}\n{"n": 2}\n', b'{"e": 1}\n']


def _no_room() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_segment_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr(appendfile, "flush_to_medium", lambda _: _no_room())
        for _ in range(2):
            with pytest.raises(SegmentWriteFailed):
                Segment.create(tmp_path, "gazette", SegmentInfo(part_of="gazette"))
    assert [path.name for path in tmp_path.iterdir()] == ["serial"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_known_by_its_number(tmp_path: Path, number: int) -> None:
    problem = SegmentWriteFailed("x", OSError(number, os.strerror(number)))
    assert is_for_lack_of_room(problem, tmp_path)
    assert not is_for_lack_of_room(SegmentWriteFailed("x", OSError(errno.EIO, "broken")), tmp_path)
    assert not is_for_lack_of_room(PermissionError(errno.EACCES, "no"), tmp_path)


def test_sqlite_without_room_is_known_and_a_broken_one_is_not_taken_for_it(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.sqlite'}")
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA max_page_count = 3")
        with engine.connect() as other:
            other.exec_driver_sql("PRAGMA max_page_count = 3")
            with pytest.raises(OperationalError) as full:
                other.exec_driver_sql("CREATE TABLE t AS SELECT zeroblob(100000)")
    assert is_for_lack_of_room(full.value, tmp_path)
    broken = sqlite3.OperationalError("disk I/O error")
    broken.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    assert not is_for_lack_of_room(broken, tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.sqlite"]


def test_an_input_output_error_of_sqlite_on_a_full_disk_is_lack_of_room(disk: Path) -> None:
    broken = sqlite3.OperationalError("disk I/O error")
    broken.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    fill(disk)
    assert is_for_lack_of_room(broken, disk)


def test_the_live_line_says_that_the_crawl_is_paused() -> None:
    progress = Progress("gazette", paused="paused: disk full, 12.0 MB free", doing="http://g.example/story")
    for width in (60, 200):
        assert live_line(progress, 61, width).plain.startswith("gazette  paused: disk full, 12.0 MB free")
    progress.paused = None
    assert "paused" not in live_line(progress, 61, 200).plain
