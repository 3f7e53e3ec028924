"""A newsroom whose articles are made by scripts in the reader's browser: the page itself is an empty shell."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import LoopbackSite, Shown
from tests.pressroom import PICTURE

SHELL = """<!doctype html><html lang="en"><head><meta charset="windows-1251"><title>Newsroom</title>
<link rel="stylesheet" href="/css/site.css"><script src="/js/app.js" defer></script></head>
<body><div id="wall"><button id="decline">Decline</button></div><main id="root"></main>%s</body></html>"""

APP = """
const root = document.getElementById("root");
const name = location.pathname.split("/").pop();
const paragraph = (text) => { const p = document.createElement("p"); p.textContent = text; return p; };
document.getElementById("decline").onclick = () => {
  document.getElementById("wall").remove();
  fetch("/data/part-two.json?of=" + name).then((r) => r.json()).then(show);
};
function show(told) {
  if (told.headline) {
    document.title = told.headline;
    root.innerHTML = "<article><h1></h1><img src='/img/ship.png'></article>";
    root.querySelector("h1").textContent = told.headline;
  }
  root.querySelector("article").append(...told.paragraphs.map(paragraph));
}
fetch("/data/" + name + ".json", { headers: { "X-Reader": "1" } }).then((r) => r.json()).then((told) => {
  show(told);
  const end = document.createElement("div");
  end.style.marginTop = "1500px";
  root.querySelector("article").append(end);
  new IntersectionObserver(([seen], observer) => {
    if (!seen.isIntersecting) return;
    observer.disconnect();
    fetch("/data/lazy.json?of=" + name).then((r) => r.json()).then(show);
  }).observe(end);
});
"""


def told(name: str, part: str, headline: str | None = None, count: int = 8) -> str:
    paragraphs = [f"Sentence {number} of the {part} of {name} is about the ferry – «паром»." for number in range(count)]
    return json.dumps({"headline": headline, "paragraphs": paragraphs})


class ScriptedSite(LoopbackSite):
    """Articles by name; `extra` has what a test adds to a page, `sent` the body of each answer as it was sent.

    What is in `stalled` waits until `released` is set. `connected` has who came to another listener, `other`.
    """

    def __init__(self, *names: str) -> None:
        self.names = names or ("one",)
        self.extra: dict[str, str] = {}
        self.edited: set[str] = set()
        self.robots = "User-agent: *\nDisallow: /js/forbidden.js\n"
        self.sent: dict[str, bytes] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.stalled: set[str] = set()
        self.released = threading.Event()
        self.methods: list[str] = []
        self.connected: list[Any] = []
        self._other = socket.create_server(("127.0.0.1", 0))
        self.other = f"127.0.0.1:{self._other.getsockname()[1]}"
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(self._other.getsockname())
        for listen in (self._listen, self._receive):
            threading.Thread(target=listen, daemon=True).start()
        super().__init__()

    def _listen(self) -> None:
        while True:
            try:
                connection, peer = self._other.accept()
            except OSError:
                return
            self.connected.append(peer)
            connection.close()

    def _receive(self) -> None:
        while True:
            try:
                self.connected.append(self._datagrams.recvfrom(1000))
            except OSError:
                return

    def headline(self, name: str) -> str:
        return f"Ferry {name} {'sinks' if name in self.edited else 'sails again'}"

    def shown(self, path: str) -> Shown:
        if path == "/robots.txt":
            return self.robots
        if path == "/sitemap.xml":
            listed = "".join(f"<url><loc>{self.url}/news/{name}</loc></url>" for name in self.names)
            return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'
        if path.startswith("/news/"):
            return SHELL % self.extra.get(path.removeprefix("/news/"), "")
        if path == "/css/site.css":
            return 302, "/css/v2/site.css"
        name = path.removeprefix("/data/").partition(".")[0]
        files = {
            f"/data/{name}.json": told(name, "first part", self.headline(name)),
            "/css/v2/site.css": "body { background: url(paper.png) }",
            "/js/app.js": APP,
            "/data/part-two.json": told("it", "second part"),
            "/data/lazy.json": told("it", "last part"),
        }
        return files.get(path.partition("?")[0], 404)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        self.headers[handler.path] = {name.lower(): value for name, value in handler.headers.items()}
        self.methods.append(handler.command)
        if path in self.stalled:
            self.released.wait(30)
        kinds = {".css": "text/css", ".js": "text/javascript", ".json": "application/json", ".png": "image/png"}
        kind = next((kind for end, kind in kinds.items() if path.endswith(end)), "text/html")
        shown: Any = PICTURE if path.endswith(".png") else self.shown(handler.path)
        if not isinstance(shown, str | bytes):
            super().answer(handler)
            return
        body = shown if isinstance(shown, bytes) else gzip.compress(shown.encode(), mtime=0)
        self.sent[handler.path] = body
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        if not isinstance(shown, bytes):
            handler.send_header("Content-Encoding", "gzip")
        if path.startswith("/news/"):
            handler.send_header("Set-Cookie", "reader=1; Path=/")
            handler.send_header("ETag", '"shell"')
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def close(self) -> None:
        self.released.set()
        self._other.close()
        self._datagrams.close()
        super().close()
