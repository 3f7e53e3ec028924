"""`newsark serve`: the reading room."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from newsark.address import is_loopback
from newsark.console import err, say
from newsark.home import Home
from newsark.options import ArchiveOption, EndpointOption, LogFileOption, LogFormatOption, LogLevelOption
from storage.errors import ExtraMissing, WrongUse

if TYPE_CHECKING:
    from fastapi import FastAPI

    from newsark.metrics.showing import Exposition
    from reading.web.door import Access
    from reading.web.room import Room
    from storage.archive import Archive

PORT = 8390
LEAST_TOKEN = 16


def serve(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65533, help="The port; replay is on the next two. 0 for any.")
    ] = PORT,
    replay: Annotated[bool, typer.Option("--replay/--no-replay", help="Show pages as they were, too.")] = True,
    replay_url: Annotated[
        str | None,
        typer.Option("--replay-url", metavar="URL", help="A newsark replay that runs elsewhere, as browsers reach it."),
    ] = None,
    proxy_header: Annotated[
        str | None,
        typer.Option("--proxy-header", metavar="NAME", help="Let in whom the proxy in front names in this header."),
    ] = None,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    log_level: LogLevelOption = None,
    log_format: LogFormatOption = None,
    log_file: LogFileOption = None,
) -> None:
    """Open the reading room: search, read, compare, replay and download in a browser.

    On another address than loopback it asks for the token in
    NEWSARK_SERVE_TOKEN, or for the header of a proxy. Ctrl-C ends it.
    """
    # as Ctrl-C, so that what runs beside the room ends in order
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logs = {"log_level": log_level, "log_format": log_format, "log_file": log_file}
    home = Home.here(archive=archive, endpoint_url=endpoint_url, **logs).hurried().with_logs()
    token = home.settings.serve_token
    if token is not None and len(token) < LEAST_TOKEN:
        raise WrongUse(f"serve_token has {len(token)} signs; take at least {LEAST_TOKEN}, such as openssl rand -hex 24")
    if token and proxy_header:
        raise WrongUse("a token and a proxy's header are two ways to say who comes; take one of them")
    if not is_loopback(host) and not (token or proxy_header):
        raise WrongUse(
            f"{host} is no loopback address: whoever reaches it could read the whole archive; set NEWSARK_SERVE_TOKEN"
            " to a long random word that visitors show, or put a proxy that asks who comes in front and name its header"
            " with --proxy-header"
        )
    try:
        from reading.web.door import Access
    except ModuleNotFoundError as missing:
        raise ExtraMissing("the reading room's pages", "serve") from missing
    from newsark.metrics.showing import archive_metrics

    wanted = _Replay(replay, replay_url, host, port + 1 if port else 0)
    with (
        home.archive(is_public=True) as opened,
        _listening(host, port) as listening,
        _room(home, opened, wanted, listening) as room,
        archive_metrics(home, opened) as metrics,
    ):
        app = _app(home, room, Access(token, proxy_header), metrics)
        say(f"Reading room of {home.short_name} at {_address(host, listening)}")
        say(_about_replay(room), to=err)
        say("Ctrl-C ends it.", to=err)
        _serve(app, listening)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        # from now on whoever asks waits instead of being refused
        made.listen(128)
    except OSError as problem:
        made.close()
        raise WrongUse(f"{host}:{port} cannot be listened on: {problem.strerror}; name another --port") from problem
    return made


def _address(host: str, listening: socket.socket) -> str:
    # under ::1 browsers show no frame (CSP knows no IPv6 address); under this name they find it all the same
    name = "localhost" if host == "::1" else f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}/"


def _about_replay(room: Room) -> str:
    return room.no_replay or "Archived pages come from another port, so that they can touch nothing here."


@dataclass(frozen=True, slots=True)
class _Replay:
    """What the options say of it: whether it is wanted, where one runs already, else where one is to run."""

    is_wanted: bool
    url: str | None
    host: str
    port: int

    @property
    def is_ours(self) -> bool:
        """Whether one is to be run."""
        return self.is_wanted and self.url is None and is_loopback(self.host)

    @property
    def why_none(self) -> str:
        """Why pages cannot be shown when none is run."""
        if self.url:
            return ""
        if not self.is_wanted:
            return "Pages are not shown as they were: this room was opened without replay."
        return "Pages are not shown as they were: run newsark replay beside this room and name it with --replay-url."


@contextmanager
def _room(home: Home, archive: Archive, wanted: _Replay, listening: socket.socket) -> Iterator[Room]:
    """The room with its replay, as long as both run."""
    from newsark.address import normal_spelling
    from newsark.readers import reader_pool
    from newsark.replaying import replaying
    from reading.web.exportjobs import ExportJobs
    from reading.web.room import ReplayPlace, Room

    jobs = ExportJobs(archive.state / "exports", archive.clock)
    pool = partial(reader_pool, home.settings, 1)
    room = Room(archive, home.short_name, jobs, normal_spelling, pool, home.confirmations)
    try:
        if not wanted.is_ours:
            room.replay = ReplayPlace(url=wanted.url) if wanted.url else None
            room.no_replay = wanted.why_none
            yield room
            return
        with replaying(wanted.host, wanted.port, _words(home, *listening.getsockname()[:2])) as running:
            room.replay = ReplayPlace(port=running.port) if running.port else None
            room.no_replay = running.problem and f"Pages cannot be shown as they were: {running.problem}"
            yield room
    finally:
        room.close()


def _words(home: Home, host: str, port: int) -> list[str]:
    """The options that lead replay to the same archive and let the room show its frame; what is in files and variables
    it reads itself."""
    from reading.web.door import LOOPBACK

    words = ["--archive", home.settings.archive]
    # what CSP cannot name, an IPv6 address, may not show a frame
    names = sorted(name for name in LOOPBACK | {host} if ":" not in name)
    words += [word for name in names for word in ("--embed-in", f"http://{name}:{port}")]
    return [*words, "--endpoint-url", home.settings.endpoint_url] if home.settings.endpoint_url else words


def _app(home: Home, room: Room, access: Access, metrics: Exposition) -> FastAPI:
    from reading.web.app import make_app
    from reading.web.pace import Pace

    settings = home.settings
    pace = Pace(settings.serve_searches_per_minute, settings.serve_exports_per_hour)
    return make_app(room, access, pace, metrics)


def _serve(app: FastAPI, listening: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=3, lifespan="off"
    )
    uvicorn.Server(config).run(sockets=[listening])
