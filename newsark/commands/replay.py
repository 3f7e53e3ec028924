"""`newsark replay`: the archive behind pywb."""

from __future__ import annotations

import logging
import os
import re
import signal
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlsplit

import typer

from newsark.address import is_loopback
from newsark.console import say
from newsark.home import Home
from newsark.options import ArchiveOption, EndpointOption
from reading.replay.origins import Origins
from storage.errors import ExtraMissing, WrongUse


def replay(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65535, help="The port; archived pages are on the next. 0 for any two."),
    ] = 8380,
    frame_url: Annotated[
        str | None, typer.Option("--frame-url", metavar="URL", help="Where a proxy shows the port.")
    ] = None,
    content_url: Annotated[
        str | None,
        typer.Option("--content-url", metavar="URL", help="Where a proxy shows the next port: another host than that."),
    ] = None,
    embed_in: Annotated[
        list[str] | None,
        typer.Option(
            "--embed-in",
            metavar="URL",
            help="Let pages of this origin show the replay in a frame. May be repeated.",
        ),
    ] = None,
    beside: Annotated[bool, typer.Option("--beside", hidden=True, help="End with the standard input.")] = False,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Show pages as they were: the archive behind pywb.

    With Memento (TimeGate and TimeMap) and a CDX server. Bytes are read where
    they lie, from the directory or the bucket. Ctrl-C ends it.
    """
    if not is_loopback(host) and not (frame_url and content_url):
        raise WrongUse(
            f"{host} is no loopback address: whoever reaches it could read the whole archive; put a proxy that asks who"
            " comes in front of it, and say --frame-url and --content-url"
        )
    if (frame_url or content_url) and _origin(frame_url) == _origin(content_url):
        raise WrongUse("--frame-url and --content-url need two hosts or ports: archived pages must not reach the frame")
    embedders = tuple(_embedder(url) for url in embed_in or ())
    try:
        # first of all: what is imported below must know greenlets instead of threads
        from gevent.monkey import patch_all
    except ModuleNotFoundError as missing:
        raise ExtraMissing("replays", "replay") from missing
    patch_all()
    if beside:
        _end_with_input()
    home = Home.here(archive=archive, endpoint_url=endpoint_url).hurried().with_logs()
    _serve(home, host, port, Origins(0, 0, frame_url, content_url, embedders))


def _end_with_input() -> None:
    """End this process when whoever started it ends, however that came: nobody else would."""
    from gevent.monkey import get_original

    def wait() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    # a real thread: in a greenlet the reading would stop all others
    get_original("_thread", "start_new_thread")(wait, ())


def _origin(url: str | None) -> tuple[str, str]:
    parts = urlsplit(url or "")
    return parts.scheme, parts.netloc


def _embedder(url: str) -> str:
    scheme, netloc = _origin(url)
    if scheme not in ("http", "https") or not re.fullmatch(r"[\w.:\[\]-]+", netloc):
        raise WrongUse(f"--embed-in {url}: must be an address such as http://127.0.0.1:8370")
    return f"{scheme}://{netloc}"


def _serve(home: Home, host: str, port: int, origins: Origins) -> None:
    from gevent.pywsgi import WSGIServer
    from pywb.utils.geventserver import RequestURIWSGIHandler

    from reading.replay.app import COLLECTION, Replay

    with home.archive(is_public=True) as archive:
        servers = [
            WSGIServer(
                (host, number),
                handler_class=RequestURIWSGIHandler,
                log=None,
                error_log=logging.getLogger("newsark.replay"),
            )
            for number in (port, port + 1 if port else 0)
        ]
        for server in servers:
            server.init_socket()
        ports = [server.address[1] for server in servers]
        chosen = replace(origins, frame_port=ports[0], content_port=ports[1])
        replay = Replay(archive, home.short_name, chosen)
        for server in servers:
            server.application = replay
        at = chosen.frame_url or f"http://{f'[{host}]' if ':' in host else host}:{ports[0]}"
        say(f"Replay of {home.short_name} at {at.rstrip('/')}/")
        say(f"Archived pages come from port {ports[1]}, so that they cannot touch the frame around them.")
        say(f"Memento: {at}/{COLLECTION}/timemap/link/URL, CDX: {at}/{COLLECTION}/cdx?url=URL. Ctrl-C ends it.")
        try:
            servers[1].start()
            servers[0].serve_forever()
        except KeyboardInterrupt:
            for server in servers:
                server.stop(timeout=1)
