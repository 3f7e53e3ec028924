"""A small site on loopback whose pages a test decides: what `shown` gives for a path is what is served."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Shown = str | int | tuple[int, str]
"""A page with status 200, a status without a page, or the status and place of a redirect."""


class LoopbackSite:
    """Serves from a thread of its own until it is closed; `asked` has the paths that were asked for, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                site.answer(self)

            def do_POST(self) -> None:
                site.asked.append(self.path)
                site.answer(self)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def shown(self, path: str) -> Shown:
        """What stands at a path."""
        raise NotImplementedError

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Serve what is shown there."""
        shown = self.shown(handler.path)
        body = shown.encode() if isinstance(shown, str) else b""
        status, place = shown if isinstance(shown, tuple) else (200 if isinstance(shown, str) else shown, None)
        handler.send_response(status)
        if place is not None:
            handler.send_header("Location", place)
        handler.send_header("Content-Type", "text/html; charset=utf-8")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
