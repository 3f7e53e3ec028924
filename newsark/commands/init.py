"""`newsark init`: an archive home."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from crawler.source import dump_source, source_for_url
from newsark.console import out
from newsark.options import ContactOption
from newsark.settings import FILE, commented_file
from storage.errors import WrongUse


def init(
    directory: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where; the current directory without it.")
    ] = Path(),
    contact: ContactOption = None,
    operator: Annotated[str | None, typer.Option("--operator", help="Who runs this archive.")] = None,
) -> None:
    """Make an archive home: newsark.toml and a commented example source."""
    settings = directory / FILE
    if settings.exists():
        raise WrongUse(f"{settings} is there already; edit it, or name another directory")
    if contact is None and sys.stdin.isatty():
        contact = typer.prompt(
            "Who can newsrooms write to (an e-mail address or a URL)?", default="", show_default=False
        )
    sources = directory / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    settings.write_text(commented_file(contact or None, operator), encoding="utf-8")
    example = sources / "_example.toml"
    example.write_text(
        "# An example. Files that begin with an underscore are not read; copy it, or use: newsark sources add URL\n\n"
        + dump_source(source_for_url("https://news.example.org/")),
        encoding="utf-8",
    )
    out.print(f"Made {settings} and {example}")
    if not contact:
        out.print(
            "No contact is set. Newsrooms want to know who visits: set `contact` before you crawl.",
            style="yellow",
        )
    place = "" if directory == Path() else f"cd {directory} && "
    out.print(f"Next: {place}newsark sources add https://…  then  newsark crawl")
