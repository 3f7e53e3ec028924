"""The replay as a WSGI application: pywb over one open archive, with a home page and two scripts of our own.

Archived pages have an origin of their own, another port than the frame around them: they can touch nothing of it, the
policy that goes with each forbids every other host, and the frame neither lets them leave nor open windows.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl

from gevent.pywsgi import LoggingLogAdapter
from jinja2 import Environment, FileSystemLoader
from pywb.apps.frontendapp import FrontEndApp
from pywb.utils.loaders import BlockLoader
from pywb.warcserver.warcserver import register_source

from reading.replay.content import StartResponse, archived, framing
from reading.replay.index import NAME, CatalogueIndex
from reading.replay.markup import MarkupRewriter
from reading.replay.origins import Origins
from reading.replay.records import SCHEME, RecordLoader
from reading.replay.seals import Seals
from storage.archive import Archive
from storage.sources import Sources
from storage.timestamps import timestamp14
from storage.versions import Version, Versions

COLLECTION = "archive"
NEWEST = 20
_log = logging.getLogger(__name__)
_HERE = Path(str(files("reading.replay")))
_OWN = "/static/newsark/"
# whatever pywb may take for a modifier, which says that a thing itself is wanted and no frame around it
_ARCHIVED = re.compile(rf"(/{COLLECTION}/\d*)([a-zA-Z]+_|\$[^/]*)(?=/)")
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


class Replay:
    """The application, on the ports of frame and content. The archive must stay open as long as this answers."""

    def __init__(self, archive: Archive, name: str, origins: Origins) -> None:
        register_source(CatalogueIndex.over(archive.catalogue))
        BlockLoader.loaders[SCHEME] = RecordLoader.over(archive.holdings)
        self._pywb = FrontEndApp(config_file=str(_HERE / "pywb.yaml"), custom_config=_settings())
        self._pywb.warcserver_server.server.log = LoggingLogAdapter(_log, logging.DEBUG)
        self._pywb.rewriterapp.js_proxy_rw.all_rewriters["html"] = MarkupRewriter
        self._seals = Seals()
        self._pywb.rewriterapp.jinja_env.jinja_env.filters |= {"told": told, "seal": self._seals.seal}
        self._archive, self._name, self._origins = archive, name, origins
        self._pages = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True)
        # archived pages have no origin: that they may read what the content port answers, their secret address tells
        self._secret = f"/~{token_urlsafe(12)}"

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, as PEP 3333 has it."""
        if not self._origins.may_ask(environ):
            return _plain("421 Misdirected Request", "Ask by an address, or say --frame-url.", start_response)
        content = str(environ.get("SERVER_PORT")) == str(self._origins.content_port)
        path = str(environ.get("PATH_INFO", ""))
        if secret := content and path.startswith(f"{self._secret}/"):
            environ["SCRIPT_NAME"], path = self._secret, path.removeprefix(self._secret)
            environ["PATH_INFO"] = path
        frame_at, content_at = self._origins.of(environ)
        if path.startswith(_OWN):
            return _file(path.removeprefix(_OWN), start_response)
        is_archived = _ARCHIVED.match(path) is not None
        alone = environ.get("HTTP_SEC_FETCH_DEST") == "document"
        if content and (alone or not (is_archived or path.startswith("/static/"))):
            return _framed(environ, frame_at, start_response)
        if content or is_archived:
            # a script that reads a page gets no seal: it may be another page's
            environ["newsark.navigated"] = environ.get("HTTP_SEC_FETCH_DEST") == "iframe"
            environ["newsark.frame"] = frame_at
            return archived(self._pywb, environ, start_response, content_at if content else frame_at, readable=secret)
        if path in ("", "/"):
            return self._home(start_response)
        if path == "/sealed":
            return self._sealed(environ, start_response)
        environ["newsark.content"] = content_at + self._secret
        return framing(self._pywb, environ, start_response, content_at, self._origins.embedders)

    def _home(self, start_response: StartResponse) -> Iterable[bytes]:
        page = self._pages.get_template("home.html").render(
            name=self._name, newest=self._newest(), collection=COLLECTION, stamp=timestamp14
        )
        return _answer("200 OK", "text/html; charset=utf-8", page.encode(), start_response)

    def _sealed(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        asked = dict(parse_qsl(str(environ.get("QUERY_STRING", ""))))
        genuine = self._seals.is_sealed(*(asked.get(name, "") for name in ("url", "moment", "seal")))
        return _plain("200 OK" if genuine else "403 Forbidden", "sealed" if genuine else "not sealed", start_response)

    def _newest(self) -> list[tuple[str, Version]]:
        """The names of newsrooms with the versions captured last, newest first."""
        found: list[tuple[str, Version]] = []
        with self._archive.catalogue.begin() as connection:
            for known in Sources(connection).known():
                found += [(known.name, one) for one in Versions(connection, known.id).newest(NEWEST)]
        return sorted(found, key=lambda one: one[1].captured_at, reverse=True)[:NEWEST]


def told(details: object) -> str:
    """What went wrong, out of the details that pywb has for its page of errors: JSON inside a mapping, or words."""
    text = details.get("error", "") if isinstance(details, Mapping) else details
    try:
        return str(json.loads(str(text))["message"])
    except (ValueError, KeyError, TypeError):
        return str(text or "")


def _settings() -> dict[str, Any]:
    return {
        "collections": {COLLECTION: {"index": NAME, "archive_paths": f"{SCHEME}://"}},
        # one that does not exist, since there are none; without any pywb takes the collection for part of the address
        "collections_root": str(_HERE / "collections"),
        # pywb looks for templates from the root on
        "frame_insert_html": str(_HERE / "templates" / "frame_insert.html").lstrip("/"),
        "error_html": str(_HERE / "templates" / "missing.html").lstrip("/"),
        "not_found_html": str(_HERE / "templates" / "missing.html").lstrip("/"),
        "head_insert_html": str(_HERE / "templates" / "page_insert.html").lstrip("/"),
        "csp-header": "",
    }


def _file(name: str, start_response: StartResponse) -> Iterable[bytes]:
    known = {path.name: path for path in (_HERE / "static").iterdir()}
    if name not in known:
        return _plain("404 Not Found", "There is no such file.", start_response)
    return _answer("200 OK", _TYPES[known[name].suffix], known[name].read_bytes(), start_response)


def _framed(environ: Mapping[str, Any], frame: str, start_response: StartResponse) -> Iterable[bytes]:
    """To the frame of an archived page that was opened without it, or to what only the frame's port has."""
    place = str(environ.get("REQUEST_URI", "/")).removeprefix(str(environ.get("SCRIPT_NAME", "")))
    start_response("302 Found", [("Location", frame + _ARCHIVED.sub(r"\1", place, count=1))])
    return [b""]


def _plain(status: str, text: str, start_response: StartResponse) -> Iterable[bytes]:
    return _answer(status, "text/plain; charset=utf-8", f"{text}\n".encode(), start_response)


def _answer(status: str, kind: str, body: bytes, start_response: StartResponse) -> Iterable[bytes]:
    policy = "default-src 'self'; style-src 'self'; form-action 'self'; frame-ancestors 'none'"
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Content-Security-Policy", policy)]
    start_response(status, headers)
    return [body]
