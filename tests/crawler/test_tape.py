"""However the bytes arrive in packets, the tape holds the same heads."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.framing import (
    STATUS_LINE_LIMIT_BYTES,
    HeadTooLarge,
    UnreadableHead,
    framing_head,
    head_end,
    is_interim,
)
from crawler.tape import HEAD_LIMIT_BYTES, Tape, TapedProtocol
from storage.exchange import TlsFacts

LINE_END = st.sampled_from([b"\r\n", b"\n"])
# any bytes that cannot end a line: a field need not be one
FIELD = st.binary(min_size=1, max_size=30).map(lambda raw: b"x" + re.sub(rb"[\r\n]", b"", raw))


@st.composite
def heads(draw: st.DrawFn, codes: st.SearchStrategy[int]) -> bytes:
    lines = [b"HTTP/1.1 %d x" % draw(codes), *draw(st.lists(FIELD, max_size=4)), b""]
    leading = b"".join(draw(st.lists(LINE_END, max_size=2)))
    return leading + b"".join(line + draw(LINE_END) for line in lines)


INTERIM = heads(st.sampled_from([100, 102, 103, 199]))
FINAL = heads(st.sampled_from([101, 200, 304, 404, 599, 999]))
BODY = st.binary(max_size=60)


@given(st.lists(INTERIM, max_size=3), FINAL, BODY, st.lists(st.integers(0, 500), max_size=8))
def test_heads_and_body_are_parted_the_same_wherever_packets_end(
    interim: list[bytes], final: bytes, body: bytes, cuts: list[int]
) -> None:
    stream = b"".join([*interim, final, body])
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    packets = [stream[start:end] for start, end in pairwise(places)]
    tape = Tape()
    following = None
    while following is None and packets:
        following = tape.take_head(packets.pop(0))
    assert tape.response_head == tape.head_so_far() == final
    assert tape.interim_heads == interim
    assert (following or b"") + b"".join(packets) == body


@given(st.lists(st.sampled_from([b"\r", b"\n", b"a", b"\r\n"]), max_size=12).map(b"".join), st.integers(0, 30))
def test_the_end_of_a_head_is_found_wherever_the_search_starts_before_it(data: bytes, start: int) -> None:
    found = re.compile(rb"[\r\n]*[^\r\n].*?\n\r?\n", re.DOTALL).match(data)
    expected = found.end() if found else 0
    assert head_end(data) == expected
    if start <= expected - 3:
        assert head_end(data, searched=start) == expected


def test_a_head_that_is_not_whole_is_there_as_far_as_it_came() -> None:
    tape = Tape()
    assert tape.take_head(b"HTTP/1.1 200 OK\r\nX-") is None
    assert tape.take_head(b"Half: y\r\n") is None
    assert (tape.response_head, tape.head_so_far()) == (b"", b"HTTP/1.1 200 OK\r\nX-Half: y\r\n")


def test_a_first_line_that_is_no_http_is_refused_as_soon_as_it_ends() -> None:
    tape = Tape()
    assert tape.take_head(b"\r\n220 mail.example") is None
    with pytest.raises(UnreadableHead, match=r"220 mail\.example ESMTP"):
        tape.take_head(b" ESMTP\r\n")
    assert tape.head_so_far() == b"\r\n220 mail.example ESMTP\r\n"


def test_the_first_line_behind_an_interim_head_is_read_too() -> None:
    tape = Tape()
    assert tape.take_head(b"HTTP/1.1 103 x\r\nLink: ") is None
    with pytest.raises(UnreadableHead):
        tape.take_head(b"</a>\r\n\r\n220 mail\r\n")


class Peer(asyncio.Transport):
    """What a protocol is connected to while a test plays the peer."""

    def close(self) -> None:
        pass


async def test_what_comes_after_a_refusal_does_not_take_its_place() -> None:
    protocol, tape = TapedProtocol(asyncio.get_running_loop()), Tape()
    protocol.connection_made(Peer())
    protocol.begin(tape)
    protocol.set_response_params()
    protocol.data_received(b"HTTP/1.1 fine OK\r\n\r\nbody")
    protocol.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert (tape.response_head, tape.following) == (b"HTTP/1.1 fine OK\r\n\r\n", b"body")
    assert isinstance(tape.refusal, UnreadableHead)
    assert tape.accepted is False


def test_a_first_line_without_an_end_is_refused() -> None:
    tape = Tape()
    assert tape.take_head(b"H" * STATUS_LINE_LIMIT_BYTES) is None
    with pytest.raises(UnreadableHead):
        tape.take_head(b"H")


def test_a_head_may_be_as_large_as_the_limit_and_not_larger() -> None:
    start = b"HTTP/1.1 200 OK\r\nX: "
    whole = start + b"x" * (HEAD_LIMIT_BYTES - len(start) - 4) + b"\r\n\r\n"
    tape = Tape()
    assert tape.take_head(whole[:-1]) is None
    assert tape.take_head(whole[-1:] + b"body") == b"body"
    assert tape.response_head == whole
    tape = Tape()
    assert tape.take_head(b"HTTP/1.1 103 x\r\n\r\n" + whole[:-20]) is None
    with pytest.raises(HeadTooLarge, match=str(HEAD_LIMIT_BYTES)):
        tape.take_head(b"x" * 20)


def test_a_rewound_tape_is_a_new_one() -> None:
    tape = Tape()
    tape.sent += b"GET / HTTP/1.1\r\n\r\n"
    tape.take_head(b"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody")
    tape.tls, tape.certificate, tape.peer, tape.reused = ("TLSv1.3", "X"), "ab", ("::1", 1), True
    assert tape.tls_facts(verified=True) == TlsFacts("TLSv1.3", "X", "ab", True)
    tape.rewind()
    new = Tape()
    assert all(getattr(tape, name) == getattr(new, name) for name in Tape.__slots__)
    assert tape.tls_facts(verified=True) is None


@pytest.mark.parametrize(
    ("head", "framing"),
    [
        (b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", b"HTTP/1.1 200 \r\n\r\n"),
        (b"HTTP/1.0 404 No\nContent-Length:7\n\n", b"HTTP/1.0 404 \r\nContent-Length: 7\r\n\r\n"),
        (b"HTTP/0.9 200\r\n\r\n", b"HTTP/1.1 200 \r\n\r\n"),
        (
            b"HTTP/1.1 200 OK\r\nX: a\r\n Content-Length: 1\r\nX-Content-Length: 2\r\n\r\n",
            b"HTTP/1.1 200 \r\n\r\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\nCONNECTION: Keep-Alive, X\r\nContent-Length: 3 , 3\r\n\r\n",
            b"HTTP/1.1 200 \r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 3\r\n\r\n",
            b"HTTP/1.1 200 \r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: Chunked\r\nContent-Length: 3\r\n\r\n",
            b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\nContent-Length: 3\r\n\r\n",
            b"HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\n",
        ),
        (
            b"HTTP/1.1 101 Other\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
            b"HTTP/1.1 101 \r\nConnection: close\r\n\r\n",
        ),
    ],
)
def test_the_parser_is_given_what_frames_the_body_and_nothing_else(head: bytes, framing: bytes) -> None:
    assert framing_head(head) == framing


@pytest.mark.parametrize("line", [b"ICY 200 OK", b"HTTP/1.1 20", b"HTTP/1.1 200OK", b"HTTP/1.1 099 x", b"HTTP/1.1"])
def test_no_status_line_is_made_up(line: bytes) -> None:
    with pytest.raises(UnreadableHead):
        framing_head(line + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("status", "interim"), [(100, True), (103, True), (199, True), (101, False), (200, False), (1000, False)]
)
def test_interim_heads_are_those_that_another_follows(status: int, interim: bool) -> None:
    assert is_interim(b"HTTP/1.1 %d x\r\n\r\n" % status) is interim
