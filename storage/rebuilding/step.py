"""A step of a segment, and what reading came upon beside the steps."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from storage.capture import Capture
from storage.events import FurnitureLearned, LeadFound, LeadVisited, RunBegan, RunEnded, SourceFile
from storage.suppression import Suppressed, SuppressionLifted
from storage.versions import Observation, Version


@dataclass(slots=True)
class Step:
    """One transaction: leads are named by their identity, and all stands in the order in which it was written.

    A visit stands with the record ids of its response and of what it left unread, a stray version (no visit tells of
    it) with that of the version before it; a version that was read again with that of the record that its new one
    supersedes.
    """

    found: list[LeadFound] = field(default_factory=list)
    captures: list[tuple[Capture, str | None]] = field(default_factory=list)
    visits: list[tuple[LeadVisited, str | None, str | None]] = field(default_factory=list)
    versions: list[tuple[Version, str]] = field(default_factory=list)
    observations: list[tuple[Observation, str]] = field(default_factory=list)
    runs: list[RunBegan | RunEnded] = field(default_factory=list)
    source: SourceFile | None = None
    strays: list[tuple[Version, str | None]] = field(default_factory=list)
    furniture: list[FurnitureLearned] = field(default_factory=list)
    reread: list[tuple[Version, str]] = field(default_factory=list)
    suppressions: list[Suppressed | SuppressionLifted] = field(default_factory=list)


@dataclass(slots=True)
class Told:
    """What reading a segment came upon beside its steps: types of events not known here, and what is not right."""

    unknown: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
