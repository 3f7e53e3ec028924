"""How many words a text has."""

from __future__ import annotations

import re

_SIGN = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]")


def count_words(text: str) -> int:
    """Runs of characters between white space; each Han, Kana and Hangul sign is one."""
    signs = _SIGN.findall(text)
    return len(text.split()) if not signs else len(signs) + len(_SIGN.sub(" ", text).split())
