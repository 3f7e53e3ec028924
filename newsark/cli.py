"""The command line: one file per command; errors end with their exit code and their cure."""

from __future__ import annotations

import io
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from newsark.commandtable import CommandTable
from newsark.console import print_error, say
from newsark.options import PlainGroup
from storage.errors import NewsarkError, StorageError


class Commands(PlainGroup):
    """Newsark's commands."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Typer would let commands be added to it, and nobody does
        table: Any = CommandTable()
        self.commands = table


app = typer.Typer(
    name="newsark",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        say(f"newsark {version('newsark')}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Keep journalism that may be taken down: faithful bytes in WARC files, the right words in JSON records."""


def main() -> None:
    """Run the command line; the entry point of `newsark`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a terminal without Unicode shows question marks, which is better than nothing
            stream.reconfigure(errors="replace")
    sys.exit(run())


def run() -> int:
    """The exit code of the command that `sys.argv` asks for; every error is one line on standard error."""
    try:
        return app(standalone_mode=False, prog_name="newsark") or 0
    except NewsarkError as problem:
        print_error(str(problem))
        return problem.exit_code
    except TyperException as problem:
        if not _is_bare_help(problem):
            print_error(_usage(problem))
        return problem.exit_code
    except typer.Abort:
        return 130
    except OSError as problem:
        place = f"{problem.filename}: " if problem.filename else ""
        print_error(f"{place}{problem.strerror or problem}")
        return StorageError.exit_code


def _is_bare_help(problem: TyperException) -> bool:
    # `newsark` alone has printed its help already
    return type(problem).__name__ == "NoArgsIsHelpError"


def _usage(problem: TyperException) -> str:
    """What is wrong with the words of a command, and where its help is."""
    context = getattr(problem, "ctx", None)
    command = context.command_path if context is not None else "newsark"
    text = problem.format_message().rstrip(".").replace("Value error, ", "").replace("Input should be", "must be")
    text = text.partition(", unable to parse")[0].replace(". Did you mean", "; did you mean")
    return f"{text[:1].lower()}{text[1:]}{'' if text.endswith('?') else '.'} See {command} --help"
