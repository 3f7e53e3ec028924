"""`newsark status`: what is known, and what to do."""

from __future__ import annotations

from typing import Any

from newsark.console import counted, human_bytes, print_json, say
from newsark.home import Home, unknown_source
from newsark.options import ArchiveOption, EndpointOption, JsonOption, SourcesArgument
from newsark.report import (
    backlog_json,
    print_backlogs,
    print_holdings,
    print_leads,
    print_name,
    print_problems,
    print_run,
)


def status(
    names: SourcesArgument = None,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    json: JsonOption = False,
) -> None:
    """Show sources, coverage, last runs, what went wrong and what to do."""
    from reading.status import source_states

    home = Home.here(archive=archive, endpoint_url=endpoint_url)
    with home.archive() as opened:
        states = source_states(opened)
        backlogs = opened.backlogs()
    have = {state["id"] for state in states}
    waiting = [one for one in home.source_ids() if one not in have]
    if names:
        states, waiting = _chosen(names, states, waiting)
    if json:
        held_up = [backlog_json(one) for one in backlogs]
        print_json({"archive": home.archive_name, "sources": states, "not_crawled": waiting, "waiting": held_up})
        return
    for state in states:
        _print_state(state)
    for source_id in waiting:
        print_name(source_id, source_id)
        print_run(None)
    if len(states) > 1:
        _print_total(states)
    print_backlogs(backlogs)
    if not states and not waiting:
        say("No source is known yet. Next: newsark sources add URL")


def _chosen(
    names: list[str], states: list[dict[str, Any]], waiting: list[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Those that are named. Raises UnknownSource for a name no source has."""
    for name in names:
        if name not in waiting and not any(name in (state["id"], state["name"]) for state in states):
            raise unknown_source(name, [*(state["id"] for state in states), *waiting])
    chosen = [state for state in states if state["id"] in names or state["name"] in names]
    return chosen, [one for one in waiting if one in names]


def _print_state(state: dict[str, Any]) -> None:
    run = state["last_run"]
    print_name(state["id"], state["name"])
    print_leads(state["leads"])
    print_holdings(state)
    if not state["home"]:
        say("files that others made: newsark import", indent=2)
        return
    print_run(run)
    of_run = [problem for problem in run["problems"] if problem.get("kind") == "source"] if run else []
    print_problems([*of_run, *state["problems"]])


def _print_total(states: list[dict[str, Any]]) -> None:
    articles, size = sum(state["articles"] for state in states), sum(state["bytes"] for state in states)
    leads = sum(state["leads"]["known"] for state in states)
    sources = counted(len(states), "source")
    say(f"{sources}: {counted(leads, 'lead')}, {counted(articles, 'article')}, {human_bytes(size)}", "bold")
