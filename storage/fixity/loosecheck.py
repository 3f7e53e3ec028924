"""Objects that no manifest lists by design: newsark.json, source files, imports. They must be readable and agree."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from storage.errors import ObjectMissing, StorageError
from storage.fixity.findings import Finding
from storage.fixity.inventory import Inventory, OnTheirWay
from storage.fixity.manifestcheck import absence
from storage.fixity.objectcheck import OnBytes, digest_of, unreadable
from storage.manifest import ManifestObject
from storage.objects import ObjectInfo

_PARSED_LIMIT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LooseAnswer:
    """What was found out about one object in all stores; `right` is what it must be, where that can be told."""

    findings: list[Finding] = field(default_factory=list)
    right: ManifestObject | None = None
    seen: Mapping[str, str] = field(default_factory=dict)


def check_loose(
    key: str, held: Sequence[Inventory], on_their_way: OnTheirWay, known_sha256: str | None, on_bytes: OnBytes
) -> LooseAnswer:
    """What is wrong with the object in each store; `known_sha256` is its digest where something else names it.

    Right is that digest, else the one that more than half of the stores have, else the only one that can be parsed.
    """
    infos: dict[str, ObjectInfo] = {}
    broken: dict[str, str] = {}
    findings: list[Finding] = []
    for one in held:
        if key in one.deleted:
            findings.append(Finding(key, "deleted", "it is hidden behind a delete marker", one.place))
        elif key in one.sizes:
            findings += _look(key, one, infos, broken, on_bytes)
    sound = {place: info for place, info in infos.items() if place not in broken}
    right = _right(sound or infos, len(held), known_sha256)
    findings += _differences(key, infos, broken, right, known_sha256)
    is_somewhere = bool(infos)
    for one in held:
        if key not in one.sizes and key not in one.deleted and not on_their_way.to(one.place, key):
            findings.append(absence(held, one, key, is_elsewhere=is_somewhere))
    listed = None if right is None else ManifestObject(key, right.size_bytes, right.sha256 or "")
    return LooseAnswer(findings, listed, {place: info.sha256 or "" for place, info in infos.items()})


def _look(
    key: str, one: Inventory, infos: dict[str, ObjectInfo], broken: dict[str, str], on_bytes: OnBytes
) -> Iterator[Finding]:
    try:
        infos[one.place] = digest_of(one.store, key, on_bytes)
        if one.sizes[key] <= _PARSED_LIMIT_BYTES and (problem := _unparsable(key, one.store.get(key))):
            broken[one.place] = problem
    except ObjectMissing:
        yield Finding(key, "missing", "it was listed and is gone now", one.place)
    except (StorageError, OSError) as problem:
        yield unreadable(key, one.place, problem)


def _right(infos: Mapping[str, ObjectInfo], stores: int, known_sha256: str | None) -> ObjectInfo | None:
    if known_sha256 is not None:
        return next((info for info in infos.values() if info.sha256 == known_sha256), None)
    digests = [info.sha256 for info in infos.values()]
    for info in infos.values():
        if len(set(digests)) == 1 or digests.count(info.sha256) * 2 > stores:
            return info
    return None


def _differences(
    key: str,
    infos: Mapping[str, ObjectInfo],
    broken: Mapping[str, str],
    right: ObjectInfo | None,
    known_sha256: str | None,
) -> Iterator[Finding]:
    wanted = known_sha256 or (right.sha256 if right is not None else None)
    differ = len({info.sha256 for info in infos.values()}) > 1
    for place, info in infos.items():
        if wanted is not None and info.sha256 != wanted:
            detail = f"; {broken[place]}" if place in broken else ""
            yield Finding(key, "wrong-digest", f"its SHA-256 is {info.sha256}, not {wanted}{detail}", place)
        elif place in broken:
            yield Finding(key, "bad-line", broken[place], place)
        elif wanted is None and differ:
            message = f"its SHA-256 is {info.sha256} here and another one elsewhere"
            yield Finding(key, "stores-differ", message, place)


def _unparsable(key: str, data: bytes) -> str:
    try:
        if key.endswith(".toml"):
            tomllib.loads(data.decode("utf-8"))
        elif key.endswith(".json"):
            orjson.loads(data)
    except ValueError as problem:
        return f"it cannot be read: {problem}"
    return ""
