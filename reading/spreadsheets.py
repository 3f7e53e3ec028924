"""Cells of CSV files that are safe to open in a spreadsheet."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """A value as one cell: lists with ` | ` between, truth as `true` and `false`, nothing as nothing.

    A text that a spreadsheet would take for a formula gets a quote before it (OWASP, CSV injection); numbers stay.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value}"
    text = " | ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
