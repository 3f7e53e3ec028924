"""The wire: one URL in, one Exchange out, byte for byte, through the guard."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver
from aiohttp.http_exceptions import HttpProcessingError

from crawler.guard import Guard, GuardedUrl
from crawler.taking import Taking, failure_of
from crawler.tape import Tape, TapedConnector, current_tape
from storage.errors import Refused
from storage.exchange import Exchange

# What the network, or a field that a server named (ValueError), can do to an exchange; the rest is our own fault.
NETWORK_PROBLEMS = (TimeoutError, aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
# RFC 9112, 9.3.1: only what is safe to do twice is done again when a reused connection turns out dead.
SAFE_METHODS = frozenset({"GET", "HEAD"})
DNS_SECONDS = 60
KEEP_ALIVE_SECONDS = 30

__all__ = ["Wire", "WireLimits", "failure_of"]


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
    tried: bool = False


_target: ContextVar[_Target] = ContextVar("target")


class Wire:
    """Fetches URLs over connections that are guarded and taped.

    `fetch` never raises for what the network does: the Exchange says what happened. `trust` holds the
    authorities that certificates are verified with, None means the system's. Close it with `close()`.
    """

    def __init__(
        self,
        guard: Guard,
        limits: WireLimits,
        *,
        resolver: AbstractResolver | None = None,
        trust: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.guard = guard
        self.limits = limits
        self._clock = clock
        self._resolver = resolver
        self._verifying: ssl.SSLContext | bool = trust or True
        self._unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._unverified.check_hostname = False
        self._unverified.verify_mode = ssl.CERT_NONE
        self._unverified.set_alpn_protocols(["http/1.1"])
        self._session: aiohttp.ClientSession | None = None
        self._under_way: set[asyncio.Timeout] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopped = False

    async def fetch(
        self,
        url: str,
        headers: Sequence[tuple[str, str]],
        *,
        method: str = "GET",
        verify_tls: bool = True,
        max_body_bytes: int | None = None,
    ) -> Exchange:
        """What came back for `url`.

        With `verify_tls=False` a certificate nobody vouches for is accepted when the verified attempt fails
        on it, and the Exchange's TLS facts say so. Raises Refused when the guard refuses the URL or every
        address of its host; nothing was sent then. `max_body_bytes` may be less than the wire's own limit.
        """
        most = min(self.limits.max_body_bytes, max_body_bytes or self.limits.max_body_bytes)
        exchange = await self._exchange(url, headers, method, most, verified=True)
        if exchange.failure is not None and exchange.failure.kind == "certificate" and not verify_tls:
            return await self._exchange(url, headers, method, most, verified=False)
        return exchange

    async def _exchange(
        self, url: str, headers: Sequence[tuple[str, str]], method: str, most_bytes: int, *, verified: bool
    ) -> Exchange:
        asked = self.guard.check_url(url)
        target = _Target(asked.host, asked.port)
        tape = Tape()
        _target.set(target)
        current_tape.set(tape)
        taking = Taking(tape, most_bytes)
        started = self._clock()
        try:
            async with self._limited():
                await self._take(taking, method, asked, headers, verified)
        except NETWORK_PROBLEMS as problem:
            if target.refusal is not None and not target.tried:
                raise target.refusal from problem
            taking.ended_by(problem)
        return Exchange(
            url=url,
            request=bytes(tape.sent),
            started=started,
            ended=self._clock(),
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

    @asynccontextmanager
    async def _limited(self) -> AsyncIterator[None]:
        """The time of one exchange. Raises TimeoutError when it is up, or when the wire is stopped."""
        if self._stopped:
            raise TimeoutError("the wire was stopped before the request was sent")
        limit = asyncio.timeout(self.limits.timeout_seconds)
        try:
            async with limit:
                self._under_way.add(limit)
                self._idle.clear()
                yield
        except TimeoutError as problem:
            if not limit.expired():
                raise
            spent = f"not done in {self.limits.timeout_seconds:g} s"
            raise TimeoutError("the wire was stopped" if self._stopped else spent) from problem
        finally:
            self._under_way.discard(limit)
            if not self._under_way:
                self._idle.set()

    async def _take(
        self,
        taking: Taking,
        method: str,
        asked: GuardedUrl,
        headers: Sequence[tuple[str, str]],
        verified: bool,
    ) -> None:
        """Send the request, again if the kept-alive connection it went to was dead, and take the response."""
        address = yarl.URL(asked.url, encoded=True)
        trust = self._verifying if verified else self._unverified
        while True:
            try:
                async with self._open_session().request(
                    method, address, headers=list(headers), allow_redirects=False, ssl=trust
                ) as response:
                    await taking.take(response)
                    return
            except aiohttp.ClientConnectionError:
                tape = taking.tape
                if not tape.reused or tape.received_bytes or method not in SAFE_METHODS:
                    raise
                tape.rewind()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = TapedConnector(
                resolver=self._resolver,
                socket_factory=self._guarded_socket,
                limit=0,
                ttl_dns_cache=DNS_SECONDS,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.limits.connect_seconds),
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            )
            # aiohttp asks again on new connections too, and the first request would be on no record
            self._session._retry_connection = False
        return self._session

    def _guarded_socket(self, address: Any) -> socket.socket:
        family, kind, protocol, _name, place = address
        target = _target.get()
        try:
            self.guard.check_address(str(place[0]), target.host, target.port)
        except Refused as refusal:
            target.refusal = refusal
            raise _RefusedAddress(str(refusal)) from refusal
        target.tried = True
        return socket.socket(family, kind, protocol)

    def stop(self) -> None:
        """End every exchange that is under way, as if its time were up; later ones end before they begin."""
        self._stopped = True
        now = asyncio.get_running_loop().time()
        for limit in self._under_way:
            if not limit.expired():
                limit.reschedule(now)

    async def stop_after(self, seconds: float) -> None:
        """Stop when nothing is under way any more, or after so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)
        self.stop()

    async def close(self) -> None:
        """Stop, and close every connection."""
        self.stop()
        # aiohttp leaves whoever reads a body waiting when it closes the connection underneath
        await self._idle.wait()
        if self._session is not None:
            await self._session.close()
            self._session = None
