"""The names of the metrics that a PromQL expression asks for, found by its tokens."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)"""
    r"|(?P<range>\[[^\]]*\])|(?P<number>\d[\w.+-]*)|(?P<variable>\$\w+|\$\{\w+\})"
    r"|(?P<name>[A-Za-z_:][\w:]*)|(?P<sign>[{}()=~!,]|[^\s\w])"
)
_GROUPING = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_AFTER_FUNCTIONS = ("(", "by", "without")
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan", "start", "end"})


def metrics_in(expression: str) -> set[str]:
    """Every name that stands for a metric: none of functions, labels, keywords, and nothing in quotes."""
    tokens = [(kind, found[0]) for found in _TOKEN.finditer(expression) if (kind := found.lastgroup) != "text"]
    names: set[str] = set()
    closing: list[bool] = []
    in_matchers, is_grouping = False, False
    for place, (kind, token) in enumerate(tokens):
        after = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        if token in ("{", "}"):
            in_matchers = token == "{"
        elif token == "(":
            # of each open parenthesis, whether it holds labels
            closing.append(is_grouping)
            is_grouping = False
        elif token == ")":
            closing.pop()
        elif kind == "name" and token in _GROUPING:
            is_grouping = after == "("
        elif kind == "name" and not in_matchers and not any(closing) and token not in _WORDS:
            names |= set() if after in _AFTER_FUNCTIONS else {token}
    return names
