"""Times, digests, gzip members and named fields: the conversions that everything else rests on."""

from __future__ import annotations

import base64
import gzip
import hashlib
import subprocess
import sys
import zlib
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.timeutils import iso_date_to_timestamp

from storage import gzipmembers
from storage.digests import composite_sha256, file_digests, file_sha256, sha256_digest, sha256_hex
from storage.errors import NotReadableWarc
from storage.gzipmembers import gzip_member, gzip_stream, read_members, unpack_member
from storage.timestamps import from_timestamp, from_warc_date, timestamp14, timestamp17, warc_date
from storage.warcfields import field_lines, from_printable, parse_field_lines, printable

MOMENTS = st.datetimes(
    datetime(1001, 1, 1),  # noqa: DTZ001  the strategy adds the offset
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(MOMENTS)
def test_times_are_read_back_as_far_as_their_digits_go(moment: datetime) -> None:
    assert from_warc_date(warc_date(moment)) == moment
    assert from_timestamp(timestamp14(moment)) == moment.astimezone(UTC).replace(microsecond=0)
    assert abs(from_timestamp(timestamp17(moment)) - moment) < timedelta(milliseconds=1)
    assert iso_date_to_timestamp(warc_date(moment)) == timestamp14(moment)


def test_times_are_written_in_utc() -> None:
    moment = datetime(2026, 1, 1, 1, 30, 0, 9, timezone(timedelta(hours=3)))
    assert warc_date(moment) == "2025-12-31T22:30:00.000009Z"
    assert timestamp14(moment) == "20251231223000"
    assert timestamp17(moment) == "20251231223000000"


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [("", 0), (".5", 500000), (".123456789", 123456), (".000001", 1), (".1234", 123400)],
)
def test_warc_dates_of_other_writers_are_read(text: str, microsecond: int) -> None:
    assert from_warc_date(f"2026-02-03T04:05:06{text}Z") == datetime(2026, 2, 3, 4, 5, 6, microsecond, UTC)


@pytest.mark.parametrize("text", ["yesterday", "2026-02-03", "2026-02-03T04:05:06", "2026-02-30T00:00:00Z", ""])
def test_what_is_no_warc_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_warc_date(text)


@pytest.mark.parametrize("digits", ["2026", "2026020304050", "20261303040506", "2026020304050６", "202602030405067"])
def test_what_is_no_timestamp_is_refused(digits: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_timestamp(digits)


def test_a_time_without_offset_is_refused() -> None:
    for write in (warc_date, timestamp14, timestamp17):
        with pytest.raises(ValueError, match="offset"):
            write(datetime(2026, 1, 1))  # noqa: DTZ001 - that it has none is the point


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_a_digest_of_pieces_is_the_digest_of_the_whole(pieces: list[bytes]) -> None:
    assert sha256_digest(*pieces) == "sha256:" + hashlib.sha256(b"".join(pieces)).hexdigest()


def test_the_digest_of_nothing() -> None:
    assert sha256_hex(b"") == EMPTY
    assert sha256_digest() == "sha256:" + EMPTY


@given(st.binary(max_size=100), st.integers(1, 40))
def test_file_digests_are_those_of_the_file_and_of_its_parts(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, part: int
) -> None:
    path = tmp_path_factory.mktemp("digests") / "file"
    path.write_bytes(data)
    found = file_digests(path, part)
    assert (found.size_bytes, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert found.sha256 == file_sha256(path)
    parts = [data[start : start + part] for start in range(0, len(data), part)]
    expected = composite_sha256(hashlib.sha256(one).digest() for one in parts) if len(parts) > 1 else None
    assert found.composite_sha256 == expected


def test_a_composite_digest_is_written_as_s3_does() -> None:
    digests = [hashlib.sha256(b"a").digest(), hashlib.sha256(b"b").digest()]
    expected = base64.b64encode(hashlib.sha256(b"".join(digests)).digest()).decode() + "-2"
    assert composite_sha256(digests) == expected


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=5))
def test_members_are_read_back_one_by_one(blocks: list[bytes]) -> None:
    packed = [gzip_member([block[:7], block[7:]]) for block in blocks]
    data = b"".join(packed)
    found = list(read_members(BytesIO(data), "x"))
    assert [member.data for member in found] == blocks
    assert [data[member.offset : member.offset + member.length] for member in found] == packed
    assert [unpack_member(one, "x", 0) for one in packed] == blocks
    assert gzip.decompress(data) == b"".join(blocks)


