"""The command line: one file per command, gathered here; errors end with their exit code and their cure."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from newsark.commands import crawl, doctor, export, extract, init, show, sources, status
from newsark.console import out, print_error
from storage.errors import NewsarkError

app = typer.Typer(
    name="newsark",
    help="Keep journalism that may be taken down: faithful bytes in WARC files, the right words in JSON records.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.init)
app.add_typer(sources.app, name="sources")
app.command("crawl")(crawl.crawl)
app.command("status")(status.status)
app.command("show")(show.show)
app.command("export")(export.export)
app.command("extract")(extract.extract)
app.command("doctor")(doctor.doctor)


def _print_version(value: bool) -> None:
    if value:
        out.print(f"newsark {version('newsark')}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Keep journalism that may be taken down."""


def main() -> None:
    """Run the command line; the entry point of `newsark`."""
    try:
        app()
    except NewsarkError as problem:
        print_error(str(problem))
        sys.exit(problem.exit_code)
    except SQLAlchemyError as problem:
        print_error(f"the catalogue cannot be used: {problem}. Check the `catalogue` setting and the disk")
        sys.exit(3)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; nothing is wrong.
        sys.stderr.close()
        sys.exit(0)
