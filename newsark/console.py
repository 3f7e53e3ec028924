"""What people see: results on standard output, everything else on standard error, and JSON when it is asked for."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import orjson
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from reading.wording import counted as counted
from reading.wording import human_bytes as human_bytes
from reading.wording import plain as plain


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """What rich calls when nobody reads on."""
        reader_went_away()


out = _Console(highlight=False, markup=False, emoji=False)
err = _Console(stderr=True, highlight=False, markup=False, emoji=False)


def say(text: str | Text = "", style: str = "", *, indent: int = 0, to: Console | None = None) -> None:
    """Print a paragraph: wrapped at words on a terminal, on one line in a pipe, where programs read it."""
    console = to or out
    shown = Text(plain(text), style) if isinstance(text, str) else text
    if console.is_terminal:
        console.print(Padding(shown, (0, 0, 0, indent)) if indent else shown)
    else:
        console.print(Text(" " * indent) + shown, soft_wrap=True)


def say_line(text: str | Text, style: str = "") -> None:
    """Print a line that no console may break or cut, since it holds a URL or stands in a column."""
    out.print(Text(plain(text), style) if isinstance(text, str) else text, soft_wrap=True)


def write_bytes(data: bytes) -> None:
    """Write to standard output; when its reader went away, as `head` does, the command ends well."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        reader_went_away()


def reader_went_away() -> NoReturn:
    """End with exit code 0: whoever read our output has seen enough."""
    # Python flushes standard output at its end, and would complain then
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(0)


def print_json(value: Any) -> None:
    """One JSON value on one line of standard output."""
    write_bytes(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))


def print_error(message: str) -> None:
    """An error on one line of standard error: what, where, what to do."""
    err.print(Text.assemble(("newsark: ", "bold red"), plain(" ".join(message.split()))), soft_wrap=True)


def short(path: Path) -> str:
    """A path as people type it: relative to where they are, when it is below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) and path != here else str(path)
