"""What `sources check` tells of a source's selectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from newsark.console import counted, plain, say

if TYPE_CHECKING:
    from reading.selectorcheck import SelectorHits


def print_hits(found: SelectorHits | None) -> None:
    """Each selector with the number of articles on which it hit something."""
    if found is None:
        return
    if not found.pages:
        say("selectors: no article is kept yet to test them on; newsark extract FILE --source-file tries one", indent=2)
        return
    say(f"selectors, on the {counted(found.pages, 'article')} kept last:", indent=2)
    for (key, expression), count in found.hits.items():
        style = "green" if count == found.pages else "yellow" if count else "red"
        say(f"{key} {plain(expression)}  hits {count} of {found.pages}", style, indent=4)


def hits_json(found: SelectorHits) -> dict[str, Any]:
    """The same as JSON-ready values."""
    listed = [{"key": key, "selector": one, "hits": count} for (key, one), count in found.hits.items()]
    return {"articles": found.pages, "tried": listed}
