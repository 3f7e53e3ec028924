"""The command line without a process of its own, for commands that need no reactor and no workers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from newsark.cli import run
from tests.cli import Ran

Command = Callable[..., Ran]


def in_process(directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """A function that runs `newsark` with its arguments in that directory."""
    monkeypatch.chdir(directory)

    def command(*arguments: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["newsark", *map(str, arguments)])
        code = run()
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return command
