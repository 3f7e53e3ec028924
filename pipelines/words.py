"""How many words a text has, and how much it says."""

from __future__ import annotations

import re

_SIGN = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]")


def length_of(text: str) -> int:
    """How long a text is, in letters of an alphabet: a Han, Kana or Hangul sign says as much as two."""
    return len(text) if text.isascii() else len(text) + len(_SIGN.findall(text))


def count_words(text: str) -> int:
    """Runs of characters between white space; each Han, Kana and Hangul sign is one."""
    signs = _SIGN.findall(text)
    return len(text.split()) if not signs else len(signs) + len(_SIGN.sub(" ", text).split())
