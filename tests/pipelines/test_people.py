"""Authors: one person at a time, and no name torn apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.people import MAX_NAME_CHARS, people_in, people_of, split_names

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "url", "@type"]), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("By Ann Okafor", ["Ann Okafor"]),
        ("By Ann Okafor and Jonas Lind", ["Ann Okafor", "Jonas Lind"]),
        ("Ann Okafor, Jonas Lind and Marta Reuß", ["Ann Okafor", "Jonas Lind", "Marta Reuß"]),
        ("Von Marta Reuß und Ole Jansen", ["Marta Reuß", "Ole Jansen"]),
        ("Par Aude Blanc et Luc de la Tour", ["Aude Blanc", "Luc de la Tour"]),
        ("Le Fleuve et AFP", ["Le Fleuve et AFP"]),
        ("Ann Okafor; Jonas Lind", ["Ann Okafor", "Jonas Lind"]),
        ("Ann Okafor (aok)", ["Ann Okafor"]),
        ("von Dr. Ole Jansen 2.3.2026", ["Dr. Ole Jansen"]),
        ("Ann Okafor ann.okafor@example.org @annok", ["Ann Okafor"]),
        ("dpa", ["dpa"]),
        ("佐藤花子、鈴木一郎", ["佐藤花子", "鈴木一郎"]),
        ("Vivian von Arnim", ["Vivian von Arnim"]),
        ("admin", []),
        ("https://example.org/staff/ann", []),
        ("  – ", []),
    ],
)
def test_bylines_become_names(byline: str, names: list[str]) -> None:
    assert split_names(byline) == names


@given(st.text(max_size=400))
def test_any_byline_gives_short_names_or_none(text: str) -> None:
    assert all(0 < len(name) <= MAX_NAME_CHARS for name in split_names(text))


@given(st.lists(JSON, max_size=4))
def test_any_json_gives_people(values: list[Any]) -> None:
    assert all(person.name for person in people_of(values))


def test_nodes_keep_address_kind_and_what_stood_there() -> None:
    found = people_of(
        [
            {"@type": "Person", "name": "By Ann Okafor", "url": "/staff/ann"},
            [{"@type": "Organization", "name": "Estuary Post and Sons"}],
            {"@type": "Person", "name": ["Jonas Lind", "Ole Jansen"]},
        ]
    )
    assert [(person.name, person.raw, person.url, person.kind) for person in found] == [
        ("Ann Okafor", "By Ann Okafor", "/staff/ann", "Person"),
        ("Estuary Post and Sons", "Estuary Post and Sons", None, "Organization"),
        ("Jonas Lind", "Jonas Lind", None, None),
        ("Ole Jansen", "Ole Jansen", None, None),
    ]


def test_nobody_is_named_twice() -> None:
    assert [person.name for person in people_in(["Ann Okafor", "By ANN OKAFOR"])] == ["Ann Okafor"]
