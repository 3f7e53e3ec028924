"""Redirects: each hop is a request of its own, spaced, guarded, asked of robots.txt and archived."""

from __future__ import annotations

from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawler.weburl import resolve
from storage.errors import Refused

MAX_HOPS = 10
# RFC 9110, 15.4: these name another place for the same thing; 300, 304, 305 and 306 do not.
FOLLOWED = frozenset({301, 302, 303, 307, 308})


class RedirectRefused(IgnoreRequest):
    """A redirect that is not followed: `kind` is the word in reports."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class RedirectMiddleware:
    """Turns a redirect into the next request of the same lead, or raises RedirectRefused."""

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """The response, or the request for the place it names; a browser follows redirects itself."""
        if request.meta.get("as_it_comes"):
            return response
        location = response.headers.get("Location")
        if response.status not in FOLLOWED or location is None:
            return response
        try:
            target = str(resolve(request.url, _text(location).strip()))
        except Refused as problem:
            raise RedirectRefused(
                f"redirect-{problem.rule}", f"{request.url} leads to {problem.what}: {problem.problem}"
            ) from problem
        hops: list[str] = [*request.meta.get("hops", []), request.url]
        if target in hops:
            raise RedirectRefused("redirect-loop", f"{request.url} leads back to {target}")
        if len(hops) > MAX_HOPS:
            raise RedirectRefused("redirect-loop", f"more than {MAX_HOPS} redirects, the last to {target}")
        meta = {
            key: value for key, value in request.meta.items() if key not in ("capture", "exchange", "download_slot")
        }
        meta |= {"hops": hops, "via": request.url}
        followed = request.replace(url=target, method="GET", body=b"", meta=meta, priority=request.priority + 1)
        # The validators belong to the URL that was asked for first.
        for name in ("If-None-Match", "If-Modified-Since"):
            followed.headers.pop(name, None)
        return followed


def _text(location: bytes) -> str:
    try:
        return location.decode("utf-8")
    except UnicodeDecodeError:
        return location.decode("latin-1")
