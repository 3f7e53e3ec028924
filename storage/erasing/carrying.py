"""An erasure carried out: a journal first, then catalogue, chain and every store; once begun it can be ended."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from storage.archive import Archive
from storage.decisions import LEASE_SECONDS, log_decisions
from storage.durable import flush_directory, make_directories, write_durably
from storage.erasing.erasureerrors import ErasureUnfinished, Locked, NotErasable
from storage.erasing.forgetting import compact, forget, set_sizes
from storage.erasing.plan import Plan, SourcePlan
from storage.erasing.rewriting import Rewritten, emptied, listed_objects, rewrite
from storage.erasure import Erased, ErasedObject
from storage.manifest import Manifest, own_objects
from storage.sealed import SealedPart
from storage.segments import Segments

JOURNAL = "journal.json"
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Order:
    """Who erases, why, by which order (a court's reference), and whether the address may stand in the tombstone."""

    by: str
    reason: str
    order: str | None = None
    names_url: bool = False
    bypass_governance: bool = False


def journals(archive: Archive) -> list[Path]:
    """The journals of erasures that were begun and not ended."""
    return sorted((archive.state / "erase").glob(f"*/{JOURNAL}"))


def refuse_unfinished(archive: Archive) -> None:
    """Raise ErasureUnfinished when one was begun and not ended."""
    for path in journals(archive):
        raise ErasureUnfinished(path.parent.name)


@contextmanager
def owned(archive: Archive, source_ids: list[str]) -> Iterator[None]:
    """The sources are ours meanwhile, and all of theirs is in the stores.

    Raises SourceBusy while a crawl holds one, and NotErasable when stores have not confirmed everything.
    """
    taken: list[str] = []
    try:
        for source_id in source_ids:
            archive.own(source_id, LEASE_SECONDS)
            taken.append(source_id)
            archive.recover(source_id)
        _refuse_waiting(archive)
        yield
    finally:
        for source_id in taken:
            archive.disown(source_id)


def _refuse_waiting(archive: Archive) -> None:
    archive.courier.wait(PATIENCE_SECONDS)
    for one in archive.backlogs():
        problem = f"{one.parcels} objects still wait for {one.store}; what is on its way cannot be erased: wait for it"
        raise NotErasable("it", problem)


def begin(archive: Archive, plan: Plan, order: Order) -> Path:
    """The journal of an erasure, with the objects as they will be; from here on `finish` is all that is needed.

    Raises Locked before anything is written. Own the sources.
    """
    at, erasure_id = archive.clock(), uuid4().hex
    _remove_begun(archive)
    directory = emptied(archive.state / "erase" / erasure_id)
    parts = []
    for number, part in enumerate(plan.sources):
        make_directories(directory / str(number))
        rewritten = rewrite(archive, part, erasure_id, at, directory / str(number))
        try:
            _refuse_locked(archive, rewritten, bypass_governance=order.bypass_governance)
        except BaseException:
            shutil.rmtree(directory)
            raise
        parts.append(_part_json(part, rewritten))
        flush_directory(directory / str(number))
    told = {
        "id": erasure_id,
        "at": at.isoformat(),
        "by": order.by,
        "reason": order.reason,
        "order": order.order,
        "url": plan.url if order.names_url else None,
        "bypassGovernance": order.bypass_governance,
        "parts": parts,
    }
    write_durably(directory / JOURNAL, [orjson.dumps(told)])
    return directory / JOURNAL


def _remove_begun(archive: Archive) -> None:
    """Remove what erasures left that were killed before their journal was written, or after it was done with."""
    for directory in (archive.state / "erase").glob("*"):
        if not (directory / JOURNAL).exists():
            shutil.rmtree(directory)


def finish(archive: Archive, journal: Path, on_step: Callable[[str], None] = lambda _: None) -> Erased:
    """Do what the journal says, or what is left of it; the tombstone. Own its sources.

    Raises what the stores raise; then it is unfinished, and this may be called again.
    """
    told = orjson.loads(journal.read_bytes())
    parts = [_part_of(one, journal.parent / str(number)) for number, one in enumerate(told["parts"])]
    for plan, rewritten, _ in parts:
        forget(archive.catalogue, plan)
        on_step("catalogue")
        _log(archive, plan, rewritten, told)
        on_step("chain")
    _refuse_waiting(archive)
    for _, rewritten, _ in parts:
        for store in archive.stores:
            for part in rewritten:
                store.replace(part.key, part.path, part.sha256, bypass_governance=told["bypassGovernance"])
                on_step("store")
    compact(archive.catalogue)
    journal.unlink()
    flush_directory(journal.parent)
    on_step("journal")
    shutil.rmtree(journal.parent)
    flush_directory(journal.parent.parent)
    return _tombstone(told, [plan for plan, _, _ in parts], [one for _, _, objects in parts for one in objects])


def sources_of(journal: Path) -> list[str]:
    """The sources that an erasure takes something from."""
    return [one["source"] for one in orjson.loads(journal.read_bytes())["parts"]]


def _refuse_locked(archive: Archive, rewritten: list[Rewritten], *, bypass_governance: bool) -> None:
    for store in archive.stores:
        for one in rewritten:
            for lock in store.locks(one.part.key):
                if lock.mode != "GOVERNANCE" or not bypass_governance:
                    raise Locked(store.place, lock.key, lock.mode, lock.until)


def _log(archive: Archive, plan: SourcePlan, rewritten: list[SealedPart], told: dict[str, Any]) -> None:
    """List the objects anew, once, and note how large segments are since."""
    listed = listed_objects(archive, plan.source_id)
    if any(listed[part.key].sha256 != part.sha256 for part in rewritten):
        objects = [_object(one) for one in _of_source(told, plan)["objects"]]
        log_decisions(archive, plan.source_id, [_tombstone(told, [plan], objects)], rewritten)
        # the lease went back with the decision
        archive.own(plan.source_id, LEASE_SECONDS)
        listed = listed_objects(archive, plan.source_id)
    sizes: dict[str, int] = {}
    changed = {part.key for part in rewritten}
    with archive.catalogue.whole() as connection:
        keys = Segments(connection).chain(plan.source_id)
    for key in keys:
        manifest = Manifest.from_bytes(archive.holdings.get(key), key)
        own = own_objects(manifest.objects, manifest.stem)
        if changed & {one.key for one in own}:
            sizes[key] = sum(listed[one.key].size_bytes for one in own)
    with archive.catalogue.whole() as connection:
        set_sizes(connection, sizes)


def _of_source(told: dict[str, Any], plan: SourcePlan) -> dict[str, Any]:
    return next(one for one in told["parts"] if one["source"] == plan.source_id)


def _tombstone(told: dict[str, Any], plans: list[SourcePlan], objects: list[ErasedObject]) -> Erased:
    return Erased(
        at=datetime.fromisoformat(told["at"]),
        id=told["id"],
        by=told["by"],
        reason=told["reason"],
        order=told["order"],
        url=told["url"],
        captures=tuple(sorted({name for plan in plans for name in plan.captures})),
        versions=tuple(sorted({name for plan in plans for name in plan.records})),
        objects=tuple(objects),
    )


_NAMES = ("records", "captures", "urls", "articles", "leads", "alerts")


def _part_json(plan: SourcePlan, rewritten: list[Rewritten]) -> dict[str, Any]:
    objects = [
        {
            "key": one.part.key,
            "file": one.part.path.name,
            "bytes": one.part.bytes,
            "sha256": one.part.sha256,
            "compositeSha256": one.part.composite_sha256,
            "before": {"bytes": one.before.size_bytes, "sha256": one.before.sha256},
        }
        for one in rewritten
    ]
    names = {name: sorted(getattr(plan, name)) for name in _NAMES}
    return {"source": plan.source_id, "objects": objects, **names}


def _part_of(facts: dict[str, Any], directory: Path) -> tuple[SourcePlan, list[SealedPart], list[ErasedObject]]:
    plan = SourcePlan(facts["source"])
    for name in _NAMES:
        setattr(plan, name, set(facts[name]))
    parts = [
        SealedPart(one["key"], directory / one["file"], one["bytes"], one["sha256"], one["compositeSha256"])
        for one in facts["objects"]
    ]
    return plan, parts, [_object(one) for one in facts["objects"]]


def _object(one: dict[str, Any]) -> ErasedObject:
    before = one["before"]
    return ErasedObject(one["key"], before["bytes"], before["sha256"], one["bytes"], one["sha256"])
