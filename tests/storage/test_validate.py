"""The validator on files of Newsark's own, on arbitrary bytes, on flipped bits, and in bounded memory."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import tracemalloc
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_samples import BODY, REQUEST, TLS, exchange, failure, new_segment, open_warc

from storage.directory import DirectoryStore
from storage.errors import ObjectMissing
from storage.validation.faults import LISTED_PER_RULE, Verdict
from storage.validation.objectfile import open_object
from storage.validation.validator import validate
from tests.storage.wacz_files import compressed
from tests.storage.warc_files import EVENT, NAME, Made, member, packed, plain, record, uuid, warc_1_1

VALID = packed(warc_1_1().values())
FLAT = plain(warc_1_1().values())
WACZ = compressed().bytes()
HEAD_200 = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"


def verdict(data: bytes, name: str | None = None) -> Verdict:
    return validate(io.BytesIO(data), "file", name)


def test_a_segment_of_newsark_has_no_fault(tmp_path: Path) -> None:
    segment = new_segment(tmp_path)
    original = segment.append(exchange(tls=TLS, via="http://gazette.example/feed.xml"), hops=2)
    segment.append(exchange(url="http://gazette.example/copy"), original=original)
    not_modified = b'HTTP/1.1 304 Not Modified\r\nETag: "one"\r\n\r\n'
    segment.append(exchange(response_head=not_modified, body=b""), original=original)
    segment.append(exchange(url="http://gazette.example/a b?ё"))
    segment.append(exchange(body=BODY[:5], truncated="disconnect"))
    segment.append(exchange(request=REQUEST.replace(b"GET", b"POST") + b"a=1"))
    segment.append(replace(failure(), request=b""))
    path = open_warc(tmp_path)
    with path.open("rb") as file:
        found = validate(file, "segment", path.name.removesuffix(".open"))
    assert found.faults == ()
    assert found.records == 20


def test_a_response_to_head_needs_no_body_wherever_its_request_stands() -> None:
    records = warc_1_1()
    ask = records["request"].of(b"HEAD /one HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = records["response"].of(HEAD_200).less("WARC-Payload-Digest")
    first = [records["warcinfo"], ask, answer]
    assert verdict(packed(first)).faults == ()
    assert verdict(packed([first[0], first[2], first[1]])).faults == ()
    linked = [first[0], ask.less("WARC-Concurrent-To"), answer.more("WARC-Concurrent-To", uuid(2))]
    assert verdict(packed(linked)).faults == ()
    get = [records["warcinfo"], records["request"], answer]
    assert [fault.rule for fault in verdict(packed(get)).faults] == ["http-truncated"]


@pytest.mark.parametrize("coding", ["identity", "Chunked"])
def test_a_body_is_digested_without_its_transfer_coding_and_with_its_content_encoding(coding: str) -> None:
    body = zlib.compress(b"text")
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if coding == "Chunked" else body
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\ntransfer-encoding:{coding}\r\n\r\n".encode()
    records = [warc_1_1()["warcinfo"], warc_1_1()["response"].of(head + sent, body)]
    assert verdict(packed(records)).faults == ()


def test_what_is_marked_as_truncated_may_be_short() -> None:
    records = warc_1_1()
    short = records["response"].of(HEAD_200 + b"<p>", b"<p>").more("WARC-Truncated", "disconnect")
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    cut = records["chunked"].of(head + b"5\r\nabc", b"abc").more("WARC-Truncated", "time")
    assert verdict(packed([records["warcinfo"], short, cut])).faults == ()


def test_dates_of_every_granularity_are_of_1_1() -> None:
    for date in ("2026", "2026-11", "2026-11-23", "2026-11-23T18:05Z", "2026-11-23T18:05:09.123456789Z"):
        made = warc_1_1()["resource"].put("WARC-Date", date)
        assert verdict(packed([warc_1_1()["warcinfo"], made])).faults == ()


def test_digests_of_every_algorithm_and_base_are_verified() -> None:
    def faults(label: str, text: str) -> set[str]:
        made = warc_1_1()["resource"].put("WARC-Payload-Digest", f"{label}:{text}")
        return {fault.rule for fault in verdict(packed([warc_1_1()["warcinfo"], made])).faults}

    for label in ("md5", "sha1", "sha256", "sha384", "sha512", "sha3-256", "blake2b"):
        digest = hashlib.new(label.replace("-", "_"), b"abc", usedforsecurity=False).digest()
        wrong = bytes([digest[0] ^ 1]) + digest[1:]
        base32 = base64.b32encode(digest).decode()
        assert faults(label, digest.hex()) == set()
        assert faults(label, base32) == ({"digest-form"} if "=" in base32 else set())
        assert faults(label, wrong.hex()) == {"payload-digest"}


def test_records_in_a_row_after_damage_are_still_found() -> None:
    records = list(warc_1_1().values())
    damaged = member(records[2].bytes())[:30] + b"\xff" * 40
    data = packed(records[:2]) + damaged + packed(records[3:])
    found = verdict(data)
    assert not found.ok
    assert found.records >= 7


def test_many_faults_of_one_rule_are_counted_and_not_all_kept() -> None:
    made = [warc_1_1()["resource"].put("WARC-Record-ID", uuid(n + 9)).more("WARC-Mood", "x") for n in range(1200)]
    found = verdict(plain([warc_1_1()["warcinfo"], *made]))
    assert len(found.faults) == LISTED_PER_RULE
    assert found.unlisted == {"field-unknown": 1200 - LISTED_PER_RULE}
    assert found.facts()["unlisted"] == {"field-unknown": 200}


class Endless:
    """A WARC file whose last record has a body of that many bytes, made as it is read."""

    def __init__(self, body_bytes: int) -> None:
        self._pieces = self._made(body_bytes)
        self._held = b""
        self.size_bytes = 0

    def _made(self, body_bytes: int) -> Iterator[bytes]:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n"
        made = warc_1_1()["response"].less("WARC-Payload-Digest", "WARC-Block-Digest")
        made = made.put("Content-Length", str(len(head) + body_bytes))
        yield warc_1_1()["warcinfo"].bytes()
        yield Made(made.fields, head, end=b"").bytes()
        piece = b"x" * 65536
        for _ in range(body_bytes // len(piece)):
            yield piece
        yield b"\r\n\r\n"

    def read(self, size: int, /) -> bytes:
        while len(self._held) < size and (piece := next(self._pieces, b"")):
            self._held += piece
        piece, self._held = self._held[:size], self._held[size:]
        self.size_bytes += len(piece)
        return piece

    def seekable(self) -> bool:
        return False


def test_a_long_body_is_not_held_in_memory() -> None:
    file = Endless(128 * 1024 * 1024)
    tracemalloc.start()
    found = validate(file, "file", None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.faults == ()
    assert file.size_bytes > 128 * 1024 * 1024
    assert peak < 8 * 1024 * 1024


def test_a_member_that_unpacks_to_much_is_not_held_in_memory() -> None:
    made = record(8, "resource", b"\0" * 60_000_000, "text/plain", ("WARC-Target-URI", EVENT))
    data = member(warc_1_1()["warcinfo"].bytes()) + member(made.bytes())
    del made
    tracemalloc.start()
    found = verdict(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.faults == ()
    assert peak < 8 * 1024 * 1024


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2000))
def test_arbitrary_bytes_have_a_verdict(data: bytes) -> None:
    assert not verdict(data).ok
    for beginning in (b"WARC/1.1\r\n", member(b"WARC/1.1\r\n" + data), b"PK\x03\x04"):
        assert not verdict(beginning + data).ok


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([VALID, FLAT, WACZ]), st.data())
def test_mutated_files_have_a_verdict(valid: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(valid)))
    end = data.draw(st.integers(start, min(len(valid), start + 300)))
    changed = valid[:start] + data.draw(st.binary(max_size=60)) + valid[end:]
    found = verdict(changed, data.draw(st.sampled_from([None, NAME, "x.wacz"])))
    assert orjson.loads(orjson.dumps(found.facts()))["ok"] == found.ok


@settings(max_examples=200, deadline=None)
@given(st.integers(1, len(VALID) - 1))
def test_a_file_cut_anywhere_but_between_records_is_an_error(length: int) -> None:
    ends = {len(packed(list(warc_1_1().values())[:count])) for count in range(9)}
    assert verdict(VALID[:length]).ok == (length in ends)
    flat_length = length * len(FLAT) // len(VALID)
    flat_ends = {len(plain(list(warc_1_1().values())[:count])) for count in range(9)}
    assert verdict(FLAT[:flat_length]).ok == (flat_length in flat_ends)


def unpacked(data: bytes) -> bytes | None:
    """What a reader gets from gzip members, or None when it refuses them."""
    pieces = []
    while data:
        inflater = zlib.decompressobj(31)
        try:
            pieces.append(inflater.decompress(data))
        except zlib.error:
            return None
        if not inflater.eof:
            return None
        data = inflater.unused_data
    return b"".join(pieces)


def test_any_flipped_bit_that_changes_what_a_gzip_file_holds_is_found() -> None:
    """Bits of all parts are tried. Those of the gzip header that say nothing, and padding, change no record."""
    harmless = 0
    # a step of 1 takes a minute
    for at in range(0, len(VALID) * 8, 31):
        changed = bytearray(VALID)
        changed[at // 8] ^= 1 << at % 8
        if unpacked(bytes(changed)) == FLAT:
            harmless += 1
        else:
            assert not verdict(bytes(changed)).ok, at
    # time, system and level in the headers of the eight members, one flag, and up to 7 bits of padding
    assert harmless <= 8 * (8 * 6 + 1 + 7) // 31 + 8


def test_any_flipped_bit_of_a_block_is_found_where_records_are_not_compressed() -> None:
    offset = 0
    for made in warc_1_1().values():
        start = offset + len(made.bytes()) - len(made.block) - 4
        for at in random.Random(1).sample(range(len(made.block)), min(20, len(made.block))):
            changed = bytearray(FLAT)
            changed[start + at] ^= 1 << at % 8
            assert "block-digest" in {fault.rule for fault in verdict(bytes(changed)).faults}
        offset += len(made.bytes())


def test_an_object_of_a_store_is_read_as_a_file(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    for key, data in (("a/x.wacz", WACZ), ("a/x.warc.gz", VALID), ("a/empty.warc", b"")):
        store.put_bytes(key, data)
        with open_object(store, key) as file:
            assert file.read() == data
            file.seek(0)
            assert validate(file, "file", None) == verdict(data)
    with pytest.raises(ObjectMissing):
        open_object(store, "a/none.warc")
