"""What a store has: the keys and sizes it lists, and the objects it hides."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from storage.errors import StorageError
from storage.importnames import ROOM
from storage.names import ObjectName, parse_key
from storage.objects import ObjectStore

SEGMENT_ROOMS = ("warc", "records", "index", "events")
_ROOMS_OF_SOURCES = ("manifests", *SEGMENT_ROOMS, "sources")


@dataclass(frozen=True, slots=True)
class Inventory:
    """A store with what it lists: sizes by key, and the keys behind delete markers."""

    store: ObjectStore
    sizes: Mapping[str, int]
    deleted: frozenset[str] = frozenset()

    @property
    def place(self) -> str:
        """Where the store is."""
        return self.store.place


@dataclass(frozen=True, slots=True)
class OnTheirWay:
    """What still has to reach a store: for each store's place the keys of objects, or the stems of segments."""

    parcels: Mapping[str, Collection[str]]

    def to(self, place: str, key: str) -> bool:
        """Whether that object may be missing there."""
        waiting = self.parcels.get(place, ())
        return bool(waiting) and (key in waiting or any(word in waiting for word in _words(key)))

    def anywhere(self, key: str) -> bool:
        """Whether that object is on its way to any store."""
        return any(self.to(place, key) for place in self.parcels)

    def and_also(self, other: OnTheirWay) -> OnTheirWay:
        """What is on its way in either."""
        places = {**self.parcels, **other.parcels}
        return OnTheirWay({one: {*self.parcels.get(one, ()), *other.parcels.get(one, ())} for one in places})


NOTHING_ON_ITS_WAY = OnTheirWay({})


def take_inventory(store: ObjectStore, sources: Sequence[str] | None) -> Inventory:
    """What the store lists of these sources, or all of it. Raises what the store raises."""
    # what was imported bears the name of no source: manifests say whose it is
    prefixes = [""]
    if sources is not None:
        prefixes = [ROOM, *(f"{room}/{one}/" for room in _ROOMS_OF_SOURCES for one in sources)]
    sizes = {info.key: info.size_bytes for prefix in prefixes for info in store.list(prefix)}
    deleted = frozenset(key for prefix in prefixes for key in store.deletions(prefix))
    return Inventory(store, sizes, deleted - sizes.keys())


def inventories(
    stores: Sequence[ObjectStore], sources: Sequence[str] | None
) -> tuple[list[Inventory], list[tuple[str, str]]]:
    """The inventory of every store that can be asked, and (place, problem) of the others.

    Raises the first store's error when none can.
    """
    found: list[Inventory] = []
    failed: list[tuple[str, str]] = []
    first: StorageError | OSError | None = None
    for store in stores:
        try:
            found.append(take_inventory(store, sources))
        except (StorageError, OSError) as problem:
            first = first or problem
            failed.append((store.place, str(problem)))
    if not found and first is not None:
        raise first
    return found, failed


def segment_name(key: str) -> ObjectName | None:
    """The parsed key of an object that belongs to a segment, manifests included; None for all others."""
    try:
        return parse_key(key)
    except ValueError:
        return None


def is_loose(key: str) -> bool:
    """Whether no manifest is to list the object: it is none of a segment's, nor a manifest."""
    room = key.partition("/")[0]
    if room != "manifests":
        return room not in SEGMENT_ROOMS
    name = segment_name(key)
    return name is None or name.kind != "manifests"


def _words(key: str) -> tuple[str, ...]:
    name = segment_name(key)
    if name is None:
        return ()
    stem = str(name.stem)
    return (stem,) if name.number is None else (stem, f"{stem}.{name.number}")
