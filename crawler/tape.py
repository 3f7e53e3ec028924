"""The verbatim bytes of one exchange, recorded beside aiohttp's own parser.

Heads come only from the tape: the parser drops white space, unfolds lines, decodes names and refuses what it
does not like. Bodies come from aiohttp, transfer-decoded, and are never on the tape.
"""

from __future__ import annotations

import hashlib
from asyncio import BaseTransport
from contextvars import ContextVar
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from crawler.framing import HeadTooLarge, begins_head, framing_head, head_end, is_interim
from storage.exchange import TlsFacts

# Browsers give up somewhere above 256 KiB. What is still a page beyond that is kept, what never ends is not.
HEAD_LIMIT_BYTES = 2 * 1024 * 1024


class Tape:
    """What one exchange sent and received, filled by the protocol while the exchange lasts.

    `accepted` tells that the parser took the final head; the body then comes from the parser. Otherwise
    `refusal` may say why no head was taken, and `following` holds what came behind a whole head in the same
    packet. `lost` is the error that broke the connection while a body came.
    """

    __slots__ = (
        "_has_status",
        "_pending",
        "accepted",
        "certificate",
        "following",
        "interim_heads",
        "lost",
        "peer",
        "received_bytes",
        "refusal",
        "response_head",
        "reused",
        "sent",
        "tls",
    )

    def __init__(self) -> None:
        self.rewind()

    def rewind(self) -> None:
        """Forget everything: a reused connection turned out dead and the request starts again."""
        self.sent = bytearray()
        self._pending = bytearray()
        self._has_status = False
        self.received_bytes = 0
        self.interim_heads: list[bytes] = []
        self.response_head = b""
        self.accepted = False
        self.refusal: HttpProcessingError | None = None
        self.following = b""
        self.lost: BaseException | None = None
        self.reused = False
        self.peer: tuple[str, int] | None = None
        self.tls: tuple[str, str] | None = None
        self.certificate: str | None = None

    def take_head(self, data: bytes | bytearray) -> bytes | None:
        """What came behind the final head once that is whole, else None.

        Raises UnreadableHead when a first line is no HTTP while its head is not whole yet, and HeadTooLarge
        when the heads, interim ones included, do not end within HEAD_LIMIT_BYTES.
        """
        self.received_bytes += len(data)
        searched = max(0, len(self._pending) - 2)
        if self._pending:
            self._pending += data
            data = self._pending
        begin = 0
        while end := head_end(data, begin, searched):
            head, begin = bytes(data[begin:end]), end
            if not is_interim(head):
                self.response_head, self._pending = head, bytearray()
                return bytes(data[end:])
            self.interim_heads.append(head)
            self._has_status = False
        if begin or data is not self._pending:
            self._pending = bytearray(data[begin:])
        self._has_status = self._has_status or begins_head(self._pending)
        if self.received_bytes > HEAD_LIMIT_BYTES:
            raise HeadTooLarge(HEAD_LIMIT_BYTES)
        return None

    def head_so_far(self) -> bytes:
        """The final head, or what of it came before the connection ended."""
        return self.response_head or bytes(self._pending)

    def tls_facts(self, *, verified: bool) -> TlsFacts | None:
        """The session's TLS facts, or None over plain HTTP."""
        if self.tls is None or self.certificate is None:
            return None
        return TlsFacts(self.tls[0], self.tls[1], self.certificate, verified)


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
        self.write(b"".join(chunks))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class TapedProtocol(ResponseHandler):
    """aiohttp's client protocol with a tape on both directions."""

    def __init__(self, loop: Any) -> None:
        super().__init__(loop)
        self.tape: Tape | None = None
        self._peer: tuple[str, int] | None = None
        self._tls: tuple[str, str] | None = None
        self._certificate: str | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wrap the transport and note the peer and the TLS session, once per connection."""
        peer = transport.get_extra_info("peername")
        self._peer = (peer[0], peer[1]) if peer else None
        if (session := transport.get_extra_info("ssl_object")) is not None:
            cipher = session.cipher()
            self._tls = (session.version() or "", cipher[0] if cipher else "")
            self._certificate = hashlib.sha256(session.getpeercert(binary_form=True) or b"").hexdigest()
        super().connection_made(cast(Any, _TeeTransport(transport, self)))

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note an error that cuts a body short; where no length was given aiohttp takes it for the end."""
        if exc is not None and self.tape is not None and self._awaits_body():
            self.tape.lost = exc
        super().connection_lost(exc)

    def begin(self, tape: Tape) -> None:
        """Start an exchange on this connection: the tape, a new or rewound one, gets the peer's facts."""
        tape.reused = self.tape is not None
        tape.peer, tape.tls, tape.certificate = self._peer, self._tls, self._certificate
        self.tape = tape

    @property
    def is_clean(self) -> bool:
        """Whether nothing came behind the last response that the next exchange would take for its own."""
        if self.should_close or self._parser is None:
            return False
        try:
            # the parser's state is out of sight, but at an end that it did not expect it speaks up
            return self._parser.feed_eof() is None
        except HttpProcessingError:
            return False

    def data_received(self, data: bytes) -> None:
        """Tape the heads, and give the parser what frames the body, then the body."""
        tape = self.tape
        if tape is None or tape.accepted or self._parser is None or not data:
            super().data_received(data)
            return
        if tape.refusal is not None:
            return
        try:
            following = tape.take_head(data)
            if following is None:
                return
            tape.following = following
            # apart from the body, since the parser forgets a head that has something unreadable behind it
            super().data_received(framing_head(tape.response_head))
        except HttpProcessingError as problem:
            self.set_exception(problem)
            if self.transport is not None:
                self.transport.close()
            return
        if tape.refusal is None:
            tape.accepted, tape.following = True, b""
            if following:
                super().data_received(following)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """End the exchange, whichever half of it is waited for."""
        if self.tape is not None and not self.tape.accepted and isinstance(exc, HttpProcessingError):
            self.tape.refusal = exc
        super().set_exception(exc, *cause)
        # aiohttp tells only who waits for the head; behind a broken chunk the body is waited for in vain
        if self._payload is not None and self._awaits_body() and self._payload.exception() is None:
            self._payload.set_exception(exc)

    def _awaits_body(self) -> bool:
        return self._payload is not None and not self._payload.is_eof()


class TapedConnector(aiohttp.TCPConnector):
    """A connector whose connections are taped from the moment they are handed out."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = cast(Any, lambda: TapedProtocol(self._loop))

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - the signature is aiohttp's
        """A clean connection whose protocol writes on the tape of the calling task."""
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = cast(TapedProtocol, connection.protocol)
            if protocol.tape is None or protocol.is_clean:
                protocol.begin(current_tape.get())
                return connection
            connection.close()
