"""Suppressions: what is kept and not shown, who said so, why, and until when; and the events that tell of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Facts = Mapping[str, Any]
Scope = Literal["article", "version", "url", "source"]
"""What a suppression is about, by its target: an article by its key, with every version there will ever be; one version
as `<article's key>/<number>`; everything that was kept at an address, by its normal spelling; a source by its id."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Something is no longer shown. `url` names it for people, `until` ends it by itself."""

    at: datetime
    id: str
    scope: Scope
    target: str
    by: str
    reason: str
    url: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SuppressionLifted:
    """The suppression with that id is over before its time."""

    at: datetime
    id: str
    by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Suppression:
    """A suppression as the catalogue knows it, lifted or not."""

    id: str
    source_id: str
    scope: Scope
    target: str
    url: str | None
    at: datetime
    until: datetime | None
    by: str
    reason: str
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    lift_reason: str | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.lifted_at is None and (self.until is None or self.until > now)

    def as_json(self, now: datetime) -> dict[str, Any]:
        """The suppression as JSON-ready values, what is unknown left out."""
        told = {
            "id": self.id,
            "source": self.source_id,
            "scope": self.scope,
            "target": self.target,
            "url": self.url,
            "at": _time(self.at),
            "until": _time(self.until),
            "by": self.by,
            "reason": self.reason,
            "liftedAt": _time(self.lifted_at),
            "liftedBy": self.lifted_by,
            "liftReason": self.lift_reason,
            "holds": self.holds(now),
        }
        return {name: value for name, value in told.items() if value is not None}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _write_suppressed(event: Suppressed) -> dict[str, Any]:
    told = {name: getattr(event, name) for name in ("id", "scope", "target", "url", "by", "reason")}
    return {"at": _time(event.at), **told, "until": _time(event.until)}


def _read_suppressed(facts: Facts) -> Suppressed:
    until = facts.get("until")
    return Suppressed(
        at=datetime.fromisoformat(facts["at"]),
        id=facts["id"],
        scope=facts["scope"],
        target=facts["target"],
        by=facts["by"],
        reason=facts["reason"],
        url=facts.get("url"),
        until=datetime.fromisoformat(until) if until else None,
    )


def _write_lifted(event: SuppressionLifted) -> dict[str, Any]:
    return {"at": _time(event.at), "id": event.id, "by": event.by, "reason": event.reason}


def _read_lifted(facts: Facts) -> SuppressionLifted:
    return SuppressionLifted(datetime.fromisoformat(facts["at"]), facts["id"], facts["by"], facts.get("reason"))


SHAPES: dict[type[Any], tuple[str, Callable[[Any], dict[str, Any]], Callable[[Facts], Any]]] = {
    Suppressed: ("suppressed", _write_suppressed, _read_suppressed),
    SuppressionLifted: ("suppression-lifted", _write_lifted, _read_lifted),
}
"""For each event the word of its lines, and how they are written and read."""
