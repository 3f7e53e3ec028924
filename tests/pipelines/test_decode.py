"""Content codings: what was packed comes out, and never more than the limit."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import brotlicffi
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from pipelines.decode import STEP_BYTES, Decoded, decode_body
from storage.errors import BodyTooLarge, BodyUndecodable

LIMIT = 1 << 22


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotlicffi.compress,
    "zstd": zstd.compress,
}
CODINGS = sorted(PACKERS)
PAGE = b"<p>The harbour board said on Monday that the old ferry would sail again.</p>" * 3000


@given(data=st.binary(max_size=5000), codings=st.lists(st.sampled_from(CODINGS), max_size=3))
def test_what_was_packed_comes_out(data: bytes, codings: list[str]) -> None:
    packed = data
    for coding in codings:
        packed = PACKERS[coding](packed)
    assert decode_body(packed, ", ".join(codings), LIMIT) == Decoded(data, complete=True)


@given(data=st.binary(max_size=300), coding=st.sampled_from(CODINGS))
def test_any_bytes_decode_or_are_refused(data: bytes, coding: str) -> None:
    with suppress(BodyUndecodable):
        assert len(decode_body(data, coding, LIMIT).data) <= LIMIT


def test_deflate_without_the_zlib_wrapper_is_read() -> None:
    assert decode_body(bare_deflate(PAGE), "deflate", LIMIT).data == PAGE


def test_members_and_frames_follow_one_another() -> None:
    assert decode_body(gzip.compress(PAGE) + gzip.compress(b"more"), "gzip", LIMIT).data == PAGE + b"more"
    assert decode_body(zstd.compress(PAGE) + zstd.compress(b"more"), "zstd", LIMIT).data == PAGE + b"more"


def test_what_follows_the_last_gzip_member_is_ignored() -> None:
    assert decode_body(gzip.compress(PAGE) + b"\0\0\0", "gzip", LIMIT) == Decoded(PAGE, complete=True)
    assert decode_body(gzip.compress(PAGE) + b"<!-- cache -->", "gzip", LIMIT) == Decoded(PAGE, complete=True)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_stream_that_was_cut_short_gives_what_there_is(coding: str) -> None:
    packed = PACKERS[coding](PAGE)
    found = decode_body(packed[:-20], coding, LIMIT)
    assert not found.complete
    assert len(found.data) > len(PAGE) // 2
    assert PAGE.startswith(found.data)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_cut_is_noticed_in_every_coding(coding: str) -> None:
    found = decode_body(PACKERS[coding](PAGE)[:-3], coding, LIMIT)
    assert not found.complete
    assert PAGE.startswith(found.data)


@pytest.mark.parametrize("coding", CODINGS)
def test_the_limit_is_the_size_unpacked(coding: str) -> None:
    packed = PACKERS[coding](PAGE)
    assert decode_body(packed, coding, len(PAGE)).data == PAGE
    with pytest.raises(BodyTooLarge) as caught:
        decode_body(packed, coding, len(PAGE) - 1)
    assert caught.value.limit_bytes == len(PAGE) - 1


def test_an_identity_body_has_the_same_limit() -> None:
    with pytest.raises(BodyTooLarge):
        decode_body(PAGE, None, 10)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_three_gigabytes_are_refused_in_bounded_memory(coding: str) -> None:
    part = gzip.compress(bytes(1 << 20), 1) if coding == "gzip" else zstd.compress(bytes(1 << 20))
    bomb = part * 3072
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge):
            decode_body(bomb, coding, LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # the buffer that grows towards the limit is copied when it grows, by an eighth at a time
    assert peak < 2.5 * LIMIT + 4 * STEP_BYTES


def test_an_unknown_coding_is_named() -> None:
    with pytest.raises(BodyUndecodable) as caught:
        decode_body(b"x", "gzip, lzma", LIMIT)
    assert caught.value.encoding == "lzma"


def test_a_broken_stream_names_its_coding() -> None:
    broken = bytearray(gzip.compress(PAGE))
    broken[40:60] = bytes(20)
    with pytest.raises(BodyUndecodable) as caught:
        decode_body(bytes(broken), "gzip", LIMIT)
    assert caught.value.encoding == "gzip"


def test_markup_under_a_stale_gzip_header_is_returned_as_it_is() -> None:
    assert decode_body(b"\n<html></html>", "gzip", LIMIT) == Decoded(b"\n<html></html>", complete=True)


@pytest.mark.parametrize("coding", ["", "identity", "Identity , ", None])
def test_no_coding_changes_nothing(coding: str | None) -> None:
    assert decode_body(PAGE, coding, LIMIT).data == PAGE


def test_an_empty_body_is_complete_whatever_it_says() -> None:
    assert decode_body(b"", "br", LIMIT) == Decoded(b"", complete=True)
