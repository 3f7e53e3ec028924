"""The tolerant reader: every byte of a file is accounted for, and damage costs the records that it is in alone."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import NotReadableWarc
from storage.foreignfile import Gap, SeveralRecords, read_records
from storage.foreignrecord import ForeignRecord, foreign_record, unpacked
from storage.importnames import import_key, import_name, is_imported, sha256_of, waiting_name
from tests.foreignfiles import address, arc, articles, packed_whole

PACKED = articles(5)
PLAIN = articles(5, packed=False)
ARC = arc(5)
KEY = import_key("ab" * 32, "x.warc.gz")


def found_in(data: bytes) -> list[ForeignRecord | Gap]:
    return list(read_records(io.BytesIO(data)))


def starts(data: bytes) -> dict[int, ForeignRecord]:
    return {one.offset: one for one in found_in(data) if isinstance(one, ForeignRecord)}


def is_accounted_for(data: bytes) -> None:
    place = 0
    for one in found_in(data):
        assert (one.offset, one.length > 0) == (place, True)
        place += one.length
    assert place == len(data)


@pytest.mark.parametrize("data", [PACKED, PLAIN, ARC], ids=["packed", "plain", "arc"])
def test_a_whole_file_has_no_gaps_and_every_record(data: bytes) -> None:
    found = found_in(data)
    assert not any(isinstance(one, Gap) or one.problem for one in found)
    assert [one.url for one in found if isinstance(one, ForeignRecord)][1:] == [address(number) for number in range(5)]
    is_accounted_for(data)


@given(st.sampled_from([PACKED, PLAIN, ARC]), st.binary(max_size=400), st.floats(0, 1), st.integers(0, 600))
@settings(deadline=None, max_examples=150)
def test_every_byte_is_a_record_or_a_gap_whatever_is_put_in_or_taken_out(
    data: bytes, noise: bytes, where: float, gone: int
) -> None:
    place = int(where * len(data))
    is_accounted_for(data[:place] + noise + data[place + gone :])


@pytest.mark.parametrize("gone", range(1, 12))
def test_a_last_record_that_lacks_a_few_bytes_ends_with_the_file(gone: int) -> None:
    data = PLAIN[: -200 - gone] + PLAIN[-200:]
    is_accounted_for(data)
    last = found_in(data)[-1]
    assert isinstance(last, ForeignRecord)
    assert bool(last.problem) == (gone > 4)


@given(st.binary(max_size=3000))
def test_noise_is_read_to_its_end(data: bytes) -> None:
    is_accounted_for(data)


@given(st.data())
@settings(deadline=None)
def test_damage_within_a_packed_record_costs_that_record_alone(data: st.DataObject) -> None:
    whole = starts(PACKED)
    hit = data.draw(st.sampled_from(list(whole.values())))
    at = data.draw(st.integers(hit.offset + 20, hit.offset + hit.length - 9))
    damaged = starts(PACKED[:at] + bytes([PACKED[at] ^ 0xFF]) + PACKED[at + 1 :])
    others = {offset: one for offset, one in whole.items() if one is not hit}
    assert {offset: one for offset, one in damaged.items() if offset != hit.offset} == others


@given(st.integers(0, 4), st.integers(-300, 300).filter(lambda wrong: abs(wrong) > 8))
@settings(deadline=None)
def test_a_plain_record_of_a_wrong_length_ends_where_the_next_begins(number: int, wrong: int) -> None:
    record = list(starts(PLAIN).values())[number + 1]
    told = f"Content-Length: {record.fields['content-length']}\r\n".encode()
    length = max(0, int(record.fields["content-length"]) + wrong)
    head = PLAIN.index(told, record.offset)
    lies = PLAIN[:head] + f"Content-Length: {length}\r\n".encode() + PLAIN[head + len(told) :]
    found = [one for one in found_in(lies) if isinstance(one, ForeignRecord)]
    assert [one.url for one in found][1:] == [address(one) for one in range(5)]
    assert [one.problem is not None for one in found][1:] == [one == number for one in range(5)]


def test_several_records_in_one_member_are_news() -> None:
    with pytest.raises(SeveralRecords):
        found_in(packed_whole(PLAIN))


@given(st.binary(max_size=600))
def test_bytes_that_are_no_record_say_so_and_nothing_else_is_raised(data: bytes) -> None:
    for begin in (b"", b"WARC/1.0\r\n", b"http://a.example 1.2.3.4 20210301 text/html 5\n", b"\x1f\x8b\x08"):
        try:
            record = foreign_record(unpacked(begin + data), "x", 0, 10)
        except NotReadableWarc:
            continue
        assert isinstance(record.body, bytes)
        assert record.record_id(KEY).startswith("<")
        try:
            capture = record.capture(KEY)
        except ValueError:
            continue
        assert capture.from_facts(capture.facts()) == capture


@given(st.text(max_size=300))
def test_any_name_fits_into_a_key(name: str) -> None:
    key = import_key("0f" * 32, name)
    assert is_imported(key)
    assert sha256_of(key) == "0f" * 32
    assert import_name(import_name(name)) == import_name(name)
    assert waiting_name(key).endswith(".imported")
