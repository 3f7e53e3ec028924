"""The body of a response with its content codings undone, in bounded memory (RFC 9110, 8.4)."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

import brotlicffi

from storage.errors import BodyTooLarge, BodyUndecodable

inflater: ModuleType
try:
    from isal import isal_zlib

    inflater = isal_zlib
except ImportError:  # no build of isal for this machine
    inflater = zlib

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STEP_BYTES = 1 << 16
"""How much is unpacked at a time: what is allocated beyond the limit."""

FEED_BYTES = 1 << 14
"""How much is fed at a time: `unused_data` is a copy, so many small members cost its square."""

ZSTD_WINDOW_LOG = 23
"""8 MB, the largest window a content coding may ask for (RFC 9659, 3)."""

GZIP_MAGIC = b"\x1f\x8b"

Chunks = Iterator[bytes]
Decoder = Callable[[Chunks], Chunks]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A body with its codings undone; `complete` is False when the coded stream stops before its end."""

    data: bytes
    complete: bool


class _Inflate(Protocol):
    """The part of a decompression object that is used here; zlib's and isal's have it."""

    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _CutShortError(Exception):
    """The stream ended before its end mark; all that it gave was handed on."""


def decode_body(body: bytes, content_encoding: str | None, limit_bytes: int) -> Decoded:
    """What `body` unpacks to, its codings undone from the last to the first.

    Knows gzip, x-gzip, deflate (with and without the zlib wrapper), br, zstd, identity, and lists of these.
    A stream that was cut short gives what there is. Never unpacks more than `limit_bytes` + 64 KB.
    A body named gzip or zstd that plainly is markup is returned as it is: some tools keep the header
    of a body that they have unpacked. Raises BodyTooLarge, and BodyUndecodable for an unknown coding or
    a broken stream; the caller keeps the bytes and records the reason.
    """
    if not body:
        return Decoded(b"", complete=True)
    chunks: Chunks = iter((body,))
    for coding in reversed(_codings(content_encoding)):
        if coding in _MARKED and _is_markup(body):
            continue
        decoder = _DECODERS.get(coding)
        if decoder is None:
            raise BodyUndecodable(coding, "this content coding is not known")
        chunks = _named(coding, decoder, chunks)
    return _gather(chunks, limit_bytes)


def _codings(content_encoding: str | None) -> list[str]:
    """The codings named in the header, in the order they were applied; those that do nothing are left out."""
    words = [word.strip().lower() for word in (content_encoding or "").split(",")]
    return [word for word in words if word not in ("", "identity", "none", "utf-8")]


def _is_markup(body: bytes) -> bool:
    return body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _gather(chunks: Chunks, limit_bytes: int) -> Decoded:
    out = bytearray()
    complete = True
    try:
        for chunk in chunks:
            if len(out) + len(chunk) > limit_bytes:
                raise BodyTooLarge(limit_bytes)
            out += chunk
    except _CutShortError:
        complete = False
    return Decoded(bytes(out), complete)


def _named(coding: str, decoder: Decoder, chunks: Chunks) -> Chunks:
    """The decoder's output; its library's errors become BodyUndecodable."""
    try:
        yield from decoder(chunks)
    except (zlib.error, inflater.error, brotlicffi.error, zstd.ZstdError, EOFError) as error:
        raise BodyUndecodable(coding, _words(error)) from error


def _words(error: Exception) -> str:
    """The library's message; brotlicffi gives it as bytes."""
    detail = error.args[0] if error.args else ""
    return detail.decode("ascii", "replace") if isinstance(detail, bytes) else str(error)


def _small(chunks: Chunks) -> Chunks:
    for chunk in chunks:
        view = memoryview(chunk)
        for start in range(0, len(view), FEED_BYTES):
            yield bytes(view[start : start + FEED_BYTES])


def _gunzip(chunks: Chunks) -> Chunks:
    """Members one after another (RFC 1952, 2.2); what follows the last one and is no member is ignored."""
    member = None
    members = 0
    for chunk in _small(chunks):
        data = chunk
        while data:
            if member is None:
                data = data.lstrip(b"\0") if members else data
                if not data or (members and not GZIP_MAGIC.startswith(data[:2])):
                    break
                member = inflater.decompressobj(wbits=31)
            yield from _inflate(member, data)
            data = b""
            if member.eof:
                data, member, members = member.unused_data, None, members + 1
    if member is not None or (not members):
        raise _CutShortError


def _inflate(member: _Inflate, data: bytes) -> Chunks:
    yield member.decompress(data, STEP_BYTES)
    while member.unconsumed_tail and not member.eof:
        yield member.decompress(member.unconsumed_tail, STEP_BYTES)


def _undeflate(chunks: Chunks) -> Chunks:
    """The zlib format that the standard means, or the bare deflate stream that some servers send."""
    stream = None
    for chunk in _small(chunks):
        if stream is None:
            stream = zlib.decompressobj(zlib.MAX_WBITS if _has_zlib_header(chunk) else -zlib.MAX_WBITS)
        if stream.eof:
            return
        yield from _inflate(stream, chunk)
    if stream is None or not stream.eof:
        raise _CutShortError


def _has_zlib_header(data: bytes) -> bool:
    return len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


def _unbrotli(chunks: Chunks) -> Chunks:
    stream = brotlicffi.Decompressor()
    for chunk in _small(chunks):
        yield stream.decompress(chunk, output_buffer_limit=STEP_BYTES)
        while not stream.can_accept_more_data():
            yield stream.decompress(b"", output_buffer_limit=STEP_BYTES)
    if not stream.is_finished():
        raise _CutShortError


def _unzstd(chunks: Chunks) -> Chunks:
    """Frames one after another (RFC 8878, 3)."""
    frame = None
    frames = 0
    for chunk in _small(chunks):
        data = chunk
        while data:
            frame = frame or zstd.ZstdDecompressor(
                options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
            )
            yield frame.decompress(data, STEP_BYTES)
            while not frame.eof and not frame.needs_input:
                yield frame.decompress(b"", STEP_BYTES)
            data = b""
            if frame.eof:
                data, frame, frames = frame.unused_data, None, frames + 1
    if frame is not None or not frames:
        raise _CutShortError


_DECODERS: dict[str, Decoder] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _undeflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
_MARKED = {"gzip", "x-gzip", "zstd"}
