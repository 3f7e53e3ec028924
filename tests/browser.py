"""A real browser for tests: Debian's Chromium, which `make test` installs where it may."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window; skips the test, and says so, where there is none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("NO BROWSER: Chromium is not installed, so nothing is known of what people see (make browser)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield browser
        browser.close()
