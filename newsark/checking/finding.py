"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `ok`, `warning` (works, with a drawback) or `fault` (does not work), and what to do."""

    check: str
    verdict: Verdict
    message: str
    area: str = ""
