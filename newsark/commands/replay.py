"""`newsark replay`: the archive behind pywb."""

from __future__ import annotations

import ipaddress
import logging
from typing import Annotated

import typer

from newsark.console import say
from newsark.home import Home
from newsark.options import ArchiveOption, EndpointOption
from storage.errors import ExtraMissing, WrongUse


def replay(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 for any that is free.")] = 8380,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Allow other addresses than loopback: a proxy decides who comes.")
    ] = False,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Show pages as they were: the archive behind pywb.

    With Memento (TimeGate and TimeMap) and a CDX server. Bytes are read where
    they lie, from the directory or the bucket. Ctrl-C ends it.
    """
    if not behind_proxy and not _is_loopback(host):
        raise WrongUse(
            f"{host} is no loopback address: whoever reaches it could read the whole archive; put a proxy that asks who"
            " comes in front of it and say --behind-proxy"
        )
    try:
        # first of all: what is imported below must know greenlets instead of threads
        from gevent.monkey import patch_all
    except ModuleNotFoundError as missing:
        raise ExtraMissing("replays", "replay") from missing
    patch_all()
    _serve(Home.here(archive=archive, endpoint_url=endpoint_url), host, port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _serve(home: Home, host: str, port: int) -> None:
    from gevent.pywsgi import WSGIServer
    from pywb.utils.geventserver import RequestURIWSGIHandler

    from reading.replay.app import COLLECTION, Replay

    with home.archive() as archive:
        server = WSGIServer(
            (host, port),
            Replay(archive, home.short_name),
            handler_class=RequestURIWSGIHandler,
            log=None,
            error_log=logging.getLogger("newsark.replay"),
        )
        server.start()
        at = f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}"
        say(f"Replay of {home.short_name} at {at}/")
        say(f"Memento: {at}/{COLLECTION}/timemap/link/URL, CDX: {at}/{COLLECTION}/cdx?url=URL. Ctrl-C ends it.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            server.stop(timeout=1)
