"""The verbatim bytes of one exchange, recorded beside aiohttp's own parser.

aiohttp's parser drops white space, unfolds lines and decodes names, so heads come only from here, also those it
refuses. Bodies come from aiohttp, transfer-decoded.
"""

from __future__ import annotations

import hashlib
import ssl
from asyncio import BaseTransport
from contextvars import ContextVar
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler

from storage.exchange import TlsFacts

# What follows a head in the same packets is kept only for heads that the parser refuses.
SPILL_LIMIT_BYTES = 1 << 20
HEAD_LIMIT_BYTES = 512 * 1024


class HeadTooLarge(OSError):
    """A response head grew beyond HEAD_LIMIT_BYTES; the connection is closed and the start of it is kept."""


class Tape:
    """What one exchange sent and received: filled by the protocol while the exchange lasts."""

    __slots__ = (
        "_pending",
        "certificate",
        "complete",
        "interim_heads",
        "peer",
        "response_head",
        "sent",
        "spill",
        "tls",
    )

    def __init__(self) -> None:
        self.sent = bytearray()
        self.rewind()

    def rewind(self) -> None:
        """Forget everything: a reused connection turned out dead and the request starts again."""
        self.sent.clear()
        self._pending = bytearray()
        self.interim_heads: list[bytes] = []
        self.response_head = b""
        self.complete = False
        self.spill = bytearray()
        self.peer: tuple[str, int] | None = None
        self.tls: tuple[str, str] | None = None
        self.certificate: str | None = None

    def received(self, data: bytes) -> None:
        """Take what arrived: heads until the final one is complete, then a bounded spill.

        Raises HeadTooLarge when no head ends within HEAD_LIMIT_BYTES.
        """
        if self.complete:
            if len(self.spill) < SPILL_LIMIT_BYTES:
                self.spill += data[: SPILL_LIMIT_BYTES - len(self.spill)]
            return
        searched = max(0, len(self._pending) - 3)
        self._pending += data
        while (end := head_end(self._pending, searched)) > 0:
            head = bytes(self._pending[:end])
            del self._pending[:end]
            searched = 0
            if is_interim(head):
                self.interim_heads.append(head)
                continue
            self.response_head, self.complete = head, True
            self.spill += self._pending[:SPILL_LIMIT_BYTES]
            self._pending.clear()
            return
        if len(self._pending) > HEAD_LIMIT_BYTES:
            raise HeadTooLarge(f"the response head is larger than {HEAD_LIMIT_BYTES} bytes")

    def stop_spilling(self) -> None:
        """The parser took the head: the body comes from it and the spill is no longer needed."""
        self.spill.clear()

    def head_so_far(self) -> bytes:
        """The final head, or what of it came before the connection ended."""
        return self.response_head or bytes(self._pending)

    def tls_facts(self, *, verified: bool) -> TlsFacts | None:
        """The session's TLS facts, or None over plain HTTP."""
        if self.tls is None or self.certificate is None:
            return None
        return TlsFacts(self.tls[0], self.tls[1], self.certificate, verified)


def head_end(data: bytearray, start: int) -> int:
    """The offset after the empty line that ends a head (RFC 9112, 2.2: a lone LF is a line end too), or 0."""
    crlf = data.find(b"\r\n\r\n", start)
    lf = data.find(b"\n\n", start)
    mixed = data.find(b"\n\r\n", start)
    ends = [place + length for place, length in ((crlf, 4), (lf, 2), (mixed, 3)) if place >= 0]
    return min(ends, default=0)


def is_interim(head: bytes) -> bool:
    """Whether a head is a 1xx response other than 101 (RFC 9110, 15.2)."""
    parts = head.split(None, 2)
    return len(parts) > 1 and parts[1][:1] == b"1" and len(parts[1]) == 3 and parts[1] != b"101"


current_tape: ContextVar[Tape] = ContextVar("current_tape")


class _TeeTransport:
    """A transport that also tapes what is written; everything else is the real one's."""

    __slots__ = ("_protocol", "_transport")

    def __init__(self, transport: Any, protocol: TapedProtocol) -> None:
        self._transport = transport
        self._protocol = protocol

    def write(self, data: Any) -> None:
        if (tape := self._protocol.tape) is not None:
            tape.sent += data
        self._transport.write(data)

    def writelines(self, chunks: Any) -> None:
        chunks = list(chunks)
        if (tape := self._protocol.tape) is not None:
            tape.sent += b"".join(chunks)
        self._transport.writelines(chunks)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class TapedProtocol(ResponseHandler):
    """aiohttp's client protocol with a tape on both directions."""

    def __init__(self, loop: Any) -> None:
        super().__init__(loop)
        self.tape: Tape | None = None
        self._draining = False
        self._tls: tuple[str, str] | None = None
        self._certificate: str | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wrap the transport and note the TLS session once per connection."""
        session = transport.get_extra_info("ssl_object")
        if isinstance(session, ssl.SSLObject | ssl.SSLSocket) or hasattr(session, "getpeercert"):
            cipher = session.cipher()
            certificate = session.getpeercert(binary_form=True) or b""
            self._tls = (session.version() or "", cipher[0] if cipher else "")
            self._certificate = hashlib.sha256(certificate).hexdigest()
        super().connection_made(cast(Any, _TeeTransport(transport, self)))

    def begin(self, tape: Tape) -> None:
        """Start a new exchange on this connection: the tape is rewound and gets the peer's facts."""
        tape.rewind()
        self.tape = tape
        transport = self.transport
        peer = transport.get_extra_info("peername") if transport is not None else None
        tape.peer = (peer[0], peer[1]) if peer else None
        tape.tls, tape.certificate = self._tls, self._certificate

    def _drain_tail(self) -> None:
        # aiohttp feeds its own tail through data_received again; those bytes are on the tape already.
        self._draining = True
        try:
            super()._drain_tail()
        finally:
            self._draining = False

    def data_received(self, data: bytes) -> None:
        """Tape, then parse."""
        if data and not self._draining and self.tape is not None:
            try:
                self.tape.received(data)
            except HeadTooLarge as problem:
                self.set_exception(problem)
                if self.transport is not None:
                    self.transport.close()
                return
        super().data_received(data)


class TapedConnector(aiohttp.TCPConnector):
    """A connector whose connections are taped from the moment they are handed out."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = cast(Any, lambda: TapedProtocol(self._loop))

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109
        """A connection whose protocol writes on the tape of the calling task."""
        connection = await super().connect(req, traces, timeout)
        protocol = connection.protocol
        if isinstance(protocol, TapedProtocol):
            protocol.begin(current_tape.get())
        return connection
