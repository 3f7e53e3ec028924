"""What rendering needs on this machine: asked before a crawl begins, so that it does not fail page by page."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from importlib.util import find_spec

from crawler.source import Source
from storage.errors import BadSourceFile, ExtraMissing

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def chromium_path() -> str | None:
    """The system's Chromium, or None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def refuse_without_browser(sources: Iterable[Source]) -> None:
    """Raise ExtraMissing or BadSourceFile when one of these wants its pages rendered, and this machine cannot."""
    wanting = next((source for source in sources if source.render), None)
    if wanting is None:
        return
    if find_spec("playwright") is None:
        raise ExtraMissing("pages that are rendered", "render")
    if chromium_path() is None:
        cure = "needs Chromium, and none is in PATH: install it (Debian: apt install chromium), or leave the key out"
        raise BadSourceFile(f"source {wanting.id}", "render", cure)
