"""What came of one imported file: what it holds, what was taken, and what could not be read, where and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

LISTED_PROBLEMS = 1000

State = Literal["imported", "already here", "read only", "refused"]


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of the file that could not be read, or not as it says it is: `length` is 0 where it is not known."""

    offset: int
    length: int
    reason: str


@dataclass(slots=True)
class FileReport:
    """One file's import. `records` are counted by WARC-Type, `pages` by what they were judged to be.

    `new` articles were not known, `edited` ones have another version, `unchanged` ones say what a version said.
    `problems` are the first ones of `problem_count`.
    """

    name: str
    state: State = "refused"
    reason: str | None = None
    source: str = ""
    key: str = ""
    kind: str = ""
    bytes: int = 0
    sha256: str = ""
    derived: bool = False
    records: Counter[str] = field(default_factory=Counter)
    captures: int = 0
    pages: Counter[str] = field(default_factory=Counter)
    new: int = 0
    edited: int = 0
    unchanged: int = 0
    problem_count: int = 0
    problems: list[Problem] = field(default_factory=list)
    software: str | None = None

    def add_problem(self, offset: int, length: int, reason: str) -> None:
        """Note what could not be read."""
        self.problem_count += 1
        if len(self.problems) < LISTED_PROBLEMS:
            self.problems.append(Problem(offset, length, reason))

    def as_json(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        return asdict(self) | {"records": dict(self.records), "pages": dict(self.pages)}
