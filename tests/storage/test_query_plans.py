"""What is asked for each article goes by the article, however many others its source has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from reading.exports.selection import Selection
from reading.ledger import removals
from reading.life import CONFIRMATIONS
from reading.search import Search, search
from storage.captures import original_of
from storage.catalogue import Catalogue
from storage.leads import Leads
from storage.sources import Sources
from storage.versions import Observation, Version, Versions, find_observations, find_versions

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
VERSION = Version("a", "r", 1, "http://l.example/a", "", NOW, "", '{"headline": "Words"}')
REMOVED = Selection(["lantern"], query="w*", state="removed")
SEEN = Observation("http://l.example/a", NOW, "unchanged", article="a")

ASKED: dict[str, Callable[[Any], object]] = {
    "latest": lambda connection: Versions(connection, "lantern").latest(["a", "b"]),
    "history": lambda connection: Versions(connection, "lantern").history("a"),
    "histories": lambda connection: Versions(connection, "lantern").histories(["a", "b"]),
    "newest": lambda connection: Versions(connection, "lantern").newest(5),
    "articles_of_leads": lambda connection: Versions(connection, "lantern").articles_of_leads([1, 2]),
    "find_observations": lambda connection: find_observations(connection, "lantern", "a"),
    "find_versions": lambda connection: find_versions(connection, "0" * 32, ["a"]),
    "removals": lambda connection: removals(connection, "lantern", NOW, CONFIRMATIONS),
    "alike": lambda connection: Versions(connection, "lantern").alike(["00" * 64]),
    "original_of": lambda connection: original_of(connection, "lantern", "sha256:ab"),
    "lease": lambda connection: Leads(connection, "lantern").lease(5),
    "lease, oldest first": lambda connection: Leads(connection, "lantern").lease(5, oldest_first=True),
    "last_list_visit": lambda connection: Leads(connection, "lantern").last_list_visit(),
    "add": lambda connection: Versions(connection, "lantern").add([VERSION]),
    "observe": lambda connection: Versions(connection, "lantern").observe([SEEN, replace(SEEN, outcome="removed")]),
    "search, newest": lambda connection: search(connection, Search(Selection()), facets=False),
    "search": lambda connection: search(connection, Search(Selection(query='words -"a b"'))),
    "search, filtered": lambda connection: search(
        connection, Search(Selection(["lantern"], query="w*", state="removed"))
    ),
    "soonest_due": lambda connection: Leads(connection, "lantern").soonest_due(),
}

# Besides the source there must be something that narrows the search, or the order that is asked for.
NARROW = (
    "article=?",
    "mark=?",
    "payload_digest=?",
    "lead_id=?",
    "at>?",
    "queue=?",
    "record_id=?",
    "rowid=?",
    "INDEX versions_by_time",
    # the words are asked first, and once
    "words VIRTUAL TABLE INDEX",
    "SCAN matches",
    "SEARCH findable",
    "COVERING INDEX findable_by",
)


@pytest.mark.parametrize("name", ASKED)
def test_no_query_reads_all_of_a_source(tmp_path: Path, name: str) -> None:
    catalogue = Catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}", lambda: NOW)
    asked: list[tuple[str, Any]] = []
    with catalogue.begin() as connection:
        Sources(connection).enlist("lantern", name="The Lantern", home="http://l.example/", toml="x", now=NOW)
        event.listen(connection, "before_cursor_execute", lambda *facts: asked.append((facts[2], facts[3])))
        ASKED[name](connection)
        selects = [(text, values) for text, values in asked if text.startswith(("SELECT", "WITH"))]
        assert selects
        for text, values in selects:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()
            for *_, step in plan:
                # what nothing else found is looked for in every line
                is_last_resort = "LIKE" in text or "canonical_url = ?" in text or "sources" in step
                if step.startswith(("SEARCH", "SCAN")) and not is_last_resort:
                    assert any(sign in step for sign in NARROW), f"{step}\n{text}"
                    is_sorted_by_time = "versions_by_time" in step and name != "newest"
                    assert not is_sorted_by_time, f"{step}\n{text}"
    catalogue.close()
