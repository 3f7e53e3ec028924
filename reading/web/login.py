"""The way in with a token, and the help page."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

from fastapi import Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from reading.web.door import COOKIE, Access
from reading.web.facts import Facts
from reading.web.pace import LoggingIn
from reading.web.room import TheRoom
from reading.web.texts import rendered

SECONDS = 30 * 24 * 3600


class HelpFacts(Facts):
    """What the help page needs to know."""

    name: str
    version: str
    has_replay: bool
    no_replay: str


def help_facts(room: TheRoom) -> HelpFacts:
    """What can be done here, and how words are searched for."""
    return HelpFacts(
        name=room.name, version=version("newsark"), has_replay=room.replay is not None, no_replay=room.no_replay
    )


def login_page(request: Request, room: TheRoom, target: Annotated[str, Query(alias="next")] = "/") -> HTMLResponse:
    """Ask for the token."""
    return _page(request, room.name, target, None)


def log_in(
    request: Request,
    room: TheRoom,
    _: LoggingIn,
    token: Annotated[str, Form(max_length=1000)] = "",
    target: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    """Let in whoever knows it: the browser keeps a cookie that no script reads and no other site sends."""
    access: Access = request.app.state.access
    if not access.is_token(token.strip()):
        return _page(request, room.name, target, "That is not the token.")
    answer = RedirectResponse(_own(target), 303)
    is_tls = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
    answer.set_cookie(COOKIE, access.cookie, SECONDS, httponly=True, samesite="strict", secure=is_tls)
    return answer


def _page(request: Request, name: str, next_: str, problem: str | None) -> HTMLResponse:
    page = rendered("login.html", request=request, name=name, next=_own(next_), problem=problem)
    return HTMLResponse(page, 401 if problem else 200)


def _own(path: str) -> str:
    """The path, when it is one of this room; no address of another host hides in it."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_own else "/"
