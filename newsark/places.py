"""What a survey found, as people and programs read it: each place with what it yields, and who named it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from newsark.console import counted, plain, say, say_line
from newsark.reasons import cure

if TYPE_CHECKING:
    from crawler.discovery import Discovery, Found


def found_json(source_id: str, found: Discovery) -> dict[str, Any]:
    """A survey as JSON-ready values."""
    names = ("kind", "url", "via", "entries", "lists", "title", "newest", "problem")
    places = [{name: getattr(place, name) for name in names} for place in found.all]
    problems = [{"kind": problem.kind, "detail": problem.detail} for problem in found.problems]
    return {"id": source_id, "ok": is_well(found), "found": places, "problems": problems}


def print_found(source_id: str, found: Discovery) -> None:
    """A survey as lines: kind, what it yields, newest, who named it, URL."""
    say_line(source_id, "bold")
    for place in found.all:
        newest = (place.newest or "")[:10]
        facts = f"  {place.kind:<8} {_yields(place):<26} {newest:<10}  {place.via:<11}  "
        style = "red" if place.problem else "yellow" if not place.yields else ""
        say_line(Text.assemble(facts, plain(place.url), style=style))
        if place.problem:
            say(place.problem, "red", indent=11)
    for problem in found.problems:
        say(f"{problem.kind}: {problem.detail}", "red", indent=2)
        if todo := cure(problem.kind):
            say(f"→ {todo}", indent=6)


def _yields(place: Found) -> str:
    if place.problem:
        return "cannot be read"
    noun = "sitemap" if place.kind == "sitemap" else "section"
    parts = [counted(number, word) for number, word in ((place.entries, "article"), (place.lists, noun)) if number]
    return ", ".join(parts) or "nothing"


def is_well(found: Discovery) -> bool:
    """Whether every place could be read and at least one names something; a news sitemap may be empty today."""
    could_read = not found.problems and all(place.problem is None for place in found.all)
    return could_read and any(place.yields for place in found.all)
