"""The tombstone of an erasure as an event: who, why, when, and which objects are other bytes since; not what it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ErasedObject:
    """A stored object before and after: bytes and SHA-256 in hex."""

    key: str
    bytes_before: int
    sha256_before: str
    bytes_after: int
    sha256_after: str


@dataclass(frozen=True, slots=True)
class Erased:
    """Records were erased. `captures` are WARC-Record-IDs, `versions` ids of records; `url` only if that was wanted."""

    at: datetime
    id: str
    by: str
    reason: str
    order: str | None
    captures: tuple[str, ...]
    versions: tuple[str, ...]
    objects: tuple[ErasedObject, ...]
    url: str | None = None


def _write(event: Erased) -> dict[str, Any]:
    return {
        "at": event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        **{name: getattr(event, name) for name in ("id", "by", "reason", "order", "url", "captures", "versions")},
        "objects": [
            {
                "key": one.key,
                "before": {"bytes": one.bytes_before, "sha256": one.sha256_before},
                "after": {"bytes": one.bytes_after, "sha256": one.sha256_after},
            }
            for one in event.objects
        ],
    }


def _read(facts: Facts) -> Erased:
    def read(one: Facts) -> ErasedObject:
        before, after = one["before"], one["after"]
        return ErasedObject(one["key"], before["bytes"], before["sha256"], after["bytes"], after["sha256"])

    return Erased(
        at=datetime.fromisoformat(facts["at"]),
        id=facts["id"],
        by=facts["by"],
        reason=facts["reason"],
        order=facts.get("order"),
        captures=tuple(facts.get("captures", ())),
        versions=tuple(facts.get("versions", ())),
        objects=tuple(map(read, facts.get("objects", ()))),
        url=facts.get("url"),
    )


SHAPES: dict[type[Any], tuple[str, Callable[[Any], dict[str, Any]], Callable[[Facts], Any]]] = {
    Erased: ("erased", _write, _read)
}
"""The word of its lines, and how they are written and read."""
