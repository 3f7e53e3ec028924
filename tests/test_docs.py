"""The documents cannot lag: every command, option, setting, error and exit code is in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from crawler import listerrors
from crawler.outcome import PASSING_FAILURES
from newsark.cli import app
from newsark.settings import NewsarkSettings
from storage import errors
from storage.errors import NewsarkError
from storage.fixity.findings import KINDS

ROOT = Path(__file__).parent.parent
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def commands(group: object = None, path: str = "newsark") -> Iterator[tuple[str, object]]:
    """Every command with its full name."""
    group = typer.main.get_command(app) if group is None else group
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    assert f"`{name}" in OPERATIONS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_no_command_is_documented_that_does_not_exist() -> None:
    named = set(re.findall(r"^\| `(newsark [a-z ]+?)(?: [\[A-Z-].*)?`", OPERATIONS, re.MULTILINE))
    assert named == set(COMMANDS)


@pytest.mark.parametrize("name", NewsarkSettings.model_fields)
def test_every_setting_is_documented_with_its_sentence(name: str) -> None:
    row = next((line for line in OPERATIONS.splitlines() if line.startswith(f"| `{name}` ")), "")
    assert NewsarkSettings.model_fields[name].description in row


def leaves(kind: type[NewsarkError] = NewsarkError) -> Iterator[type[NewsarkError]]:
    """Every error class."""
    yield kind
    for below in kind.__subclasses__():
        yield from leaves(below)


@pytest.mark.parametrize(
    "kind", sorted({one.__name__ for one in leaves() if one.__module__ in (errors.__name__, listerrors.__name__)})
)
def test_every_error_is_drawn_in_the_tree(kind: str) -> None:
    assert kind in (errors.__doc__ or "")


@pytest.mark.parametrize("code", sorted({one.exit_code for one in leaves()}))
def test_every_exit_code_is_documented(code: int) -> None:
    assert f"| {code} |" in OPERATIONS


@pytest.mark.parametrize("word", sorted(PASSING_FAILURES))
def test_every_fetch_failure_is_explained(word: str) -> None:
    assert f"`{word}`" in OPERATIONS


@pytest.mark.parametrize("kind", sorted({one.kind for one in leaves(errors.PageError)}))
def test_every_page_error_is_explained(kind: str) -> None:
    assert f"`{kind}`" in OPERATIONS


def test_the_ten_steps_stand_in_order() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    steps = ["discover", "lease", "fetch", "archive", "judge", "extract", "compare", "record", "acknowledge", "seal"]
    places = [text.index(f"{number}. **{step}") for number, step in enumerate(steps, 1)]
    assert places == sorted(places)


def test_every_file_that_the_architecture_names_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:crawler|pipelines|storage|reading|newsark|tests)/[a-z_/]+\.py)`", text):
        assert (ROOT / path).is_file(), path


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_links_between_documents_lead_somewhere() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_finding_of_verify_is_explained(kind: str) -> None:
    assert f"| `{kind}` | {KINDS[kind].meaning} |" in OPERATIONS
