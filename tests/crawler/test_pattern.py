from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.pattern import matches


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("/a", "/abc", True),
        ("/a$", "/abc", False),
        ("/a$", "/a", True),
        ("/*.php$", "/x/y.php", True),
        ("/*.php$", "/x/y.php?z", False),
        ("/a*a$", "/a", False),
        ("*/print/*", "/2024/print/x", True),
        ("/a$b", "/a$b/c", True),
        ("/**//$", "/x//", True),
        ("", "/anything", True),
    ],
)
def test_a_star_is_any_run_and_a_last_dollar_is_the_end(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@given(st.text(alphabet="ab*$/", max_size=12), st.text(alphabet="ab$/", max_size=12))
def test_a_pattern_matches_what_its_regular_expression_would(pattern: str, text: str) -> None:
    anchored = pattern.endswith("$")
    expression = ".*".join(map(re.escape, pattern.removesuffix("$").split("*"))) + (r"\Z" if anchored else "")
    assert matches(pattern, text) is (re.match(expression, text, re.DOTALL) is not None)


def test_no_pattern_is_slow() -> None:
    assert not matches("a*" * 4000 + "b$", "a" * 8000)
