"""The wire: one URL in, one Exchange out, byte for byte, through the guard."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver
from aiohttp.http_exceptions import HttpProcessingError

from crawler.guard import Guard
from crawler.tape import HeadTooLarge, Tape, TapedConnector, current_tape
from storage.errors import Refused
from storage.exchange import Exchange, FetchFailure, Truncation

# aiohttp's defaults (8190, 8190, 128) refuse heads that newsrooms behind several proxies really send.
MAX_LINE_BYTES = 128 * 1024
MAX_HEADER_LINES = 2000


@dataclass(frozen=True, slots=True)
class WireLimits:
    """Bounds of one exchange. A body beyond `max_body_bytes` is kept up to there and marked as truncated."""

    timeout_seconds: float = 60.0
    connect_seconds: float = 20.0
    max_body_bytes: int = 32 * 1024 * 1024


class _RefusedAddress(OSError):
    """Carries the guard's refusal through aiohttp's connector, which lets only OSError pass."""


@dataclass(slots=True)
class _Target:
    """Where the calling task wants to go; the socket factory sees only addresses."""

    host: str
    port: int
    refusal: Refused | None = None


_target: ContextVar[_Target] = ContextVar("target")


class Wire:
    """Fetches URLs over connections that are guarded and taped.

    `fetch` never raises for what the network does: the Exchange says what happened. Close it with `close()`.
    """

    def __init__(self, guard: Guard, limits: WireLimits, *, resolver: AbstractResolver | None = None) -> None:
        self.guard = guard
        self.limits = limits
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None
        self._under_way: set[asyncio.Timeout] = set()
        self._unverified = ssl.create_default_context()
        self._unverified.check_hostname = False
        self._unverified.verify_mode = ssl.CERT_NONE

    async def fetch(
        self, url: str, headers: Sequence[tuple[str, str]], *, method: str = "GET", verify_tls: bool = True
    ) -> Exchange:
        """What came back for `url`.

        With `verify_tls=False` a certificate nobody vouches for is accepted when the verified attempt fails on it,
        and the Exchange's TLS facts say so. Raises Refused when the guard refuses the URL or every address of its
        host; nothing was sent then.
        """
        exchange = await self._exchange(url, headers, method, verified=True)
        if exchange.failure is not None and exchange.failure.kind == "certificate" and not verify_tls:
            return await self._exchange(url, headers, method, verified=False)
        return exchange

    async def _exchange(
        self, url: str, headers: Sequence[tuple[str, str]], method: str, *, verified: bool
    ) -> Exchange:
        address = yarl.URL(self.guard.check_url(url).url, encoded=True)
        target = _Target(address.host or "", address.port or 0)
        tape = Tape()
        _target.set(target)
        current_tape.set(tape)
        taking = _Taking(tape, self.limits.max_body_bytes)
        started = datetime.now(UTC)
        try:
            async with asyncio.timeout(self.limits.timeout_seconds) as limit:
                self._under_way.add(limit)
                try:
                    await self._take(taking, method, address, headers, verified)
                finally:
                    self._under_way.discard(limit)
        except (TimeoutError, aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as problem:
            if target.refusal is not None and not tape.sent:
                raise target.refusal from problem
            taking.ended_by(problem)
        return Exchange(
            url=url,
            request=bytes(tape.sent),
            started=started,
            ended=datetime.now(UTC),
            response_head=tape.head_so_far(),
            body=taking.body(),
            interim_heads=tuple(tape.interim_heads),
            truncated=taking.truncated,
            truncated_detail=taking.detail,
            peer_address=tape.peer[0] if tape.peer else None,
            peer_port=tape.peer[1] if tape.peer else None,
            tls=tape.tls_facts(verified=verified),
            failure=taking.failure,
        )

    async def _take(
        self,
        taking: _Taking,
        method: str,
        address: yarl.URL,
        headers: Sequence[tuple[str, str]],
        verified: bool,
    ) -> None:
        async with self._open_session().request(
            method,
            address,
            headers=list(headers),
            allow_redirects=False,
            ssl=True if verified else self._unverified,
        ) as response:
            taking.head_accepted()
            async for chunk in response.content.iter_any():
                if not taking.room_for(chunk):
                    response.close()
                    return

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = TapedConnector(
                resolver=self._resolver,
                socket_factory=self._guarded_socket,
                limit=0,
                ttl_dns_cache=300,
                keepalive_timeout=30,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                max_line_size=MAX_LINE_BYTES,
                max_field_size=MAX_LINE_BYTES,
                max_headers=MAX_HEADER_LINES,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.limits.connect_seconds),
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            )
        return self._session

    def _guarded_socket(self, address: Any) -> socket.socket:
        family, kind, protocol, _name, place = address
        target = _target.get()
        try:
            self.guard.check_address(str(place[0]), target.host, target.port)
        except Refused as refusal:
            target.refusal = refusal
            raise _RefusedAddress(str(refusal)) from refusal
        return socket.socket(family, kind, protocol)

    def stop(self) -> None:
        """End every exchange that is under way now, as if its time were up."""
        now = asyncio.get_running_loop().time()
        for limit in self._under_way:
            limit.reschedule(now)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None


class _Taking:
    """The body as it comes in, and how the exchange ended."""

    def __init__(self, tape: Tape, limit_bytes: int) -> None:
        self._tape = tape
        self._limit = limit_bytes
        self._chunks: list[bytes] = []
        self._size = 0
        self._accepted = False
        self.truncated: Truncation | None = None
        self.detail: str | None = None
        self.failure: FetchFailure | None = None

    def head_accepted(self) -> None:
        """The parser took the head; the body follows."""
        self._accepted = True
        self._tape.stop_spilling()

    def room_for(self, chunk: bytes) -> bool:
        """Keep a chunk; False when the limit is reached and the rest is left out."""
        room = self._limit - self._size
        self._chunks.append(chunk[:room])
        self._size += min(len(chunk), room)
        if len(chunk) <= room:
            return True
        self.truncated, self.detail = "length", f"kept the first {self._limit} bytes"
        return False

    def body(self) -> bytes:
        """The transfer-decoded body, or what followed a head that the parser refused."""
        if self._accepted:
            return b"".join(self._chunks)
        return bytes(self._tape.spill) if self._tape.complete else b""

    def ended_by(self, problem: BaseException) -> None:
        """Name what ended the exchange early: a truncation when a head came, a failure when none did."""
        kind, message = failure_of(problem)
        if self._accepted:
            self.truncated = "time" if kind == "timeout" else "disconnect"
            self.detail = message
            return
        self.failure = FetchFailure(
            "malformed" if self._tape.head_so_far() and kind == "disconnect" else kind, message
        )
        if self._tape.complete:
            self.truncated, self.detail = "unspecified", message


def failure_of(problem: BaseException) -> tuple[str, str]:
    """The stable word for a network problem, and its message for people.

    Words: timeout, certificate, tls, dns, connect, malformed, head-too-large, disconnect, bad-url.
    """
    words: list[tuple[type[BaseException], str]] = [
        (TimeoutError, "timeout"),
        (aiohttp.ClientConnectorCertificateError, "certificate"),
        (aiohttp.ClientConnectorSSLError, "tls"),
        (aiohttp.ClientConnectorDNSError, "dns"),
        (aiohttp.ClientConnectorError, "connect"),
        (HeadTooLarge, "head-too-large"),
        (HttpProcessingError, "malformed"),
        (aiohttp.InvalidURL, "bad-url"),
        (aiohttp.ClientResponseError, "malformed"),
        (aiohttp.ClientError, "disconnect"),
        (OSError, "disconnect"),
        (ValueError, "bad-url"),
    ]
    word = next((word for kind, word in words if isinstance(problem, kind)), "disconnect")
    return word, _plain(problem) or word


def _plain(problem: BaseException) -> str:
    text = str(problem).strip() or type(problem).__name__
    return " ".join(text.split())[:500]
