"""What archived pages may do: every answer with something archived in it goes through here.

A page is sandboxed without an origin of its own, so nothing that it leaves behind (cookies, storage, service workers)
is there for another page or another port of this host; and its policy names the port it comes from alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

StartResponse = Callable[..., Any]
WSGI = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
Headers = list[tuple[str, str]]

SANDBOX = "allow-scripts allow-forms"
# no other header of a newsroom reaches the browser under its own name; pywb gives some as X-Archive-Orig-…
_KEPT = frozenset({
    "accept-ranges", "cache-control", "content-disposition", "content-encoding", "content-language", "content-length",
    "content-location", "content-range", "content-type", "location", "memento-datetime", "preference-applied", "vary",
})  # fmt: skip
_ONE_LINK = r"""<[^<>]*>; rel="(?:original|timegate|timemap|(?:first |last )*memento)"(?:; [a-z]+="[^"]*")*"""
_MEMENTO_LINKS = re.compile(rf"{_ONE_LINK}(?:, {_ONE_LINK})*")
_DENIED = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb")


def policy(origin: str) -> str:
    """The policy of pages that come from that address, which has no slash at its end."""
    return (
        f"sandbox {SANDBOX}; default-src {origin} 'unsafe-inline' 'unsafe-eval' data: blob:; form-action {origin};"
        f" base-uri {origin}; object-src 'none'"
    )


def archived(
    app: WSGI, environ: dict[str, Any], start_response: StartResponse, origin: str, *, readable: bool
) -> Iterable[bytes]:
    """What pywb answers, with none of the newsroom's headers that browsers obey, and with the policy above.

    `readable` says that pages without an origin may read it and not only show it (Fetch, 3.2): scripts and fonts do.
    """
    if environ.get("HTTP_SERVICE_WORKER"):
        start_response("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]
    allowed = _shared(environ) if readable else []
    if environ.get("REQUEST_METHOD") == "OPTIONS":
        start_response("204 No Content", allowed)
        return [b""]

    def start(status: str, headers: Headers, *more: Any) -> Any:
        kept = [(name, value) for name, value in headers if _may_stand(name.lower(), value)]
        return start_response(status, kept + allowed + _rules(origin), *more)

    return app(environ, start)


def framing(
    app: WSGI, environ: dict[str, Any], start_response: StartResponse, content: str, embedders: tuple[str, ...]
) -> Iterable[bytes]:
    """What pywb answers of its own: the frame around pages of `content`, lists of captures, Memento, the CDX server."""
    ancestors = " ".join(embedders) or "'none'"
    # pywb's list of captures has scripts in its page
    rules = (
        f"default-src 'self' data:; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
        f" frame-src {content}; form-action 'self'; base-uri 'none'; object-src 'none';"
        f" frame-ancestors {ancestors}"
    )

    def start(status: str, headers: Headers, *more: Any) -> Any:
        return start_response(status, [*headers, ("Content-Security-Policy", rules)], *more)

    return app(environ, start)


def _may_stand(name: str, value: str) -> bool:
    if name == "link":
        return _MEMENTO_LINKS.fullmatch(value) is not None
    return name in _KEPT or name.startswith("x-archive-orig-")


def _rules(origin: str) -> Headers:
    return [
        ("Content-Security-Policy", policy(origin)),
        ("Permissions-Policy", ", ".join(f"{name}=()" for name in _DENIED)),
        ("X-DNS-Prefetch-Control", "off"),
        ("Referrer-Policy", "same-origin"),
    ]


def _shared(environ: dict[str, Any]) -> Headers:
    return [
        ("Access-Control-Allow-Origin", "null"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS"),
        ("Access-Control-Allow-Headers", environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "*")),
    ]
