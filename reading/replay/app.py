"""The replay as a WSGI application: pywb over one open archive, with a home page and two scripts of our own.

Archived pages have an origin of their own, another port than the frame around them: they can touch nothing of it, the
policy that goes with each forbids every other host, and the frame neither lets them leave nor open windows.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from gevent.pywsgi import LoggingLogAdapter
from jinja2 import Environment, FileSystemLoader
from pywb.apps.frontendapp import FrontEndApp
from pywb.utils.loaders import BlockLoader
from pywb.warcserver.warcserver import register_source

from reading.replay.index import NAME, CatalogueIndex
from reading.replay.records import SCHEME, RecordLoader
from storage.archive import Archive
from storage.sources import Sources
from storage.timestamps import timestamp14
from storage.versions import Version, Versions

COLLECTION = "archive"
POLICY = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; form-action 'self'; object-src 'none'"
NEWEST = 20
_log = logging.getLogger(__name__)
_HERE = Path(str(files("reading.replay")))
_OWN = "/static/newsark/"
# what only the content port serves: pages with a modifier, and what these ask for
_CONTENT = re.compile(rf"/static/|/{COLLECTION}/\d*[a-z]{{2}}_/|/{COLLECTION}/[a-z]{{2}}_/")
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the frame and the archived pages are: on two ports, which a proxy may show under two addresses."""

    frame_port: int
    content_port: int
    frame_url: str | None = None
    content_url: str | None = None

    def of(self, environ: Mapping[str, Any]) -> tuple[str, str]:
        """Frame and content as whoever asks reaches them, without a slash at the end."""
        host = str(environ.get("HTTP_HOST", "127.0.0.1"))
        name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
        frame = self.frame_url or f"http://{name}:{self.frame_port}"
        return frame.rstrip("/"), (self.content_url or f"http://{name}:{self.content_port}").rstrip("/")


class Replay:
    """The application, on the ports of frame and content. The archive must stay open as long as this answers."""

    def __init__(self, archive: Archive, name: str, origins: Origins) -> None:
        register_source(CatalogueIndex.over(archive.catalogue))
        BlockLoader.loaders[SCHEME] = RecordLoader.over(archive.holdings)
        self._pywb = FrontEndApp(config_file=str(_HERE / "pywb.yaml"), custom_config=_settings())
        self._pywb.warcserver_server.server.log = LoggingLogAdapter(_log, logging.DEBUG)
        self._archive, self._name, self._origins = archive, name, origins
        self._pages = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, as PEP 3333 has it."""
        path = str(environ.get("PATH_INFO", ""))
        if path.startswith(_OWN):
            return _file(path.removeprefix(_OWN), start_response)
        frame, content = self._origins.of(environ)
        if str(environ.get("SERVER_PORT")) == str(self._origins.content_port) and not _CONTENT.match(path):
            start_response("302 Found", [("Location", frame + str(environ.get("REQUEST_URI", "/")))])
            return [b""]
        if path in ("", "/"):
            return self._home(start_response)
        environ["newsark.content"] = content
        answer: Iterable[bytes] = self._pywb(environ, start_response)
        return answer

    def _home(self, start_response: StartResponse) -> Iterable[bytes]:
        page = self._pages.get_template("home.html").render(
            name=self._name, newest=self._newest(), collection=COLLECTION, stamp=timestamp14
        )
        return _answer("200 OK", "text/html; charset=utf-8", page.encode(), start_response)

    def _newest(self) -> list[tuple[str, Version]]:
        """The names of newsrooms with the versions captured last, newest first."""
        found: list[tuple[str, Version]] = []
        with self._archive.catalogue.begin() as connection:
            for known in Sources(connection).known():
                found += [(known.name, one) for one in Versions(connection, known.id).newest(NEWEST)]
        return sorted(found, key=lambda one: one[1].captured_at, reverse=True)[:NEWEST]


def _settings() -> dict[str, Any]:
    return {
        "collections": {COLLECTION: {"index": NAME, "archive_paths": f"{SCHEME}://"}},
        # one that does not exist, since there are none; without any pywb takes the collection for part of the address
        "collections_root": str(_HERE / "collections"),
        # pywb looks for templates from the root on
        "frame_insert_html": str(_HERE / "templates" / "frame_insert.html").lstrip("/"),
        "csp-header": POLICY,
    }


def _file(name: str, start_response: StartResponse) -> Iterable[bytes]:
    known = {path.name: path for path in (_HERE / "static").iterdir()}
    if name not in known:
        return _answer("404 Not Found", "text/plain", b"There is no such file.\n", start_response)
    return _answer("200 OK", _TYPES[known[name].suffix], known[name].read_bytes(), start_response)


def _answer(status: str, kind: str, body: bytes, start_response: StartResponse) -> Iterable[bytes]:
    policy = "default-src 'self'; style-src 'self'; form-action 'self'; frame-ancestors 'none'"
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Content-Security-Policy", policy)]
    start_response(status, headers)
    return [body]
