"""The benchmark's scores: what they say of a text is what their definitions say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.textscores import common_subsequence, f1_of, rouge_l, shingle_parts, tokens

WORDS = st.lists(st.sampled_from("abcd"), max_size=30)


def by_table(one: list[str], other: list[str]) -> int:
    """The textbook's table."""
    row = [0] * (len(other) + 1)
    for token in one:
        above = row
        row = [0]
        for place, match in enumerate(other, 1):
            row.append(above[place - 1] + 1 if token == match else max(above[place], row[-1]))
    return row[-1]


@given(WORDS, WORDS)
def test_the_common_subsequence_by_bits_is_that_of_the_table(one: list[str], other: list[str]) -> None:
    assert common_subsequence(one, other) == by_table(one, other)


def test_scores_of_known_texts() -> None:
    assert tokens("Das Boot — 古い船") == ["das", "boot", "古", "い", "船"]
    assert rouge_l(list("abcd"), list("abcd")) == 1
    assert rouge_l(list("abxcd"), list("abcd")) == 2 * 4 / 9
    assert (rouge_l([], list("ab")), rouge_l([], [])) == (0, 1)
    assert shingle_parts(list("abcde"), list("abcdf")) == (1 / 3, 1 / 3, 1 / 3)
    assert f1_of([(1.0, 0.0, 0.0), (0.0, 0.5, 0.5)]) == 2 / 3
