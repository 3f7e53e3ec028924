"""The stores: whether they answer, give back what they were given, and keep their promises."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from newsark.checking.disk import existing
from newsark.checking.finding import Finding
from newsark.home import Home
from storage.directory import DirectoryStore
from storage.errors import NewsarkError, ObjectExists, ObjectMissing
from storage.objects import ObjectStore
from storage.place import HEAD
from storage.stores import StoreSettings

PATIENCE_SECONDS = 5.0
MOST_SKEW_SECONDS = 30.0


def check_stores(home: Home) -> Iterator[Finding]:
    """The archive's own store, then the replicas."""
    from newsark.archiveplace import store_settings

    for settings in store_settings(home.settings):
        yield from store_checks(settings)


def store_checks(settings: StoreSettings) -> Iterator[Finding]:
    """Whether a store answers and keeps its promises; a broken one is a warning where the settings accept it."""
    from storage.stores import open_store

    if "://" not in settings.place:
        place = existing(Path(settings.place))
        if os.access(place, os.W_OK):
            yield _directory_finding(place)
        else:
            yield Finding("store", "fault", f"{place} cannot be written to; choose another place")
        return
    try:
        limit = min(PATIENCE_SECONDS, settings.time_limit_seconds)
        store = open_store(replace(settings, time_limit_seconds=limit))
        yield from _skew(store)
        try:
            broken = [*_reading(store), *(fault.message for fault in store.probe(HEAD))]
        except ObjectMissing:
            yield Finding("store", "ok", f"{settings.place} answers; the first crawl tries out whether it is safe")
            return
    except (NewsarkError, OSError) as problem:
        yield Finding("store", "fault", str(problem))
        return
    if not broken:
        yield Finding("store", "ok", f"{settings.place} writes once, verifies checksums and states them")
    for message in broken:
        yield Finding("store", "warning" if settings.accept_unsafe else "fault", f"{settings.place}: {message}")


def _reading(store: ObjectStore) -> Iterator[str]:
    """What is wrong with how the store gives back. Raises ObjectMissing when the archive is not made yet."""
    whole = store.get(HEAD)
    if store.get_range(HEAD, 1, 4) != whole[1:5]:
        yield "it does not give back parts of objects (Range): replay and verify read them"
    if HEAD not in {info.key for info in store.list(HEAD)}:
        yield "it does not list what it holds: verify and rebuild rest on it"
    if store.head(HEAD).size_bytes != len(whole):
        yield f"it states another size of {HEAD} than it has"


def _skew(store: ObjectStore) -> Iterator[Finding]:
    ahead = store.clock_ahead_seconds()
    if ahead is not None and abs(ahead) > MOST_SKEW_SECONDS:
        where = "ahead of" if ahead > 0 else "behind"
        told = f"{store.place}: its clock is {abs(ahead):.0f} s {where} this machine's, which dates records"
        yield Finding("store's clock", "warning", f"{told}; set the one that is wrong by NTP")


def _directory_finding(place: Path) -> Finding:
    """Put an object twice where the store is: hard links, fsync and refusal to overwrite must all work there."""
    try:
        with tempfile.TemporaryDirectory(dir=place, prefix=".newsark-doctor-") as directory:
            return _directory_tried(place, DirectoryStore(Path(directory)))
    except OSError as problem:
        return Finding("store", "fault", f"{place}: {problem.strerror or problem}")


def _directory_tried(place: Path, store: DirectoryStore) -> Finding:
    try:
        store.put_bytes("probe", b"one")
        if (store.get("probe"), store.get_range("probe", 1, 1), len(list(store.list()))) != (b"one", b"n", 1):
            return Finding("store", "fault", f"{place} does not give back what was put there; use another file system")
        store.put_bytes("probe", b"two")
    except ObjectExists:
        return Finding("store", "ok", f"{place} writes once and refuses to overwrite")
    except (NewsarkError, OSError) as problem:
        return Finding("store", "fault", f"{place}: {problem}")
    return Finding("store", "fault", f"{place} lets objects be overwritten; use another file system")
