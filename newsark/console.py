"""What people see: results on standard output, everything else on standard error, and JSON when it is asked for."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any, NoReturn

import orjson
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

# What a newsroom writes may not steer the terminal it is shown on: control characters and changes of direction.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


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


def plain(text: str) -> str:
    """The text without what would steer a terminal."""
    return _STEERING.sub("\ufffd", text)


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


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 article`, `1,204 articles`."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else plural}"


def short(path: Path) -> str:
    """A path as people type it: relative to where they are, when it is below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) and path != here else str(path)


def human_bytes(size: float) -> str:
    """A size for people: `1.4 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
