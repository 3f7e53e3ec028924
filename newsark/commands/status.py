"""`newsark status`: what is known, and what to do."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from newsark.console import human_bytes, out, print_json
from newsark.home import Home, find_source
from newsark.options import ArchiveOption, JsonOption
from reading.status import source_states
from storage.leads import STATES


def status(
    names: Annotated[list[str] | None, typer.Argument(metavar="[SOURCE]…", help="Only these sources.")] = None,
    archive: ArchiveOption = None,
    json: JsonOption = False,
) -> None:
    """Show sources, coverage, last runs, what went wrong and what to do."""
    home = Home.here(archive=archive)
    with home.archive() as opened:
        known = home.known_sources(opened)
        ids = [find_source(name, known).source.id for name in names] if names else None
        states = source_states(opened, ids)
    if json:
        print_json({"sources": states})
        return
    if not states:
        out.print("Nothing has been crawled yet. Next: newsark crawl")
        return
    print_coverage(states)
    for state in states:
        print_problems(state["id"], [*_run_problems(state), *state["problems"]])


def _run_problems(state: dict[str, Any]) -> list[dict[str, Any]]:
    run = state["last_run"]
    return [problem for problem in run["problems"] if problem.get("kind") == "source"] if run else []


def print_coverage(states: list[dict[str, Any]]) -> None:
    """The sum of each source's leads, one line a source, with articles and size where they are known."""
    width = max((len(state["id"]) for state in states), default=0)
    for state in states:
        counts = state["leads"]
        parts = " + ".join(f"{counts[name]} {name}" for name in STATES)
        line = Text.assemble((state["id"].ljust(width), "bold"), f"  {counts['known']} leads = {parts}")
        if "articles" in state:
            line.append(f"; {state['articles']} articles, {human_bytes(state['bytes'])} stored", style="dim")
        out.print(line)


def print_problems(source: str, problems: list[dict[str, Any]]) -> None:
    """Each reason on a line: how many leads, which state, the first URL and what is known about it."""
    for problem in problems:
        style = "red" if problem["state"] == "failed" else "yellow" if problem["state"] != "captured" else "dim"
        out.print(f"{source}: {problem['count']} {problem['state']}: {problem['reason']}", style=style, markup=False)
        detail = problem.get("detail")
        out.print(
            f"    {problem['url'][:200]}" + (f": {str(detail)[:300]}" if detail else ""),
            style="dim",
            markup=False,
        )
