"""How a source fares, in one word and one sentence, from what `source_states` knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from reading.outages import Outage

Level = Literal["good", "look", "bad", "new"]
LATE = timedelta(hours=24)
ENDED_WELL = ("finished", "interrupted")


@dataclass(frozen=True, slots=True)
class Health:
    """`good`, `look` (something wants to be looked at), `bad` (nothing comes in), or `new`; and why."""

    level: Level
    why: str


def health(state: Mapping[str, Any], outage: Outage | None, now: datetime) -> Health:
    """The health of a source whose state is as `source_states` gives it, with the outage that goes on, if any."""
    if not state["home"]:
        return Health("good", "imported files; it is not crawled")
    run = state["last_run"]
    if run is None:
        return Health("new", "not crawled yet: newsark crawl")
    if outage is not None and outage.is_told:
        return Health("bad", f"{outage.kind} since {outage.begins:%Y-%m-%d %H:%M} UTC")
    if run["ended"] is not None and run["outcome"] not in ENDED_WELL:
        return Health("bad", f"the last crawl ended with {run['outcome']}: newsark status says more")
    oldest = state["pulse"]["oldestDue"]
    if oldest is not None and now - datetime.fromisoformat(oldest) > LATE:
        return Health(
            "look", f"what was due at {oldest[:16].replace('T', ' ')} UTC was not visited: newsark crawl or watch"
        )
    failed, known = state["leads"]["failed"], state["leads"]["known"]
    if failed and failed * 10 > known:
        return Health("look", f"{failed:,} of {known:,} leads failed: newsark status says why")
    return Health("good", "as usual")
