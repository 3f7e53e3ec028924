"""Options that several commands share, each with its one sentence of help, and how help shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

ArchiveOption = Annotated[
    str | None,
    typer.Option("--archive", metavar="PLACE", help="A directory or s3://bucket/prefix; ./archive without it."),
]
EndpointOption = Annotated[
    str | None,
    typer.Option("--endpoint-url", metavar="URL", help="Address of an S3-compatible server that is not AWS's own."),
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
DelayOption = Annotated[
    float | None, typer.Option("--delay", metavar="SECONDS", min=0, help="Least time between two requests to one host.")
]
SourcesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="SOURCE", help="Only these sources, by id or name.", show_default=False)
]


PlacesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="SOURCE|URL", help="Sources by id or name, or URLs; every known source without any."),
]
SourceFilesOption = Annotated[
    list[Path] | None,
    typer.Option("--source-file", metavar="FILE", help="A source file to work on. May be repeated."),
]
SourceFilter = Annotated[
    list[str] | None, typer.Option("--source", metavar="SOURCE", help="Only this source. May be repeated.")
]
PublishedSinceFilter = Annotated[
    str | None, typer.Option("--published-since", metavar="DAY", help="Published on that day or later.")
]
PublishedUntilFilter = Annotated[
    str | None, typer.Option("--published-until", metavar="DAY", help="Published before that day.")
]
LanguageFilter = Annotated[
    list[str] | None, typer.Option("--language", metavar="TAG", help="In this language. May be repeated.")
]
StateFilter = Annotated[
    str | None, typer.Option("--state", metavar="STATE", help="What the last visit found: present, removed, …")
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Work on the Ray cluster whose head is at HOST:PORT, or on one of this machine alone: local.",
    ),
]
LogLevelOption = Annotated[
    str | None,
    typer.Option("--log-level", metavar="LEVEL", help="How much is logged: debug, info, warning or error."),
]
LogFormatOption = Annotated[
    str | None, typer.Option("--log-format", metavar="FORMAT", help="How the log looks: console or json.")
]
LogFileOption = Annotated[
    str | None, typer.Option("--log-file", metavar="FILE", help="Write the log there instead of on standard error.")
]
NoProgressOption = Annotated[bool, typer.Option("--no-progress", help="Show no live lines.")]


class PlainCommand(TyperCommand):
    """A command whose help names the values that options take, and no types where there is no choice."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, as help and parser ask for them."""
        return _without_types(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """A group of such commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, as help and parser ask for them."""
        return _without_types(super().get_params(ctx))


def _without_types(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        needs_no_type = isinstance(parameter, TyperArgument) or getattr(parameter, "is_flag", False)
        if needs_no_type and isinstance(parameter, TyperArgument | TyperOption):
            parameter.display_type_rich = _no_type  # type: ignore[method-assign]  # Typer has no other way
    return parameters


def _no_type(ctx: Any) -> None:  # noqa: ARG001 - the signature is Typer's
    return None
