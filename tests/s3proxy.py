"""A proxy before an S3 server that does what networks and servers do wrong, by a script, and counts what passes.

with running_proxy(server) as proxy:
    proxy.script(Fault.LOST_ANSWER, "PUT", "partNumber=2")
    client = server.client(proxy.endpoint_url)
"""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.seaweed import HOST, REGION, Seaweed

# Silence lasts until the client hangs up, or the test is over.
SILENCE_SECONDS = 30.0
HOP_HEADERS = frozenset({"connection", "transfer-encoding", "expect", "keep-alive", "content-length"})


class Fault(Enum):
    """What goes wrong with one request."""

    RESET_BEFORE_BODY = auto()
    """The connection is reset when the request's head is there."""
    RESET_IN_BODY = auto()
    """It is reset in the middle of the request's body; the server sees nothing."""
    HALF_FORWARDED = auto()
    """Half of the body reaches the server, then both connections break."""
    RESET_AFTER_BODY = auto()
    """It is reset after the body; the server sees nothing."""
    LOST_ANSWER = auto()
    """The server does it, and its answer is lost."""
    RESET_IN_ANSWER = auto()
    """The server does it, and half of its answer arrives."""
    CUT_ANSWER = auto()
    """The same, and the connection is closed in good order."""
    SILENCE = auto()
    """Nothing ever comes."""
    SILENCE_AFTER_DOING = auto()
    """The server does it; nothing ever comes."""
    GARBAGE = auto()
    """The answer is 200 and no XML."""
    STATUS_500 = auto()
    STATUS_503 = auto()
    STATUS_403 = auto()
    ERROR_404 = auto()
    SKEWED_CLOCK = auto()
    """The server refuses the request's date."""
    ERROR_IN_200 = auto()
    """The answer is 200 and an error; the server sees nothing."""
    LOST_PART = auto()
    """A part is acknowledged that never reached the server."""
    WRONG_ETAG = auto()
    """The server does it, and another ETag arrives."""
    WRONG_CHECKSUM = auto()
    """The server does it, and another checksum arrives."""
    DAMAGED_REQUEST = auto()
    """One bit of the body changes on its way to the server."""
    DAMAGED_ANSWER = auto()
    """One bit of the answer's body changes."""


@dataclass
class Rule:
    """A fault for the next `times` requests with that method whose path and query contain `part`."""

    fault: Fault
    method: str
    part: str
    times: int

    def takes(self, method: str, path: str) -> bool:
        """Whether this request is the one; counts it."""
        if self.times > 0 and method == self.method and self.part in path:
            self.times -= 1
            return True
        return False


@dataclass(frozen=True)
class Passed:
    """One request as it came to the proxy."""

    method: str
    path: str
    range: str | None
    fault: Fault | None


