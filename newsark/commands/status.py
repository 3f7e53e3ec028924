"""`newsark status`: what is known, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsark.console import counted, human_bytes, print_json, say, say_line
from newsark.home import Home, unknown_source
from newsark.options import ArchiveOption, EndpointOption, JsonOption, SourcesArgument
from newsark.report import (
    backlog_json,
    print_backlogs,
    print_holdings,
    print_leads,
    print_losses,
    print_name,
    print_problems,
    print_pulse,
    print_run,
    print_unread,
)

if TYPE_CHECKING:
    from storage.sources import KnownSource


def status(
    names: SourcesArgument = None,
    archive: ArchiveOption = None,
    endpoint_url: EndpointOption = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="List the articles that are known and not saved, and why.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show sources, coverage, last runs, what went wrong and what to do."""
    from reading.status import source_states
    from storage.sources import Sources

    home = Home.here(archive=archive, endpoint_url=endpoint_url)
    if coverage:
        _print_unsaved(home, names, json=json)
        return
    with home.archive(is_public=True) as opened:
        with opened.catalogue.begin() as connection:
            known = Sources(connection).known()
        have = {one.id for one in known}
        waiting = [one for one in home.source_ids() if one not in have]
        if names:
            known, waiting = _chosen(names, known, waiting)
        states = source_states(opened, [one.id for one in known])
        backlogs = opened.backlogs()
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


def _chosen(names: list[str], known: list[KnownSource], waiting: list[str]) -> tuple[list[KnownSource], list[str]]:
    """Those that are named. Raises UnknownSource for a name no source has."""
    for name in names:
        if name not in waiting and not any(name in (one.id, one.name) for one in known):
            raise unknown_source(name, [*(one.id for one in known), *waiting])
    chosen = [one for one in known if one.id in names or one.name in names]
    return chosen, [one for one in waiting if one in names]


def _print_state(state: dict[str, Any]) -> None:
    run = state["last_run"]
    print_name(state["id"], state["name"])
    print_leads(state["leads"])
    print_holdings(state)
    print_unread(state["unread"])
    if not state["home"]:
        say("files that others made: newsark import", indent=2)
        return
    print_run(run)
    print_pulse(state["pulse"])
    print_losses(state["lost"])
    of_run = [problem for problem in run["problems"] if problem.get("kind") == "source"] if run else []
    print_problems([*of_run, *state["problems"]])


def _print_unsaved(home: Home, names: list[str] | None, *, json: bool) -> None:
    """One line for each article that is not saved: JSON Lines, or text."""
    from reading.coverage import unsaved

    ids = [home.source_id(name) for name in names] if names else None
    count = 0
    with home.archive(is_public=True) as opened, opened.catalogue.begin() as connection:
        for one in unsaved(connection, ids):
            count += 1
            if json:
                print_json(one)
            else:
                say_line(one["url"])
                facts = [
                    one["state"],
                    one["reason"],
                    one["detail"],
                    f"next visit {one['due'][:16]}" if one["due"] else None,
                ]
                say("; ".join(fact for fact in facts if fact), "dim", indent=2)
    if not json:
        say(f"{counted(count, 'article')} known and not saved" if count else "Every known article is saved.", "bold")


def _print_total(states: list[dict[str, Any]]) -> None:
    articles, size = sum(state["articles"] for state in states), sum(state["bytes"] for state in states)
    leads = sum(state["leads"]["known"] for state in states)
    sources = counted(len(states), "source")
    say(f"{sources}: {counted(leads, 'lead')}, {counted(articles, 'article')}, {human_bytes(size)}", "bold")
