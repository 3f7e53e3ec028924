"""What an export asks for: the options of the command, on top of what an earlier export asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from storage.errors import WrongUse

if TYPE_CHECKING:
    from reading.exports.kind import Kind

FILTERS: dict[str, dict[str, str]] = {
    "articles": {
        "source": "sources",
        "versions": "latest_only",
        "since": "captured_since",
        "until": "captured_until",
        "published-since": "published_since",
        "published-until": "published_until",
        "language": "languages",
        "state": "state",
        "text": "text",
        "query": "query",
        "min-confidence": "min_confidence",
    },
    "observations": {"source": "sources", "since": "since", "until": "until"},
    "ledger": {"source": "sources", "since": "since", "until": "until", "kind": "kinds", "text": "text"},
}
"""For each kind of export the options that choose its rows, and what they are called in its query."""


def kind_of(what: str, given: Mapping[str, Any], before: Mapping[str, Any]) -> Kind:
    """The kind with its query: `before`, with the options that are given instead of their parts.

    `given` has what is not None by the option's name, JSON-ready. Raises WrongUse for an option that the kind lacks.
    """
    from reading.exports.kinds import KINDS

    names, chosen = FILTERS[what], {name: value for name, value in given.items() if value is not None}
    for name in chosen:
        if name not in names:
            others = " and ".join(kind for kind, known in FILTERS.items() if name in known)
            known = ", ".join(f"--{one}" for one in names)
            raise WrongUse(f"--{name} goes with {others}; --what {what} takes {known}")
    query = {**before, **{names[name]: value for name, value in chosen.items()}}
    try:
        return KINDS[what].from_json(query)
    except (TypeError, ValueError) as problem:
        raise WrongUse(f"the query of that export is not one that this version knows: {problem}") from problem
