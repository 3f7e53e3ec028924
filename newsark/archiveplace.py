"""From settings to an archive's place: its stores and its state on this machine."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from newsark.proofs import authority_of, signer_of
from newsark.storerows import StoreRows

if TYPE_CHECKING:
    from newsark.settings import NewsarkSettings
    from storage.archivesettings import ArchiveSettings
    from storage.objects import ObjectStore
    from storage.place import Place
    from storage.stores import StoreSettings


def is_bucket(place: str) -> bool:
    """Whether an archive is named by a URL and not by a directory."""
    return "://" in place


def place_of(settings: NewsarkSettings) -> Place:
    """The archive's place. Raises BadSetting for a store of a kind that does not exist."""
    from storage.place import STATE_DIRECTORY, Place, state_directory

    stores = tuple(_store(one) for one in store_settings(settings))
    if settings.state:
        state = Path(settings.state).expanduser().absolute()
    elif is_bucket(settings.archive):
        state = state_directory(settings.archive)
    else:
        state = _directory(settings.archive) / STATE_DIRECTORY
    return Place(stores, state)


def store_settings(settings: NewsarkSettings) -> list[StoreSettings]:
    """The rows of every store: the archive's own, then the replicas."""
    own = _rows(settings.archive, settings)
    return [own, *(_rows(replica.place, replica) for replica in settings.replicas)]


def settings_beside(place: str, settings: NewsarkSettings) -> StoreSettings:
    """The rows of a place beside the archive, reached as the archive is; without its lock and storage class."""
    rows = _rows(place, settings)
    return replace(rows, storage_class=None, object_lock_mode=None, object_lock_days=None)


def archive_settings(settings: NewsarkSettings, stores: tuple[str, ...]) -> ArchiveSettings:
    """How the archive is written; `stores` are the places of its stores, in the order of the settings."""
    from crawler.agent import user_agent
    from storage.archivesettings import ArchiveSettings

    rows: list[StoreRows] = [settings, *settings.replicas]
    return ArchiveSettings(
        operator=settings.operator or settings.contact,
        user_agent=settings.user_agent or user_agent(settings.contact),
        contact=settings.contact,
        catalogue_url=settings.catalogue,
        segment_max_bytes=settings.segment_max_bytes,
        segment_max_age_seconds=settings.segment_max_age_hours * 3600,
        copies_required=settings.copies_required,
        signer=signer_of(settings),
        authority=authority_of(settings),
        accept_unsafe=frozenset(place for place, row in zip(stores, rows, strict=True) if row.accept_unsafe),
    )


@lru_cache(maxsize=8)
def _store(settings: StoreSettings) -> ObjectStore:
    """The store; kept, since the client of a bucket takes long to make."""
    from storage.stores import open_store

    return open_store(settings)


def _rows(place: str, rows: StoreRows) -> StoreSettings:
    from storage.stores import StoreSettings

    chosen = {name: getattr(rows, name) for name in StoreRows.model_fields if name != "store_patience_seconds"}
    chosen["time_limit_seconds"] = rows.store_patience_seconds
    return StoreSettings(place=place if is_bucket(place) else str(_directory(place)), **chosen)


def _directory(place: str) -> Path:
    return Path(place).expanduser().absolute()
