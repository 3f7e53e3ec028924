"""An open segment: all of an exchange or nothing, durable when flushed, sealed without loss."""

from __future__ import annotations

import errno
import gzip
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from storage_samples import BODY, INFO, exchange, failure, ids, members, new_segment, open_warc

from storage import appendfile, durable
from storage.digests import file_sha256
from storage.errors import SegmentClosed, SegmentWriteFailed
from storage.recovery import recover
from storage.segment import Segment
from storage.warcinfo import SegmentInfo


def snapshot(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@contextmanager
def files_no_larger_than(size_bytes: int) -> Iterator[None]:
    """The kernel itself refuses to let a file grow further, after a partial write, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_every_byte_as_it_was_and_the_next_append_works(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    segment.append(exchange())
    before = snapshot(tmp_path)
    counts = segment.counts
    for room in range(0, 900, 37):
        with files_no_larger_than(segment.size_bytes + room), pytest.raises(SegmentWriteFailed) as failed:
            segment.append(exchange(body=os.urandom(2000)))
        assert failed.value.path == str(open_warc(tmp_path))
        assert snapshot(tmp_path) == before
        assert segment.counts == counts
    capture = segment.append(exchange(body=BODY * 2))
    assert capture.offset > len(before[open_warc(tmp_path).name])
    assert members(open_warc(tmp_path))[-1].endswith(BODY * 2 + b"\r\n\r\n")


def test_a_write_that_fails_at_any_point_leaves_every_byte_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = exchange(url="http://gazette.example/two", body=BODY * 3)
    twin = new_segment(tmp_path / "twin")
    warc = -twin.size_bytes
    twin.append(second)
    warc += twin.size_bytes
    line = next((tmp_path / "twin").glob("*.cdxj.open")).stat().st_size

    directory = tmp_path / "one"
    segment = new_segment(directory)
    segment.append(exchange())
    before = snapshot(directory)
    real, left = os.pwrite, 0

    def short(fd: int, data: bytes | memoryview, offset: int) -> int:
        nonlocal left
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = real(fd, data[:left], offset)
        left -= written
        return written

    monkeypatch.setattr(os, "pwrite", short)
    for room in [0, 1, warc // 3, warc // 2, warc - 1, warc, warc + 1, warc + line - 1]:
        left = room
        with pytest.raises(SegmentWriteFailed):
            segment.append(second)
        assert snapshot(directory) == before
    monkeypatch.undo()
    segment.append(second)
    monkeypatch.setattr(os, "pwrite", short)
    left = 5
    with pytest.raises(SegmentWriteFailed):
        segment.add_record(b'{"a": 1}')
    monkeypatch.undo()
    segment.add_record(b'{"b": 2}')
    sealed = segment.seal()
    assert gzip.decompress(sealed.parts[2].path.read_bytes()) == b'{"b": 2}\n'
    assert gzip.decompress(sealed.parts[1].path.read_bytes()).count(b"\n") == 2
    assert [record[:30] for record in members(sealed.warc.path)].count(b"WARC/1.1\r\nWARC-Type: response\r") == 2


def test_the_index_line_that_cannot_be_written_takes_the_records_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = new_segment(tmp_path)
    before = snapshot(tmp_path)
    real = os.pwrite

    def only_gzip(fd: int, data: bytes | memoryview, offset: int) -> int:
        if bytes(data[:2]) != b"\x1f\x8b":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", only_gzip)
    with pytest.raises(SegmentWriteFailed):
        segment.append(exchange())
    assert snapshot(tmp_path) == before


def test_a_cut_that_fails_too_is_made_up_for_before_the_next_append(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = new_segment(tmp_path)
    before = open_warc(tmp_path).read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "ftruncate", refuse)
    with files_no_larger_than(segment.size_bytes + 700), pytest.raises(SegmentWriteFailed):
        segment.append(exchange(body=os.urandom(2000)))
    assert len(open_warc(tmp_path).read_bytes()) == len(before) + 700
    monkeypatch.undo()
    segment.append(failure())
    after = open_warc(tmp_path).read_bytes()
    assert len(after) == segment.size_bytes
    assert after.startswith(before)
    assert len(members(open_warc(tmp_path))) == 3


def test_flush_makes_warc_records_and_events_durable_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = new_segment(tmp_path)
    flushed: list[str] = []
    real = durable.flush_to_medium

    def noted(fd: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{fd}").readlink().name.removeprefix(segment.stem))
        real(fd)

    monkeypatch.setattr(appendfile, "flush_to_medium", noted)
    segment.append(exchange())
    segment.add_record(b"{}")
    assert flushed == []
    segment.flush()
    assert flushed == [".warc.gz.open", ".0.jsonl.open"]
    segment.flush()
    assert len(flushed) == 2
    segment.add_event(b"{}")
    segment.flush()
    assert flushed[2:] == [".jsonl.open"]


def test_after_a_failed_flush_nothing_more_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = new_segment(tmp_path)
    segment.append(exchange())

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(appendfile, "flush_to_medium", refuse)
    with pytest.raises(SegmentWriteFailed):
        segment.flush()
    monkeypatch.undo()
    for again in (segment.flush, lambda: segment.append(exchange()), segment.seal):
        with pytest.raises(SegmentWriteFailed):
            again()


def test_a_disk_that_is_full_when_a_segment_is_made_or_sealed_is_told_as_such(tmp_path: Path) -> None:
    with files_no_larger_than(100), pytest.raises(SegmentWriteFailed):
        new_segment(tmp_path / "a")
    with files_no_larger_than(0), pytest.raises(SegmentWriteFailed):
        new_segment(tmp_path / "b")
    segment = new_segment(tmp_path / "c")
    kept = segment.append(exchange())
    with files_no_larger_than(10), pytest.raises(SegmentWriteFailed):
        segment.seal()
    assert recover(tmp_path / "a") == []
    (found,) = recover(tmp_path / "c")
    assert found.captures == (kept,)


def test_seal_names_files_whose_bytes_have_the_digests_it_tells(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    segment.append(exchange(url="http://gazette.example/b"))
    segment.append(exchange(url="http://gazette.example/a"))
    segment.append(failure())
    segment.add_record(b'{"n": 1}')
    segment.add_record(b'{"n": 2}\n')
    segment.add_event(b'{"e": 1}')
    sealed = segment.seal()
    stem = "gazette-20261123180000-00000-host.example"
    assert [part.key for part in sealed.parts] == [
        f"warc/gazette/2026/11/{stem}.warc.gz",
        f"index/gazette/2026/11/{stem}.cdxj.gz",
        f"records/gazette/2026/11/{stem}.0.jsonl.gz",
        f"events/gazette/2026/11/{stem}.jsonl.gz",
    ]
    for part in sealed.parts:
        assert (part.bytes, part.sha256) == (part.path.stat().st_size, file_sha256(part.path))
        assert part.path.name == part.key.rpartition("/")[2]
    warc, index, records, events = (gzip.decompress(part.path.read_bytes()) for part in sealed.parts)
    assert warc.count(b"WARC/1.1\r\nWARC-Type:") == sum(sealed.counts.values()) == 9
    assert [line.split(b" ")[0] for line in index.splitlines()] == [
        b"example,gazette)/a",
        b"example,gazette)/b",
    ]
    assert records == b'{"n": 1}\n{"n": 2}\n'
    assert events == b'{"e": 1}\n'
    assert sealed.manifest_key == f"manifests/gazette/2026/11/{stem}.json"
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {part.path.name for part in sealed.parts} | {f"{stem}.sealed.json", "serial"}


def test_empty_records_and_events_make_no_object(tmp_path: Path) -> None:
    sealed = new_segment(tmp_path).seal()
    assert [part.key.partition("/")[0] for part in sealed.parts] == ["warc", "index"]
    assert gzip.decompress(sealed.parts[1].path.read_bytes()) == b""


def test_a_sealed_segment_takes_nothing_more(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    sealed = segment.seal()
    before = snapshot(tmp_path)
    for again in (
        lambda: segment.append(exchange()),
        lambda: segment.add_record(b"{}"),
        lambda: segment.add_event(b"{}"),
        segment.flush,
        segment.seal,
    ):
        with pytest.raises(SegmentClosed):
            again()
    assert snapshot(tmp_path) == before
    assert sealed.warc.path.exists()


def test_forget_removes_what_is_left_of_a_sealed_segment(tmp_path: Path) -> None:
    sealed = new_segment(tmp_path).seal()
    sealed.parts[0].path.unlink()
    sealed.forget()
    assert [path.name for path in tmp_path.iterdir()] == ["serial"]


def test_a_line_end_inside_a_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line end"):
        new_segment(tmp_path).add_record(b"{}\n{}")


def test_nothing_is_overwritten_when_a_name_is_taken(tmp_path: Path) -> None:
    new_segment(tmp_path)
    before = open_warc(tmp_path).read_bytes()
    (tmp_path / "serial").unlink()
    with pytest.raises(SegmentWriteFailed):
        new_segment(tmp_path)
    assert open_warc(tmp_path).read_bytes() == before


def test_what_a_segment_tells_of_itself(tmp_path: Path) -> None:
    segment = new_segment(tmp_path, ids())
    capture = segment.append(exchange())
    assert segment.size_bytes == open_warc(tmp_path).stat().st_size == capture.offset + capture.length
    assert segment.counts == {"warcinfo": 1, "request": 1, "metadata": 1, "response": 1}
    assert capture.key == segment.warc_key == f"warc/gazette/2026/11/{capture.filename}"
    assert segment.records_key == f"records/gazette/2026/11/{segment.stem}.0.jsonl.gz"
    assert capture.http_head_bytes is not None
    assert (capture.status, capture.mime, capture.protocol) == (200, "text/html", "http/1.1")


def test_defaults_name_this_software_and_machine(tmp_path: Path) -> None:
    info = SegmentInfo(part_of="gazette")
    assert info.software.startswith("newsark")
    segment = Segment.create(tmp_path, "gazette", info)
    record = members(open_warc(tmp_path))[0]
    assert f"hostname: {info.hostname}\r\n".encode() in record
    assert b"operator" not in record
    assert segment.opened_at.utcoffset() is not None
    assert INFO.robots == "classic"


def test_write_durably_leaves_the_old_file_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.write_durably(path, [b"old"])

    def broken() -> Iterator[bytes]:
        yield b"new"
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(OSError, match="Input/output"):
        durable.write_durably(path, broken())
    assert path.read_bytes() == b"old"
    with path.open("rb") as reader:
        durable.write_durably(path, [b"new"])
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
