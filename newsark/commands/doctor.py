"""`newsark doctor`: is this machine, this configuration and this archive able to do the job?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from newsark.console import print_json, say
from newsark.options import ArchiveOption, EndpointOption, JsonOption

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "fault": ("✗", "red")}


def doctor(
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only what is not well.")] = False,
) -> None:
    """Check this machine, the settings, the source files and the archive.

    Exit code 1 when something does not work; a warning is no fault.
    """
    from newsark.checks import examine

    findings = examine(archive, endpoint_url)
    well = all(one.verdict != "fault" for one in findings)
    if json:
        rows = [{"check": one.check, "verdict": one.verdict, "message": one.message} for one in findings]
        print_json({"ok": well, "findings": rows})
    else:
        for one in findings:
            mark, style = MARKS[one.verdict]
            if one.verdict != "ok" or not quiet:
                say(Text.assemble((mark, style), f" {one.check}: {one.message}"))
    if not well:
        raise typer.Exit(1)
