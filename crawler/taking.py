"""A response's body as it comes in, and the names of what ends an exchange early."""

from __future__ import annotations

from io import BytesIO

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from crawler.framing import HeadTooLarge
from crawler.tape import Tape
from storage.exchange import FetchFailure, Truncation

_WORDS: tuple[tuple[type[BaseException], str], ...] = (
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
    (ValueError, "bad-request"),
)
_TRUNCATIONS: dict[str, Truncation] = {
    "timeout": "time",
    "disconnect": "disconnect",
    "head-too-large": "length",
}
MESSAGE_CHARACTERS = 500


class Taking:
    """What an exchange brought beside its heads.

    `failure` says why there is no response to rely on, `truncated` and `detail` why not all of it is there.
    Whatever bytes came are kept, so a response that was refused, or cut in its head, has both.
    """

    def __init__(self, tape: Tape, limit_bytes: int) -> None:
        self.tape = tape
        self._limit = limit_bytes
        # unlike joined pieces, its value is handed out without a copy
        self._body = BytesIO()
        self.truncated: Truncation | None = None
        self.detail: str | None = None
        self.failure: FetchFailure | None = None

    async def take(self, response: aiohttp.ClientResponse) -> None:
        """Read the body to its end or to the limit. Raises what ends it early; what came before is kept."""
        content = response.content
        try:
            async for chunk in content.iter_any():
                if not self._has_room_for(chunk):
                    response.close()
                    return
        except BaseException:
            # aiohttp holds back what it has once something went wrong
            self._has_room_for(content._read_nowait(-1))
            raise
        if self.tape.lost is not None:
            # a body that ends with the connection is whole only when that was closed in order
            raise self.tape.lost

    def _has_room_for(self, chunk: bytes) -> bool:
        """Keep a chunk; False when the limit is reached and the rest is left out."""
        room = self._limit - self._body.tell()
        if len(chunk) <= room:
            self._body.write(chunk)
            return True
        self._body.write(memoryview(chunk)[:room])
        self.truncated, self.detail = "length", f"kept the first {self._limit} bytes"
        return False

    def body(self) -> bytes:
        """The transfer-decoded body, or the bytes on the wire behind a head that was refused."""
        return self._body.getvalue() if self.tape.accepted else self.tape.following[: self._limit]

    def ended_by(self, problem: BaseException) -> None:
        """Name what ended the exchange early: a truncation, and a failure too when no head was accepted."""
        accepted = self.tape.accepted
        kind, message = failure_of(problem if accepted else self.tape.refusal or problem)
        if accepted and self.tape.lost is not None and problem is not self.tape.lost:
            message = f"{message} {failure_of(self.tape.lost)[1]}"
        if not accepted:
            self.failure = FetchFailure(kind, message)
        if self.truncated is None and (accepted or self.tape.head_so_far()):
            self.truncated, self.detail = _TRUNCATIONS.get(kind, "unspecified"), message


def failure_of(problem: BaseException) -> tuple[str, str]:
    """The stable word for a network problem, and its message for people.

    Words: timeout, certificate, tls, dns, connect, malformed, head-too-large, disconnect, bad-url,
    bad-request.
    """
    word = next((word for kind, word in _WORDS if isinstance(problem, kind)), "disconnect")
    return word, _plain(problem) or word


def _plain(problem: BaseException) -> str:
    if isinstance(problem, aiohttp.ClientPayloadError) and isinstance(problem.__cause__, HttpProcessingError):
        problem = problem.__cause__
    if isinstance(problem, HttpProcessingError | aiohttp.ClientResponseError):
        # the parser draws a caret below what it stumbled over
        text = problem.message.rstrip(" ^\n")
    else:
        text = str(problem)
    return " ".join((text or type(problem).__name__).split())[:MESSAGE_CHARACTERS]
