"""The order of the tests: files that take long begin first, so that no process is left alone with one at the end."""

from __future__ import annotations

import pytest

LONG = (
    "year",
    "killed_visits",
    "import",
    "crash",
    "stores_crawl",
    "rebuild",
    "reextract",
    "full_disk",
    "watch",
    "sweep",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by file: those in LONG in that order, then the others as they come."""
    places = {f"tests/test_{name}.py": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))
