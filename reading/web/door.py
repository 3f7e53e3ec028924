"""Who may come in, and what every answer says to the browser: before any page is made."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "newsark_room"
WHO = "newsark.who"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_OPEN = re.compile(r"/login|/static/[a-z.]+")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    # with no-referrer the room's own forms would come from nowhere (Fetch, "serializing a request origin")
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Who may come in: whoever shows the `token`; whoever a proxy names in a `header`; without both, whoever asks this
    machine by one of its own names, so that no page elsewhere can lead a browser here under another."""

    token: str | None = None
    header: str | None = None

    @property
    def cookie(self) -> str:
        """What a browser holds once its user has shown the token: it tells nothing about it."""
        return hmac.new((self.token or "").encode(), b"newsark reading room", hashlib.sha256).hexdigest()

    def is_token(self, shown: str) -> bool:
        """Whether it is the token."""
        return self.token is not None and hmac.compare_digest(shown.encode(), self.token.encode())

    def who(self, headers: Headers, address: str) -> str | None:
        """Who comes, as far as it is known, or None for somebody who may not."""
        if self.header:
            return headers.get(self.header) or None
        if self.token is None:
            return address
        kind, _, shown = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.is_token(shown.strip()):
            return address
        return address if hmac.compare_digest(_cookie_of(headers).encode(), self.cookie.encode()) else None

    def knows_host(self, headers: Headers) -> bool:
        """Whether the name by which this machine was asked is its own."""
        return bool(self.token or self.header) or _is_loopback(re.sub(r":\d+$", "", headers.get("host", "")))


def _is_loopback(name: str) -> bool:
    try:
        return name in LOOPBACK or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _cookie_of(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


class Door:
    """ASGI middleware: lets in who may, and gives every answer a policy that names no other host."""

    def __init__(self, app: ASGIApp, access: Access, frame_of: Callable[[Request], str | None]) -> None:
        self._app, self._access, self._frame_of = app, access, frame_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        request = Request(scope)
        answering = self._with_policy(request, send)
        refusal = self._refusal(request)
        if refusal is not None:
            await refusal(scope, receive, answering)
            return
        if scope["method"] == "HEAD":
            scope, answering = {**scope, "method": "GET"}, _without_body(answering)
        await self._app(scope, receive, answering)

    def _refusal(self, request: Request) -> Response | None:
        """What is answered to somebody who may not come in."""
        access, headers = self._access, request.headers
        if not access.knows_host(headers):
            return _trouble(400, "this room is asked for by the name of its machine, such as 127.0.0.1")
        if request.method not in _SAFE and not _is_own(headers):
            return _trouble(403, "what changes something is asked for by the room's own pages only")
        who = access.who(headers, request.client.host if request.client else "")
        request.scope[WHO] = who or ""
        if who is not None or _OPEN.fullmatch(request.scope["path"]):
            return None
        if access.header:
            return _trouble(401, f"the proxy in front of this room says in {access.header} who comes, and said nothing")
        if request.method == "GET" and "text/html" in headers.get("accept", ""):
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(back)}", 303)
        return _trouble(
            401, "this room asks for its token: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"}
        )

    def _with_policy(self, request: Request, send: Send) -> Send:
        frame = self._frame_of(request) or "'none'"
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            f"frame-src {frame}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", policy)
                headers.setdefault("Cache-Control", "no-store")
                for name, value in _FIXED.items():
                    headers.setdefault(name, value)
            await send(message)

        return sending


def _is_own(headers: Headers) -> bool:
    """Whether a request comes from the room's own pages, or from no page at all (Fetch Metadata; RFC 6454)."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _trouble(status: int, error: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"status": status, "error": error}, status, headers)


def _without_body(send: Send) -> Send:
    async def sending(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return sending
