"""`newsark doctor`: is this machine, this configuration and this archive able to do the job?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from newsark.console import counted, out, plain, print_json, say
from newsark.options import ArchiveOption, EndpointOption, JsonOption

if TYPE_CHECKING:
    from newsark.checking.finding import Finding

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "fault": ("✗", "red")}


def doctor(
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only what is not well.")] = False,
) -> None:
    """Check this machine, the settings, the source files and the archive.

    Takes ten seconds at most, whatever hangs. Exit code 1 when
    something does not work; a warning is no fault.
    """
    from newsark.checks import examine

    findings = examine(archive, endpoint_url)
    faults, warnings = (sum(one.verdict == verdict for one in findings) for verdict in ("fault", "warning"))
    if json:
        names = ("area", "check", "verdict", "message")
        rows = [{name: getattr(one, name) for name in names} for one in findings]
        print_json({"ok": not faults, "findings": rows})
    else:
        _print([one for one in findings if one.verdict != "ok" or not quiet])
        if faults or warnings:
            say(f"{counted(faults, 'fault')}, {counted(warnings, 'warning')}.", "bold")
        elif not quiet:
            say("All is well.", "bold")
    if faults:
        raise typer.Exit(1)


def _print(findings: Sequence[Finding]) -> None:
    """A table for each area on a terminal, a line for each finding in a pipe."""
    if not out.is_terminal:
        for one in findings:
            mark, style = MARKS[one.verdict]
            say(Text.assemble((mark, style), f" {one.check}: {plain(one.message)}"))
        return
    width = max((len(one.check) for one in findings), default=0)
    for area, some in groupby(findings, key=lambda one: one.area):
        say(area, "bold")
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=1)
        table.add_column(width=width, no_wrap=True)
        table.add_column(overflow="fold")
        for one in some:
            mark, style = MARKS[one.verdict]
            message = Text(plain(one.message), "" if one.verdict == "ok" else style)
            table.add_row(Text(mark, style), Text(one.check), message)
        out.print(table)
        say()
