"""How like two texts are, from their sketches alone."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.likeness import LIKE, SHINGLE_WORDS, SKETCH_SIZE, duplicate_of, fingerprint, similarity
from storage.fingerprints import MARKS, hashes_in, marks_of
from storage.versions import Version

WORDS = [f"word{number}" for number in range(3000)]


def text_of(seed: int, words: int = 400) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def jaccard(one: list[str], other: list[str]) -> float:
    first, second = (
        {tuple(words[start : start + SHINGLE_WORDS]) for start in range(len(words) - SHINGLE_WORDS + 1)}
        for words in (one, other)
    )
    return len(first & second) / len(first | second)


def printed(words: list[str]) -> str:
    made = fingerprint(" ".join(words))
    assert made is not None
    return made


def test_a_text_is_wholly_like_itself_in_other_case_and_punctuation() -> None:
    words = text_of(1)
    assert fingerprint(", ".join(words).upper() + "!") == printed(words)
    assert similarity(printed(words), printed(words)) == 1.0


@pytest.mark.parametrize("kept", [0.95, 0.8, 0.6, 0.3, 0.0])
def test_the_similarity_is_near_the_true_share(kept: float) -> None:
    errors = []
    for seed in range(20):
        one = text_of(seed)
        cut = int(len(one) * kept)
        other = one[:cut] + text_of(seed + 1000)[cut:]
        errors.append(similarity(printed(one), printed(other)) - jaccard(one, other))
    assert max(map(abs, errors)) < 0.2
    assert abs(sum(errors) / len(errors)) < 0.05


def test_agency_copy_under_another_lead_shares_a_mark_and_counts_as_like() -> None:
    for seed in range(50):
        wire = text_of(seed)
        local = [*text_of(seed + 500, 15), *wire[10:-10]]
        one, other = printed(wire), printed(local)
        assert set(marks_of(one)) & set(marks_of(other))
        assert similarity(one, other) >= LIKE


def test_other_texts_share_no_mark() -> None:
    assert not set(marks_of(printed(text_of(1)))) & set(marks_of(printed(text_of(2))))


def version(record_id: str, words: list[str] | None) -> Version:
    text = None if words is None else printed(words)
    url = f"https://{record_id}.example/"
    return Version(record_id, record_id, 1, url, "", datetime(2026, 3, 2, tzinfo=UTC), "", "", fingerprint=text)


def test_the_oldest_like_version_is_the_one_that_is_named() -> None:
    wire = text_of(1)
    known = [version("other", text_of(2)), version("short", None), version("first", wire[5:]), version("same", wire)]
    found = duplicate_of(printed(wire), known)
    assert found is not None
    assert (found.id, found.url) == ("first", "https://first.example/")
    assert LIKE <= found.similarity < 1
    assert duplicate_of(printed(text_of(3)), known) is None


def test_a_short_text_has_no_fingerprint() -> None:
    assert fingerprint("Rain in the north, sun in the south, and wind from the sea.") is None
    assert fingerprint("") is None


def test_signs_count_as_words() -> None:
    assert fingerprint("".join(chr(0x4E00 + number) for number in range(200))) is not None


@given(st.text(max_size=3000))
def test_a_fingerprint_holds_ascending_hashes_and_its_marks_are_the_first(text: str) -> None:
    made = fingerprint(text)
    if made is not None:
        hashes = hashes_in(made)
        assert list(hashes) == sorted(hashes)
        assert len(hashes) <= SKETCH_SIZE
        assert marks_of(made) == hashes[:MARKS]


@given(st.text(max_size=60))
def test_a_damaged_fingerprint_is_like_nothing_and_breaks_nothing(damaged: str) -> None:
    marks_of(damaged)
    assert similarity(damaged, printed(text_of(1))) < LIKE
