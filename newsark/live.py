"""The live lines of a crawl: one for each source that is being worked on, redrawn in place on standard error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Group
from rich.live import Live
from rich.text import Text

from crawler.progress import Progress
from newsark.console import counted, err, human_bytes, plain

MOST_LINES = 10
SHORTEST_URL = 12
ENOUGH_VISITS = 10


async def show(progresses: Sequence[Progress]) -> None:
    """Keep the live lines up to date until cancelled; of many sources those that have begun, at most ten."""
    started = time.monotonic()
    with Live(console=err, auto_refresh=False, transient=True) as live:
        while True:
            begun = [one for one in progresses if one.requests] or list(progresses)
            seconds = time.monotonic() - started
            shown = [live_line(one, seconds, err.width) for one in begun[-MOST_LINES:]]
            live.update(Group(*shown), refresh=True)
            await asyncio.sleep(0.25)


def live_line(progress: Progress, seconds: float, width: int) -> Text:
    """One source's line, never wider than the terminal: what was done, then what is being done."""
    visited = progress.visited
    facts = [
        f"{int(seconds) // 60}:{int(seconds) % 60:02d}",
        counted(progress.requests, "request"),
        human_bytes(progress.received_bytes),
    ]
    facts += [f"{visited[state]} {state}" for state in sorted(visited) if visited[state]]
    if progress.left is not None:
        facts.append(left_of(progress, seconds))
    paused = [(f"{plain(progress.paused)}  ", "bold yellow")] if progress.paused else []
    line = Text.assemble((progress.source, "bold"), "  ", *paused, "  ".join(facts))
    room = width - 1 - line.cell_len - 2
    if room >= SHORTEST_URL:
        line.append("  ")
        line.append(_end_of(plain(_without_site(progress.doing)), room), "dim")
    line.truncate(width - 1, overflow="ellipsis")
    return line


def left_of(progress: Progress, seconds: float) -> str:
    """How many leads are left, and how long they take at the pace so far; more may be found on the way."""
    left = progress.left or 0
    done = sum(progress.visited.values())
    if done < ENOUGH_VISITS:
        return f"{left:,} left"
    minutes = left * seconds / done / 60
    about = f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.0f} h"
    return f"{left:,} left, about {about if minutes < 6000 else f'{minutes / 1440:.0f} days'}"


def _without_site(doing: str) -> str:
    """A URL's path and query; the line names the source already."""
    _, mark, rest = doing.partition("://")
    return "/" + rest.partition("/")[2] if mark else doing


def _end_of(text: str, room: int) -> str:
    """The text, or as much of its end as there is room for: the end tells pages apart."""
    if cell_len(text) <= room:
        return text
    return "…" + set_cell_size(text[-(room - 1) :], room - 1).rstrip()
