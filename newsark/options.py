"""Options that several commands share, each with its one sentence of help."""

from __future__ import annotations

from typing import Annotated

import typer

ArchiveOption = Annotated[
    str | None,
    typer.Option("--archive", metavar="DIR", help="The archive's directory; ./archive without it."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AllowHostOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-host", metavar="HOST", help="Let HOST or HOST:PORT be at a private address. May be repeated."
    ),
]
ContactOption = Annotated[
    str | None,
    typer.Option("--contact", metavar="WHO", help="Who newsrooms can write to: an e-mail address or a URL."),
]
