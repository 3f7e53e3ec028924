"""What tests share: a small site, and their order: files that take long begin first, none is left for the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.articlesite import Site

LONG = (
    "year",
    "killed_visits",
    "import",
    "crash",
    "stores_crawl",
    "rebuild",
    "render",
    "suppress_doors",
    "erase",
    "reextract",
    "full_disk",
    "watch",
    "sweep",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by file: those in LONG in that order, then the others as they come."""
    places = {f"tests/test_{name}.py": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


@pytest.fixture
def site() -> Iterator[Site]:
    """Nine articles for a test to change."""
    with Site() as made:
        yield made
