"""The smallest newsroom: a home page that names one story."""

from __future__ import annotations

from tests.loopback import LoopbackSite

STORY = "/2026/the-bridge-is-open-again"


class OneStory(LoopbackSite):
    """Serves it."""

    def shown(self, path: str) -> str | int:
        if path == "/":
            return f"<html><body><h1>News</h1><a href='{STORY}'>The bridge is open again</a></body></html>"
        if path != STORY:
            return 404
        lines = [f"<p>The harbour office said {n} times that the bridge would now stay shut.</p>" for n in range(12)]
        head = "<title>The bridge is open again</title><meta property='og:type' content='article'>"
        return f"<html><head>{head}</head><body><article><h1>The bridge is open again</h1>{''.join(lines)}</article>"
