"""The rooms and their walls: imports point downward, files stay short."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "storage": set(),
    "pipelines": {"storage"},
    "crawler": {"pipelines", "storage"},
    "reading": {"pipelines", "storage"},
    "newsark": {"crawler", "reading", "pipelines", "storage"},
}
FILES = [path for room in MAY_IMPORT for path in sorted((ROOT / room).rglob("*.py"))]


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_rooms(path: Path) -> set[str]:
    """The rooms that a file imports from, wherever in the file it does so."""
    found: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found & (set(MAY_IMPORT) | {"tests", "benchmarks"})


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downward(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    assert imported_rooms(path) - {room} <= MAY_IMPORT[room]


def test_storage_knows_no_scrapy() -> None:
    for path in (ROOT / "storage").rglob("*.py"):
        modules = {node.module or "" for node in ast.walk(_tree(path)) if isinstance(node, ast.ImportFrom)}
        modules |= {name.name for node in ast.walk(_tree(path)) if isinstance(node, ast.Import) for name in node.names}
        assert not any(module.split(".")[0] in ("scrapy", "twisted", "trafilatura") for module in modules), path


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_under_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400
