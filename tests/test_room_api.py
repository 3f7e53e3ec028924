"""What the room says of its interface is true, and nothing that fits it is answered with an error of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.readingroom import HOSTILE_ID, Room, lived, serving

EXAMPLES = 6
FREE = {"NEWSARK_SERVE_SEARCHES_PER_MINUTE": "0", "NEWSARK_SERVE_EXPORTS_PER_HOUR": "0"}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with (
        lived(tmp_path_factory.mktemp("kept")) as (_, archive),
        serving("--archive", archive, "--no-replay", **FREE) as one,
    ):
        yield one


def answered(operation: Any) -> int:
    """How many requests of an operation were answered as they should: made from its description, some of them with
    what it does not allow."""
    count = 0
    either = operation.as_strategy() | operation.as_strategy(schemathesis.GenerationMode.NEGATIVE)

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=either)
    def ask(case: schemathesis.Case) -> None:
        nonlocal count
        response = case.call()
        case.validate_response(
            response, checks=[not_a_server_error, response_schema_conformance, content_type_conformance]
        )
        count += 1

    ask()
    return count


def test_no_request_that_fits_is_an_error_of_the_server(room: Room) -> None:
    described = schemathesis.openapi.from_url(f"{room.url}/openapi.json")
    operations = [result.ok() for result in described.get_all_operations()]
    counts = {operation.label: answered(operation) for operation in operations}
    assert len(counts) > 30
    assert [label for label, count in counts.items() if not count] == []


def test_every_page_is_described(room: Room) -> None:
    paths = room.get("/openapi.json").json["paths"]
    pages = {path for path in paths if f"{path}.json" in paths}
    assert pages | {"/"} >= {"/", "/search", "/ledger", "/sources", "/exports", "/figures", "/articles/{record_id}"}
    for path in pages:
        schema = paths[f"{path}.json"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert "$ref" in schema, path


def test_values_at_the_edge(room: Room) -> None:
    for path in (
        "/search.json?q=%00&page=500",
        "/search.json?since=0001-01-01&until=9999-12-31",
        "/search.json?published=9999-99",
        "/ledger.json?since=0001-01-01&page=100000",
        f"/articles/{HOSTILE_ID}.json?version=1",
        "/articles/%00.json",
        "/find?url=%00",
        "/find?url=http://[",
        "/exports/%2e%2e.json",
        "/figures/by-day.svg?theme=purple",
        "/sources/%F0%9F%98%80.json",
        "/search.json?q=" + "%D1%8F" * 900,
        "/search.json?source=" + "x" * 4000,
    ):
        assert room.get(path).status < 500, path
