"""The command line without a process of its own, for commands that need no reactor and no workers."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Mapping
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


def asked(*arguments: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> Ran:
    """What `newsark` of tests/cli.py gives, for a question that many tests ask on their way: a process costs 0.6 s."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        pytest.MonkeyPatch.context() as here,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        for name in [name for name in os.environ if name.startswith("NEWSARK_")]:
            here.delenv(name)
        for name, value in (environment or {}).items():
            here.setenv(name, value)
        here.chdir(cwd)
        here.setattr(sys, "argv", ["newsark", *map(str, arguments)])
        code = run()
    return Ran(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))
