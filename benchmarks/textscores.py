"""How near an extracted text is to the true one: ROUGE-L over tokens, and F1 over shingles of four tokens."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

SHINGLE_TOKENS = 4
_TOKEN = re.compile(r"\w+")
_CJK = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af])")


def tokens(text: str) -> list[str]:
    """Words in lower case; each Han, Kana and Hangul sign is a word."""
    return _TOKEN.findall(_CJK.sub(r" \1 ", text.lower()))


def common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence, by bits: a row of the table is one integer (Hyyrö, 2004)."""
    places: dict[str, int] = {}
    for place, token in enumerate(one):
        places[token] = places.get(token, 0) | 1 << place
    mask = (1 << len(one)) - 1
    row = mask
    for token in other:
        matched = row & places.get(token, 0)
        row = ((row + matched) | (row - matched)) & mask
    return len(one) - row.bit_count()


def rouge_l(found: Sequence[str], true: Sequence[str]) -> float:
    """F1 of the longest common subsequence; 1 when both are empty."""
    if not found or not true:
        return float(not found and not true)
    return 2 * common_subsequence(true, found) / (len(found) + len(true))


def shingle_parts(found: Sequence[str], true: Sequence[str]) -> tuple[float, float, float]:
    """Shares of shingles that are in both, only found, only true: article-extraction-benchmark's counts."""
    in_found, in_true = _shingles(found), _shingles(true)
    both = (in_found & in_true).total()
    only_found, only_true = in_found.total() - both, in_true.total() - both
    total = both + only_found + only_true
    return (both / total, only_found / total, only_true / total) if total else (1.0, 0.0, 0.0)


def f1_of(parts: Iterable[tuple[float, float, float]]) -> float:
    """F1 over the sums of these parts."""
    both, only_found, only_true = (sum(part) for part in zip(*parts, strict=True))
    return 2 * both / (2 * both + only_found + only_true) if both else 0.0


def _shingles(words: Sequence[str]) -> Counter[tuple[str, ...]]:
    if 0 < len(words) < SHINGLE_TOKENS:
        return Counter({tuple(words): 1})
    return Counter(tuple(words[start : start + SHINGLE_TOKENS]) for start in range(len(words) - SHINGLE_TOKENS + 1))
