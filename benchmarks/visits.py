"""What a visit costs that finds nothing: CPU milliseconds, and bytes stored in the archive and in its catalogue.

python benchmarks/visits.py [--pages 400] [--json]

A site on loopback with pages of 40 kB, visited again as a whole: once where it answers 304 to conditional requests,
once where it sends every page again as it was. What a crawl costs in which nothing is due is taken off. `changed` is
the same with a new sentence on every page, for comparison.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NEWSARK = Path(sys.executable).with_name("newsark")
WORDS = ("harbour", "council", "bridge", "river", "school", "market", "winter", "budget", "vote", "crane", "nurse")


class Site:
    """Pages with or without validators, which have `edition` in their text."""

    def __init__(self, pages: int, *, validators: bool) -> None:
        self.pages, self.validators, self.edition = pages, validators, 0
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # small answers wait for nothing
            wbufsize = -1

            def do_GET(self) -> None:
                body = site.shown(self.path)
                tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
                is_known = site.validators and self.headers.get("If-None-Match") == tag
                self.send_response(304 if is_known else 200 if body else 404)
                if site.validators:
                    self.send_header("ETag", tag)
                kind = "application/xml" if self.path.endswith(".xml") else "text/html; charset=utf-8"
                self.send_header("Content-Type", kind)
                if not is_known:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(b"" if is_known else body)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def shown(self, path: str) -> bytes:
        """The body for a path."""
        if path == "/robots.txt":
            return f"Sitemap: http://{self.host}/sitemap.xml\n".encode()
        if path == "/sitemap.xml":
            listed = "".join(f"<url><loc>http://{self.host}/news/{n}-a-b-c</loc></url>" for n in range(self.pages))
            return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'.encode()
        if path.startswith("/news/"):
            return self._article(int(path.split("/")[2].split("-")[0]))
        return b"<html><body><h1>News</h1></body></html>"

    def _article(self, number: int) -> bytes:
        told = [
            f"{WORDS[(number + part) % 11]} {WORDS[number * part % 11]} said {number * 31 + part} times that the "
            f"{WORDS[part % 11]} would stay where it is until the {WORDS[(number * 7 + part) % 11]} is paid for."
            for part in range(20)
        ]
        told[5] += f" This was told in edition {self.edition}."
        text = "".join(f"<p>{line.capitalize()}</p>" for line in told)
        menu = "".join(f'<li class="menu__item"><a href="/section/{n}">Section number {n}</a></li>' for n in range(480))
        head = (
            f"<title>Story {number}</title><meta property='og:type' content='article'>"
            "<meta property='article:published_time' content='2026-01-01T08:00:00Z'>"
        )
        article = f"<article><h1>What is known of story {number}</h1>{text}</article>"
        return f"<html lang=en><head>{head}</head><body><ul>{menu}</ul>{article}</body></html>".encode()


def crawled(site: Site, directory: Path, *options: str) -> tuple[float, int, int]:
    """CPU seconds of a crawl and all its processes, and the bytes of archive and catalogue after it."""
    command = [str(NEWSARK), "crawl", f"http://{site.host}/", "--archive", "archive", "--allow-host", site.host]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEWSARK_")}
    process = subprocess.Popen(
        [*command, "--delay", "0", "--json", *options], cwd=directory, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise SystemExit("the crawl failed")
    archive = directory / "archive"
    catalogue = archive / ".newsark" / "catalogue.sqlite"
    kept = sum(path.stat().st_size for path in archive.rglob("*") if path.is_file() and "catalogue" not in path.name)
    return usage.ru_utime + usage.ru_stime, kept, catalogue.stat().st_size


def cost(site: Site, *, edit: bool) -> dict[str, float]:
    """What a second visit of each page costs, a page."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        crawled(site, directory)
        nothing, before, catalogue = crawled(site, directory)
        site.edition += edit
        cpu, after, grown = crawled(site, directory, "--again")
    return {
        "cpu_ms": round(1000 * (cpu - nothing) / site.pages, 2),
        "archive_bytes": round((after - before) / site.pages),
        "catalogue_bytes": round((grown - catalogue) / site.pages),
    }


def main() -> None:
    """Measure the three."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pages", type=int, default=400)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    facts = {
        "not modified (304)": cost(Site(chosen.pages, validators=True), edit=False),
        "same bytes (200)": cost(Site(chosen.pages, validators=False), edit=False),
        "changed": cost(Site(chosen.pages, validators=False), edit=True),
    }
    if chosen.json:
        print(json.dumps(facts))
        return
    print(f"{'a visit':20}{'CPU':>10}{'archive':>12}{'catalogue':>12}")
    for name, one in facts.items():
        print(f"{name:20}{one['cpu_ms']:>7} ms{one['archive_bytes']:>10} B{one['catalogue_bytes']:>10} B")


if __name__ == "__main__":
    main()