def test_a_stream_is_one_member_without_name_or_time() -> None:
    packed = b"".join(gzip_stream([b"a" * 100000, b"", b"b"]))
    assert unpack_member(packed, "x", 0) == b"a" * 100000 + b"b"
    assert packed[3:8] == b"\0\0\0\0\0"


def test_large_members_cross_the_reading_window() -> None:
    blocks = [bytes(range(256)) * 300, b"small", hashlib.sha256(b"").digest() * 2000]
    data = b"".join(map(gzip_member, ([block] for block in blocks)))
    assert [member.data for member in read_members(BytesIO(data), "x")] == blocks


@pytest.mark.parametrize(
    "harm", [lambda d: d[:-1], lambda d: d + b"\0", lambda d: d[:20] + b"\xff" + d[21:], lambda d: d + d]
)
def test_what_is_not_one_whole_member_is_refused(harm: object) -> None:
    data = gzip_member([b"some text that is compressed"])
    with pytest.raises(NotReadableWarc) as refused:
        unpack_member(harm(data), "a.warc.gz", 7)
    assert (refused.value.filename, refused.value.offset) == ("a.warc.gz", 7)


def test_a_damaged_checksum_is_noticed_and_what_stands_before_is_given() -> None:
    good, bad = gzip_member([b"one"]), bytearray(gzip_member([b"two"]))
    bad[-5] ^= 1
    reading = read_members(BytesIO(good + bad), "x")
    assert next(reading).data == b"one"
    with pytest.raises(NotReadableWarc) as refused:
        next(reading)
    assert refused.value.offset == len(good)


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzipmembers, "MEMBER_LIMIT_BYTES", 1000)
    packed = gzip_member([b"\0" * 100000])
    with pytest.raises(NotReadableWarc, match="more than 1000 bytes"):
        unpack_member(packed, "x", 0)
    with pytest.raises(NotReadableWarc, match="more than 1000 bytes"):
        list(read_members(BytesIO(packed), "x"))


def test_without_isal_zlib_does_the_same() -> None:
    root = Path(__file__).parents[2]
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r}); sys.modules['isal'] = None\n"
        "from storage.gzipmembers import gzip_member, read_members, unpack_member\n"
        "sys.stdout.buffer.write(gzip_member([b'one ' * 50, b'two']))\n"
    )
    packed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
    assert unpack_member(packed, "x", 0) == b"one " * 50 + b"two"
    assert packed != gzip_member([b"one " * 50, b"two"])


def test_members_are_gzip_to_everyone() -> None:
    data = gzip_member([b"text " * 100])
    assert zlib.decompress(data, 31) == gzip.decompress(data) == b"text " * 100


@given(st.binary(max_size=60))
def test_printable_is_one_ascii_line_that_gives_the_bytes_back(octets: bytes) -> None:
    text = printable(octets)
    assert from_printable(text) == octets
    assert text.isascii()
    assert text.strip() == text
    assert parse_field_lines(field_lines([("a", text)])) == [("a", text)]


@given(st.lists(st.tuples(st.from_regex(r"[A-Za-z-]{1,8}", fullmatch=True), st.text(max_size=20))))
def test_fields_stay_one_line_each(fields: list[tuple[str, str]]) -> None:
    read = parse_field_lines(field_lines(fields))
    assert [name for name, _ in read] == [name for name, _ in fields]


def test_folded_fields_of_other_writers_are_joined() -> None:
    assert parse_field_lines(b"a: b\r\n\tc\r\nno colon\r\nd:e\r\n") == [("a", "b c"), ("d", "e")]
