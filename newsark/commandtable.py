"""Newsark's commands by name, each loaded when it is asked for: a start loads one of them, and help loads them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.main import get_command_from_info, get_group

from newsark.options import PlainCommand

PLACES = {
    "init": "init:init",
    "sources": "sources:app",
    "crawl": "crawl:crawl",
    "watch": "watch:watch",
    "status": "status:status",
    "search": "search:search",
    "show": "show:show",
    "diff": "diff:diff",
    "ledger": "ledger:ledger",
    "export": "export:export",
    "serve": "serve:serve",
    "replay": "replay:replay",
    "extract": "extract:extract",
    "import": "importing:import_files",
    "verify": "verify:verify",
    "validate": "validate:validate",
    "reextract": "reextract:reextract",
    "rebuild": "rebuild:rebuild",
    "suppress": "suppress:suppress",
    "erase": "erase:erase",
    "alerts": "alerts:app",
    "doctor": "doctor:doctor",
}
"""Where each command is in `newsark.commands`: a function, or the app of a group. In the order of the help."""


class CommandTable(Mapping[str, Any]):
    """The commands as Typer asks a group for them."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            module, _, member = PLACES[name].partition(":")
            self._made[name] = _command(name, getattr(import_module(f"newsark.commands.{module}"), member))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)


def _command(name: str, found: Any) -> Any:
    if isinstance(found, typer.Typer):
        group = get_group(found)
        group.name = name
        return group
    alone = typer.Typer()
    alone.command(name, cls=PlainCommand)(found)
    return get_command_from_info(alone.registered_commands[0], pretty_exceptions_short=True, rich_markup_mode="rich")
