"""A source's state as people read it, after a crawl and in `newsark status`: readable at 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from newsark.console import counted, human_bytes, plain, say, say_line
from newsark.reasons import cure

if TYPE_CHECKING:
    from storage.deliveries import Backlog

MOST_PROBLEMS = 20
# What failed comes first; what is only a note to a captured list comes last.
STATE_ORDER = ("failed", "refused", "pending", "unchanged", "captured")


def print_name(source_id: str, name: str) -> None:
    """The source's id, with its name where that says more."""
    say_line(Text.assemble((source_id, "bold"), f"  {plain(name)}" if name != source_id else ""))


def print_leads(counts: Mapping[str, int]) -> None:
    """The sum of the leads by state, which must come out."""
    states = {state: count for state, count in counts.items() if state != "known"}
    terms = " + ".join(f"{count:,} {state}" for state, count in states.items())
    say(f"{counted(counts['known'], 'lead')} = {terms}", indent=2)
    if sum(states.values()) != counts["known"]:
        say("The sum does not come out: a fault of Newsark, please report it.", "red", indent=2)


def print_holdings(state: Mapping[str, Any]) -> None:
    """How much is kept of a source."""
    held = f"{counted(state['articles'], 'article')} in {counted(state['versions'], 'version')}"
    say(f"{held}, {human_bytes(state['bytes'])} in {counted(state['segments'], 'WARC file')}", indent=2)
    if state["suppressed"]:
        say(f"{counted(state['suppressed'], 'suppression')} in force: newsark suppress list", indent=2)


def print_losses(lost: Mapping[str, int]) -> None:
    """What lay on machines of a cluster that are gone, if there was anything."""
    if lost["segments"]:
        held = f"{counted(lost['captures'], 'capture')}, {counted(lost['versions'], 'version')}"
        say(
            f"{held} lost with a machine; their pages are visited again, its disk would bring them back",
            "red",
            indent=2,
        )


def print_unread(unread: Mapping[str, int]) -> None:
    """How much is kept and not read, and what reads it."""
    if unread["visits"]:
        what = f"{counted(unread['pages'], 'page')} kept and not read, of {counted(unread['visits'], 'visit')}"
        say(f"{what}: newsark reextract", "yellow", indent=2)


def print_run(run: Mapping[str, Any] | None) -> None:
    """When the last crawl began and how it ended."""
    if run is None:
        say("not crawled yet: newsark crawl", "yellow", indent=2)
        return
    ended = "under way, or it was killed" if run["ended"] is None else run["outcome"]
    say(f"last crawl: {run['started'][:16].replace('T', ' ')} UTC, {ended}", indent=2)


def print_pulse(pulse: Mapping[str, Any]) -> None:
    """What is due, how late, and what came in against the habit."""
    due = f"{counted(pulse['due'], 'lead')} due"
    if pulse["oldestDue"]:
        due += f", the oldest since {_minute(pulse['oldestDue'])}"
    if pulse["nextDue"]:
        due += f"; next at {_minute(pulse['nextDue'])} UTC"
    say(due, indent=2)
    usual = f", usually {pulse['usualDay']:g} a day" if pulse["usualDay"] is not None else ""
    last = f"; the last version at {_minute(pulse['lastCapture'])} UTC" if pulse["lastCapture"] else ""
    say(f"{counted(pulse['lastDay'], 'new article')} in the last day{usual}{last}", indent=2)


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")


def print_years(years: Sequence[Mapping[str, Any]]) -> None:
    """How much of each year is known and saved, the newest year first."""
    for one in years:
        share = f"{one['saved'] / one['known']:.0%}" if one["known"] else ""
        say(f"{one['year'] or 'no date':>7}  {one['saved']:>9,} of {one['known']:,} saved  {share}", indent=2)


def print_backlogs(backlogs: Sequence[Backlog]) -> None:
    """What waits for which store, why, and that nothing is lost by it."""
    for one in backlogs:
        say(f"{counted(one.parcels, 'object')}, {human_bytes(one.bytes)}, still to be stored in {one.store}", "yellow")
        if one.problem:
            say(one.problem[:500], "dim", indent=2)
    if backlogs:
        say(
            "→ They are safe on this disk or in the other stores; the next crawl goes on storing them.",
            indent=2,
        )


def backlog_json(one: Backlog) -> dict[str, Any]:
    """What waits for a store, as JSON-ready values."""
    facts = {"store": one.store, "parcels": one.parcels, "bytes": one.bytes}
    return {**facts, "since": one.since.isoformat(), "problem": one.problem}


def print_problems(problems: Iterable[Mapping[str, Any]]) -> None:
    """Each reason once: how many leads have it, the first URL with what is known about it, and what to do."""
    shown = _distinct(problems)
    for problem in shown[:MOST_PROBLEMS]:
        state, reason = problem["state"], problem["reason"]
        style = "red" if state == "failed" else "dim" if state == "captured" else "yellow"
        say_line(Text(plain(f"  {problem['count']:,} {state}: {reason}"), style))
        say_line(Text(plain(f"    {problem['url']}"), "dim"))
        if problem.get("detail"):
            say(str(problem["detail"])[:500], "dim", indent=6)
        if todo := cure(reason):
            say(f"→ {todo}", indent=6)
    if len(shown) > MOST_PROBLEMS:
        say(f"and {counted(len(shown) - MOST_PROBLEMS, 'reason')} more: newsark status --json has them all", indent=2)


def _distinct(problems: Iterable[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The problems without those of the run that leads have too: a home page is both a place to look and a lead."""
    every = list(problems)
    of_leads = {one["reason"] for one in every if one.get("kind") != "source"}
    once = [one for one in every if one.get("kind") != "source" or one["reason"] not in of_leads]
    return sorted(once, key=lambda one: STATE_ORDER.index(one["state"]))