@dataclass
class Proxy:
    """The proxy: `rules` in order, `passed` as it happened.

    `hooks` are called once each, before the first request with that method and that part of a path is answered.
    `forget` names request headers (a prefix is enough) that the server never gets to see: so a server is had that
    does not know them. The request is signed anew then. `date` is what the answers' Date says instead of the time.
    """

    server: Seaweed
    port: int = 0
    rules: list[Rule] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    forget: tuple[str, ...] = ()
    date: str | None = None
    hooks: list[tuple[str, str, Callable[[], None]]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def endpoint_url(self) -> str:
        """Where the proxy answers."""
        return f"http://{HOST}:{self.port}"

    def script(self, fault: Fault, method: str, part: str = "", times: int = 1) -> Rule:
        """Add a rule."""
        rule = Rule(fault, method, part, times)
        self.rules.append(rule)
        return rule

    def take(self, method: str, path: str, wanted: str | None) -> Fault | None:
        """The fault for a request that just came."""
        with self.lock:
            fault = next((rule.fault for rule in self.rules if rule.takes(method, path)), None)
            self.passed.append(Passed(method, path, wanted, fault))
            due = [hook for hook in self.hooks if method == hook[0] and hook[1] in path]
            self.hooks = [hook for hook in self.hooks if hook not in due]
        for _, _, act in due:
            act()
        return fault

    def count(self, method: str, part: str = "") -> int:
        """How many such requests came."""
        with self.lock:
            return sum(one.method == method and part in one.path for one in self.passed)


@contextmanager
def running_proxy(server: Seaweed) -> Iterator[Proxy]:
    """A proxy before that server, on a port of its own."""
    proxy = Proxy(server)

    class Handler(_Handler):
        pass

    Handler.proxy = proxy
    listener = ThreadingHTTPServer((HOST, 0), Handler)
    listener.daemon_threads = True
    proxy.port = listener.server_address[1]
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.over.set()
        listener.shutdown()
        listener.server_close()
        thread.join()


@dataclass
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise each answer waits 40 ms for the client's delayed ACK.
    disable_nagle_algorithm = True
    proxy: Proxy

    def log_message(self, *_: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        with suppress(ConnectionError, TimeoutError):
            super().handle_one_request()

    def handle_expect_100(self) -> bool:
        # The fault decides first; the body is asked for in _read.
        return True

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_GET  # noqa: N815 - the name is http.server's
    do_PUT = do_GET  # noqa: N815 - the name is http.server's
    do_POST = do_GET  # noqa: N815 - the name is http.server's
    do_DELETE = do_GET  # noqa: N815 - the name is http.server's

    # one request

    def _serve(self) -> None:
        fault = self.proxy.take(self.command, self.path, self.headers.get("Range"))
        size = int(self.headers.get("Content-Length", 0))
        if fault is Fault.RESET_BEFORE_BODY:
            self._reset()
            return
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if fault is Fault.RESET_IN_BODY:
            self.rfile.read(size // 2)
            self._reset()
            return
        body = self.rfile.read(size)
        if fault is Fault.HALF_FORWARDED:
            self._forward_half(body)
            self._reset()
        elif fault is Fault.RESET_AFTER_BODY:
            self._reset()
        elif fault is Fault.SILENCE:
            self._be_silent()
        elif fault in OWN_ANSWERS:
            self._send(OWN_ANSWERS[fault])
        elif fault is Fault.LOST_PART:
            self._send(_acknowledgement(body, self.headers.get("x-amz-checksum-sha256", "")))
        else:
            self._pass_on(fault, body)

    def _pass_on(self, fault: Fault | None, body: bytes) -> None:
        if fault is Fault.DAMAGED_REQUEST:
            body = _damaged(body)
        try:
            answer = self._ask(body)
        except (OSError, http.client.HTTPException):
            # The server died.
            self._reset()
            return
        if fault is Fault.LOST_ANSWER:
            self._reset()
        elif fault is Fault.SILENCE_AFTER_DOING:
            self._be_silent()
        elif fault is Fault.CUT_ANSWER:
            self._send(answer, len(answer.body) // 2)
            self.close_connection = True
        elif fault is Fault.RESET_IN_ANSWER:
            self._send(answer, len(answer.body) // 2)
            self._reset()
        else:
            self._send(_altered(answer, fault))

    def _ask(self, body: bytes) -> _Answer:
        connection = http.client.HTTPConnection(HOST, self.proxy.server.port, timeout=60)
        try:
            connection.request(self.command, self.path, body or None, self._headers(body))
            response = connection.getresponse()
            return _Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        forget = self.proxy.forget
        if not any(name.lower().startswith(forget) for name in headers):
            return headers
        kept = {
            name: value
            for name, value in headers.items()
            if not name.lower().startswith(forget) and name.lower() not in ("authorization", "x-amz-date")
        }
        server = self.proxy.server
        request = AWSRequest(self.command, f"{self.proxy.endpoint_url}{self.path}", headers=kept, data=body)
        S3SigV4Auth(Credentials(server.access_key, server.secret_key), "s3", REGION).add_auth(request)
        return dict(request.headers.items())

    def _forward_half(self, body: bytes) -> None:
        with socket.create_connection((HOST, self.proxy.server.port)) as server:
            head = "".join(f"{name}: {value}\r\n" for name, value in self._headers(body).items())
            server.sendall(f"{self.command} {self.path} HTTP/1.1\r\n{head}\r\n".encode("latin-1"))
            server.sendall(body[: len(body) // 2])
            _reset(server)

    def _send(self, answer: _Answer, count: int | None = None) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            if name.lower() not in HOP_HEADERS:
                is_date = name.lower() == "date" and self.proxy.date is not None
                self.send_header(name, str(self.proxy.date) if is_date else value)
        head_size = next((value for name, value in answer.headers if name.lower() == "content-length"), "0")
        self.send_header("Content-Length", head_size if self.command == "HEAD" else str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[:count])
        self.wfile.flush()

    def _be_silent(self) -> None:
        self.proxy.over.wait(SILENCE_SECONDS)
        self._reset()

    def _reset(self) -> None:
        self.close_connection = True
        _reset(self.connection)


def _reset(connection: socket.socket) -> None:
    # With linger 0 closing sends RST, not FIN.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # The handler's file objects keep a socket open; its descriptor is closed under them.
    os.close(connection.detach())


def _error(status: int, code: str, message: str, *headers: tuple[str, str]) -> _Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return _Answer(status, [("Content-Type", "application/xml"), *headers], body)


def _acknowledgement(body: bytes, checksum: str) -> _Answer:
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    return _Answer(200, [("ETag", f'"{etag}"'), ("x-amz-checksum-sha256", checksum)], b"")


def _altered(answer: _Answer, fault: Fault | None) -> _Answer:
    if fault is Fault.DAMAGED_ANSWER:
        return _Answer(answer.status, answer.headers, _damaged(answer.body))
    header = {Fault.WRONG_ETAG: "etag", Fault.WRONG_CHECKSUM: "x-amz-checksum-sha256"}.get(fault) if fault else None
    if header is None:
        return answer
    other = {"etag": f'"{"0" * 32}"', "x-amz-checksum-sha256": "A" * 43 + "="}[header]
    headers = [(name, other if name.lower() == header else value) for name, value in answer.headers]
    return _Answer(answer.status, headers, answer.body)


def _damaged(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


OWN_ANSWERS = {
    Fault.STATUS_500: _error(500, "InternalError", "We encountered an internal error."),
    Fault.STATUS_503: _error(503, "SlowDown", "Please reduce your request rate."),
    Fault.STATUS_403: _error(403, "AccessDenied", "Access Denied"),
    Fault.ERROR_404: _error(404, "NoSuchKey", "The specified key does not exist."),
    Fault.SKEWED_CLOCK: _error(
        403, "RequestTimeTooSkewed", "The difference is too large.", ("Date", "Mon, 23 Nov 2020 18:00:00 GMT")
    ),
    Fault.ERROR_IN_200: _error(200, "InternalError", "We encountered an internal error."),
    Fault.GARBAGE: _Answer(200, [("Content-Type", "text/html")], b"<html><p>Sign in to this network"),
}
