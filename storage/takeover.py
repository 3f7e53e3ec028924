"""Taking a source over from a machine that is gone, with what lay on its disk alone; and what to do when it is back.

What was acknowledged is durable on one disk until the stores have it. When that disk is gone the catalogue must not go
on as if it were there: what it says about the lost segments is taken back, their leads are due at once, and how much
was lost stays noted. The disk may come back: then its segments are sealed and sent as after any crash, after what was
captured meanwhile (`Archive.recover`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import Connection, delete, select, update

from storage.archive import Archive
from storage.catalogue import deliveries, furniture, runs, segments, sources, versions
from storage.errors import CatalogueBehind, ObjectMissing, SourceBusy
from storage.events import RunBegan, RunEnded
from storage.leads import Leads
from storage.log import Log
from storage.lostsegment import Forgotten, forget_segment, found_since, rewind
from storage.names import manifest_of_parcel, records_name, source_key
from storage.parcels import last_key
from storage.rerecording import LaterReading
from storage.segments import Segments
from storage.settling import Settlement
from storage.sources import Sources
from storage.timestamps import warc_date
from storage.unsent import Losses, Unsent, UnsentSegment

log = Log(__name__)

LEASE_SECONDS = 3600.0
# A lead may have been found a moment before the segment was begun that tells of it.
MARGIN = timedelta(minutes=5)
_SERIAL = "serial"


def bring_home(archive: Archive) -> list[str]:
    """Seal and send what crawls that died left on this machine's disk; the sources that other processes work on now.

    Raises what `Archive.recover` raises, but for a source whose chain went on elsewhere in a way not known here.
    """
    busy: list[str] = []
    folder = archive.place.open_segments
    for directory in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []:
        if all(path.name == _SERIAL or path.name.endswith(".torn") for path in directory.iterdir()):
            continue
        try:
            archive.own(directory.name, LEASE_SECONDS)
        except SourceBusy:
            busy.append(directory.name)
            continue
        try:
            archive.recover(directory.name)
        except CatalogueBehind as problem:
            sentence = f"what is left of {directory.name} stays on this disk: {problem}"
            log.warning("left-stays", sentence, source=directory.name)
        finally:
            archive.disown(directory.name)
    return busy


def take_over(archive: Archive, source_id: str, living: Collection[str]) -> Losses:
    """Give up what of the source lies on machines that are not among the `living`; how much that was.

    Call it while the source is owned. Segments that a store has after all are sent on from there. Raises what a store
    raises that cannot be asked whether it has them: then nothing is given up.
    """
    if archive.machine is None:
        return Losses()
    machines = {*living, archive.machine}
    with archive.catalogue.whole() as connection:
        away = Unsent(connection).elsewhere(source_id, machines)
    lost = [one for one in away if not _is_stored(archive, one.stem)]
    _send_on(archive, {one.stem for one in away} - {one.stem for one in lost})
    _post_anew(archive, source_id, machines)
    return _give_up(archive, source_id, lost) if lost else Losses()


def left_elsewhere(archive: Archive, source_id: str) -> Counter[str]:
    """By host, how many segments of the source lie on the disks of other machines alone."""
    if archive.machine is None:
        return Counter()
    with archive.catalogue.whole() as connection:
        away = Unsent(connection).elsewhere(source_id, [archive.machine])
    return Counter(one.host for one in away)


def _is_stored(archive: Archive, parcel: str) -> bool:
    """Whether some store has all of the parcel: its last object is there."""
    for store in archive.stores:
        try:
            store.head(last_key(parcel))
        except ObjectMissing:
            continue
        return True
    return False


def _send_on(archive: Archive, stored: Collection[str]) -> None:
    """Let this machine bring what some store has to the others."""
    with archive.catalogue.whole() as connection:
        for stem in stored:
            Unsent(connection).remove(stem)
            connection.execute(update(deliveries).where(deliveries.c.parcel == stem).values(machine=archive.machine))


def _post_anew(archive: Archive, source_id: str, machines: Collection[str]) -> None:
    """Send single objects of the source that were on their way elsewhere: what the catalogue has of them."""
    with archive.catalogue.whole() as connection:
        query = select(deliveries.c.parcel).where(
            deliveries.c.source_id == source_id,
            deliveries.c.parcel.contains("/"),
            deliveries.c.machine.not_in(list(machines)),
        )
        keys = set(connection.execute(query).scalars())
        connection.execute(delete(deliveries).where(deliveries.c.parcel.in_(keys)))
        (known,) = Sources(connection).known([source_id])
    for key in sorted(keys):
        if key == source_key(source_id, known.revision):
            archive.post(source_id, key, known.toml.encode())
        elif not _is_stored(archive, key):
            # time stamps are asked for again, and keys are listed again
            log.warning("object-lost", f"{key} was on its way from a machine that is gone", source=source_id, key=key)


def _give_up(archive: Archive, source_id: str, lost: Sequence[UnsentSegment]) -> Losses:
    segments_lost = [one for one in lost if manifest_of_parcel(one.stem).number is None]
    if segments_lost:
        _tell_again(archive, source_id, segments_lost)
    now, total = archive.clock(), Forgotten()
    with archive.catalogue.whole() as connection:
        Sources(connection).hold(source_id, archive.catalogue.owner)
        newest = rewind(connection, source_id, lost, Sources(connection).last_manifest_sha256(source_id))
        connection.execute(update(sources).where(sources.c.id == source_id).values(last_manifest_sha256=newest))
        for one in segments_lost:
            gone = forget_segment(connection, source_id, one)
            Unsent(connection).give_up(one.stem, now, gone.captures, gone.versions)
            total.captures, total.versions = total.captures + gone.captures, total.versions + gone.versions
        stems = [one.stem for one in lost]
        connection.execute(delete(deliveries).where(deliveries.c.parcel.in_(stems)))
        connection.execute(delete(segments).where(segments.c.stem.in_(stems)))
    for one in lost:
        if one not in segments_lost:
            _record_anew(archive, one)
    hosts = ", ".join(sorted({one.host for one in lost}))
    sentence = f"{total.captures} captures lay on {hosts} alone, which is gone; their pages are visited again"
    facts = {"segments": len(segments_lost), "captures": total.captures, "versions": total.versions}
    log.warning("segments-lost", f"{source_id}: {sentence}", source=source_id, **facts)
    return Losses(len(segments_lost), total.captures, total.versions)


def _tell_again(archive: Archive, source_id: str, lost: Sequence[UnsentSegment]) -> None:
    """Tell in a new segment what the lost ones alone told and the catalogue knows: the store tells all that it does."""
    since = min(one.since for one in lost) - MARGIN

    def tell(mine: Leads) -> None:
        mine.added += found_since(mine.connection, source_id, since)

    archive.with_leads(source_id, tell)
    with archive.catalogue.whole() as connection:
        again = Settlement(runs=_runs_since(connection, source_id, since))
        learned = select(furniture.c.text).where(furniture.c.source_id == source_id, furniture.c.learned_at >= since)
        again.furniture = list(connection.execute(learned.order_by(furniture.c.id)).scalars())
    at = warc_date(archive.clock())
    again.events = [
        {"type": "segment-lost", "at": at, "stem": one.stem, "machine": one.machine, "host": one.host} for one in lost
    ]
    archive.settle(source_id, again)


def _runs_since(connection: Connection, source_id: str, since: object) -> list[RunBegan | RunEnded]:
    told: list[RunBegan | RunEnded] = []
    query = select(runs).where(runs.c.source_id == source_id, runs.c.started_at >= since).order_by(runs.c.id)
    for row in connection.execute(query):
        told.append(RunBegan(row.started_at))
        if row.ended_at is not None:
            told.append(RunEnded(row.started_at, row.ended_at, row.outcome or "", row.counts, row.problems))
    return told


def _record_anew(archive: Archive, lost: UnsentSegment) -> None:
    """Keep a later reading whose records were lost: the catalogue has their lines."""
    name = manifest_of_parcel(lost.stem)
    key = records_name(name.stem, name.number or 0).key
    with archive.catalogue.whole() as connection:
        Unsent(connection).remove(lost.stem)
        query = select(versions.c.id, versions.c.line).where(
            versions.c.source_id == lost.source_id, versions.c.records_key == key
        )
        rows = connection.execute(query.order_by(versions.c.id)).all()
    if not rows:
        return
    with LaterReading(archive, name.stem) as later:
        for row in rows:
            later.add(row.line.encode() + b"\n")
        later.seal({"read": len(rows), "changed": len(rows), "unread": 0}, None)
    with archive.catalogue.whole() as connection:
        number = max(Segments(connection).readings(str(name.stem)))
        moved = update(versions).where(versions.c.id.in_([row.id for row in rows]))
        connection.execute(moved.values(records_key=records_name(name.stem, number).key))
