"""What a validator finds: rules, the places where a file breaks them, and the verdict on a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Severity = Literal["error", "warning"]

LISTED_PER_RULE = 1000
"""Places of one rule that a verdict lists for one file; further ones are only counted, so that memory is bounded."""

_MOST_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a standard: an error breaks a `shall` or a MUST, a warning a recommendation.

    `clause` is where it stands, `sentence` what it asks.
    """

    id: str
    severity: Severity
    clause: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where a rule is broken. Records count from 1; `offset` is in the file as it is, in bytes.

    `record` is None for what belongs to no record. In a gzip file, the offset of a record is that of its member.
    `path` is set for a file inside a package.
    """

    record: int | None
    offset: int | None
    rule: str
    severity: Severity
    message: str
    clause: str
    path: str | None = None

    def inside(self, path: str) -> Fault:
        """The same fault, told of a file inside a package; record and offset stay those of the inner file."""
        return replace(self, path=path, message=f"{path}: {self.message}")

    def facts(self) -> dict[str, object]:
        """The fault as JSON."""
        told: dict[str, object] = {
            "record": self.record,
            "offset": self.offset,
            "rule": self.rule,
            "severity": self.severity,
            "message": self.message,
            "clause": self.clause,
        }
        return told if self.path is None else told | {"path": self.path}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about one file; `unlisted` counts the faults beyond `LISTED_PER_RULE`, by rule."""

    file: str
    records: int
    faults: tuple[Fault, ...]
    unlisted: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether no error was found; warnings are allowed."""
        return all(fault.severity != "error" for fault in self.faults)

    def facts(self) -> dict[str, object]:
        """The verdict as JSON."""
        told: dict[str, object] = {
            "file": self.file,
            "ok": self.ok,
            "records": self.records,
            "faults": [fault.facts() for fault in self.faults],
        }
        return told | {"unlisted": dict(self.unlisted)} if self.unlisted else told


class FaultLog:
    """The faults of one file as they are found; those of a record are held back until it is known to be whole."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self._kept: list[Fault] = []
        self._held: list[Fault] = []
        self._held_counts: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def add(self, rule: str, message: str, record: int | None, offset: int | None) -> None:
        """Note that `rule` is broken there."""
        self._keep(self._fault(rule, message, record, offset))

    def hold(self, rule: str, message: str, record: int | None, offset: int | None) -> None:
        """Note it for now: `release` keeps it, `forget` takes it back."""
        self._held_counts[rule] += 1
        if self._held_counts[rule] <= LISTED_PER_RULE:
            self._held.append(self._fault(rule, message, record, offset))

    def release(self) -> None:
        """Keep what is held."""
        if not self._held:
            return
        for fault in self._held:
            self._keep(fault)
        self._held.clear()
        self._held_counts.clear()

    def forget(self, *rules: str) -> None:
        """Take back what is held, except these rules: it follows from a fault that is told already."""
        self._held = [fault for fault in self._held if fault.rule in rules]

    def extend(self, faults: Iterable[Fault]) -> None:
        """Keep faults that were found elsewhere."""
        for fault in faults:
            self._keep(fault)

    def verdict(self, file: str, records: int) -> Verdict:
        """The verdict: faults in the order of their places, those of the whole file first."""
        self.release()
        unlisted = {rule: count - LISTED_PER_RULE for rule, count in self._counts.items() if count > LISTED_PER_RULE}
        return Verdict(file, records, tuple(sorted(self._kept, key=_place)), unlisted)

    def _fault(self, rule: str, message: str, record: int | None, offset: int | None) -> Fault:
        known = self._rules[rule]
        return Fault(record, offset, rule, known.severity, one_line(message), known.clause)

    def _keep(self, fault: Fault) -> None:
        self._counts[fault.rule] += 1
        if self._counts[fault.rule] <= LISTED_PER_RULE:
            self._kept.append(fault)


def one_line(text: str) -> str:
    """The text on one line that JSON and terminals take, cut when it is long."""
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[: _MOST_CHARACTERS + 1])
    return shown if len(shown) <= _MOST_CHARACTERS else shown[: _MOST_CHARACTERS - 1] + "…"


def _place(fault: Fault) -> tuple[str, int, int]:
    return (fault.path or "", -1 if fault.offset is None else fault.offset, fault.record or 0)
