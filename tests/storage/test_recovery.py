"""After a crash: whole exchanges are kept, torn ends are put aside, and what was sealed is found again."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from storage_samples import clock, exchange, failure, ids, members, new_segment, open_warc

from storage.cdxj import index_line
from storage.recovery import recover
from storage.segment import Segment
from storage.warcscan import scan_records


def left_open(directory: Path) -> tuple[Segment, list[int]]:
    """A segment with three exchanges, and where each of them ends."""
    segment = new_segment(directory)
    ends = [segment.size_bytes]
    for one in (exchange(), failure(), exchange(url="http://gazette.example/two", body=b"other")):
        segment.append(one)
        ends.append(segment.size_bytes)
    segment.flush()
    segment.close()
    return segment, ends


def test_a_file_cut_at_any_byte_is_cut_back_to_its_last_whole_exchange(tmp_path: Path) -> None:
    _, ends = left_open(tmp_path)
    warc = open_warc(tmp_path)
    data = warc.read_bytes()
    index = (tmp_path / warc.name.replace(".warc.gz", ".cdxj")).read_bytes()
    for size in range(ends[2], len(data) + 1):
        warc.write_bytes(data[:size])
        (found,) = recover(tmp_path, clock=clock)
        whole = ends[3] if size == ends[3] else ends[2]
        assert warc.read_bytes() == data[:whole]
        assert found.cut_bytes == size - whole
        assert len(found.captures) == (3 if whole == ends[3] else 2)
        lines = b"".join(line for line in map(index_line, found.captures) if line)
        assert index.startswith(lines)
        assert (tmp_path / warc.name.replace(".warc.gz", ".cdxj")).read_bytes() == lines
        assert found.segment is not None
        found.segment.close()
    torn = sorted(tmp_path.glob("*.torn"))
    assert [path.read_bytes() for path in torn] == [data[ends[2] : -1]]


def test_a_damaged_byte_costs_what_follows_and_that_is_put_aside(tmp_path: Path) -> None:
    _, ends = left_open(tmp_path)
    warc = open_warc(tmp_path)
    data = bytearray(warc.read_bytes())
    data[ends[1] + 60] ^= 1
    warc.write_bytes(data)
    (found,) = recover(tmp_path, clock=clock)
    assert warc.read_bytes() == data[: ends[1]]
    (torn,) = tmp_path.glob("*.torn")
    assert torn.read_bytes() == data[ends[1] :]
    assert len(found.captures) == 1


def test_a_recovered_segment_goes_on_and_seals_as_if_nothing_had_happened(tmp_path: Path) -> None:
    new_id = ids()
    whole = new_segment(tmp_path / "whole", new_id=ids())
    for one in (exchange(), failure(), exchange(body=b"other")):
        whole.append(one)
        whole.add_record(b'{"x": 1}')
    broken = new_segment(tmp_path / "broken", new_id)
    for one in (exchange(), failure()):
        broken.append(one)
        broken.add_record(b'{"x": 1}')
    broken.close()
    (found,) = recover(tmp_path / "broken", clock=clock, new_id=new_id)
    assert found.segment is not None
    assert found.segment.opened_at == broken.opened_at
    assert (found.cut_bytes, found.dropped_lines) == (0, 0)
    found.segment.append(exchange(body=b"other"))
    found.segment.add_record(b'{"x": 1}')
    first, second = whole.seal(), found.seal()
    assert [(part.key, part.sha256) for part in first.parts] == [(part.key, part.sha256) for part in second.parts]
    assert first.counts == second.counts


def test_lines_that_are_torn_or_point_past_the_cut_are_put_aside(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    kept = segment.append(exchange())
    cut = segment.append(exchange())

    def line(offset: int, filename: str = kept.filename) -> bytes:
        return orjson.dumps({"headline": "x", "archive": {"filename": filename, "offset": offset}})

    good = [line(kept.offset), line(cut.offset, "elsewhere.warc.gz"), b'{"captures": []}']
    bad = [
        line(kept.offset + kept.length),
        line(cut.offset),
        orjson.dumps({"captures": [{"filename": cut.filename, "offset": cut.offset}]}),
        b"\0\0",
    ]
    for one in (good[0], bad[0], good[1], bad[1], good[2], *bad[2:]):
        segment.add_record(one)
    segment.add_event(b'{"e": 1}')
    segment.close()
    warc = open_warc(tmp_path)
    warc.write_bytes(warc.read_bytes()[:-1])
    records = tmp_path / f"{segment.stem}.0.jsonl.open"
    records.write_bytes(records.read_bytes() + b'{"torn": tr')
    (found,) = recover(tmp_path, clock=clock)
    assert found.dropped_lines == 5
    sealed = found.seal()
    assert gzip.decompress(sealed.parts[2].path.read_bytes()).splitlines() == good
    assert gzip.decompress(sealed.parts[3].path.read_bytes()) == b'{"e": 1}\n'
    (torn,) = tmp_path.glob("*.0.jsonl.open.*.torn")
    assert torn.read_bytes().splitlines() == [*bad, b'{"torn": tr']


def test_a_file_without_its_warcinfo_is_put_aside(tmp_path: Path) -> None:
    new_segment(tmp_path).close()
    warc = open_warc(tmp_path)
    data = warc.read_bytes()[:-3]
    warc.write_bytes(data)
    assert recover(tmp_path, clock=clock) == []
    assert [path.read_bytes() for path in tmp_path.glob("*.torn")] == [data]
    assert list(tmp_path.glob("*.open")) == []
    assert recover(tmp_path, clock=clock) == []


def test_a_sealed_segment_is_found_again_until_it_is_forgotten(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    segment.append(exchange())
    sealed = segment.seal()
    (found,) = recover(tmp_path, clock=clock)
    assert found.seal() == sealed
    sealed.forget()
    assert recover(tmp_path, clock=clock) == []


def test_sealing_that_was_cut_short_at_any_step_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sealed_after_steps(directory: Path, steps: int | None) -> list[tuple[str, str]]:
        segment = new_segment(directory)
        segment.append(exchange())
        segment.add_record(b"{}")
        left = steps

        class CrashError(Exception):
            pass

        def step(real: object) -> object:
            def counted(*args: object, **options: object) -> object:
                nonlocal left
                if left is not None:
                    if left == 0:
                        raise CrashError
                    left -= 1
                return real(*args, **options)

            return counted

        with monkeypatch.context() as patched:
            for name in ("replace", "unlink"):
                patched.setattr(Path, name, step(getattr(Path, name)))
            try:
                segment.seal()
            except CrashError:
                segment.close()
        left = None
        (found,) = recover(directory, clock=clock)
        parts = [(part.key, part.sha256) for part in found.seal().parts]
        assert not list(directory.glob("*.open"))
        return parts

    expected = sealed_after_steps(tmp_path / "whole", None)
    for steps in range(8):
        assert sealed_after_steps(tmp_path / str(steps), steps) == expected


def test_what_flush_returned_for_survives_kill_9(tmp_path: Path) -> None:
    here = Path(__file__).parent
    code = (
        f"import sys, itertools; sys.path[:0] = [{str(here)!r}, {str(here.parents[1])!r}]\n"
        "from pathlib import Path\n"
        "from storage_samples import exchange, new_segment\n"
        "from storage.segment import new_record_id\n"
        f"segment = new_segment(Path({str(tmp_path)!r}), new_record_id)\n"
        "for number in itertools.count():\n"
        "    segment.append(exchange(url=f'http://gazette.example/{number}', body=b'x' * number))\n"
        "    segment.flush()\n"
        "    print(number, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as crawl:
        assert crawl.stdout is not None
        told = [int(crawl.stdout.readline()) for _ in range(40)]
        os.kill(crawl.pid, signal.SIGKILL)
        told += [int(line) for line in crawl.stdout.read().split("\n")[:-1]]
    (found,) = recover(tmp_path, clock=clock)
    kept = {capture.url for capture in found.captures}
    assert {f"http://gazette.example/{number}" for number in told} <= kept
    with open_warc(tmp_path).open("rb") as file:
        assert sum(1 for _ in scan_records(file, "x")) == 1 + 3 * len(kept)


def test_several_segments_come_back_oldest_first(tmp_path: Path) -> None:
    sealed = new_segment(tmp_path)
    sealed.seal()
    new_segment(tmp_path).close()
    found = recover(tmp_path, clock=clock)
    assert [one.stem[-18:-13] for one in found] == ["00000", "00001"]
    assert [one.sealed is None for one in found] == [False, True]
    assert len(members(open_warc(tmp_path))) == 1
