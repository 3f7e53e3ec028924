"""What tests share: a small site, and their order: files that take long begin first, none is left for the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.articlesite import Site
from tests.postgresql import database

LONG = (
    "year",
    "killed_visits",
    "import",
    "erase",
    "crash",
    "render",
    "suppress_doors",
    "hostile_replay",
    "rebuild",
    "stores_crawl",
    "read_later",
    "reextract",
    "ledger",
    "learned_furniture",
    "full_disk",
    "watch",
    "postgresql",
    "postgresql_away",
    "faults_crawl",
    "sweep",
    "alerts",
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


@pytest.fixture(params=["sqlite", "postgresql"])
def catalogue_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database: what holds for the catalogue holds in each that it can be in."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    else:
        with database() as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def catalogue_setting(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """What the setting `catalogue` says: nothing, or the URL of an empty database on a server."""
    if request.param == "sqlite":
        yield None
    else:
        with database() as url:
            yield url
