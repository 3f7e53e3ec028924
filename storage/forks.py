"""Forks: a second catalogue that writes to the same stores would begin a second chain of manifests."""

from __future__ import annotations

from collections.abc import Sequence

from storage.catalogue import Catalogue
from storage.errors import CatalogueBehind, StoreUnreachable
from storage.objects import ObjectStore
from storage.segments import Segments


def refuse_forks(stores: Sequence[ObjectStore], catalogue: Catalogue, source_id: str, away: set[str]) -> None:
    """Return when no store has segments of the source that the catalogue does not know. Raises CatalogueBehind.

    A store that does not answer is added to `away`, and those are not asked: what is sealed waits here, `verify` finds
    a fork, and asking again for each source would take long.
    """
    stored: set[str] = set()
    for store in stores:
        if store.place in away:
            continue
        try:
            stored |= {one.key for one in store.list(f"manifests/{source_id}/") if one.key.endswith(".json")}
        except StoreUnreachable:
            away.add(store.place)
    with catalogue.begin() as connection:
        unknown = stored - Segments(connection).manifest_keys(source_id)
    if unknown:
        raise CatalogueBehind(stores[0].place, source_id, len(unknown))
