"""What a driver sends to the machines of a cluster: its settings, and what both sides must agree on."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from newsark.home import Home
from newsark.settings import PREFIX, NewsarkSettings
from storage.archive import Archive
from storage.migrations.standing import CURRENT
from storage.place import FORMAT
from storage.sources import Sources

OF_EACH_MACHINE = ("state", "workers")
"""What every machine has of its own: its working state, and as many readers as it has processors."""

OF_THE_DRIVER = ("alert_to", "serve_token", "log_file", "log_format", "metrics")
"""What only the driver uses; some may hold a password."""


@dataclass(frozen=True, slots=True)
class Orders:
    """The settings of a run; `options` are those of the command, `readers` the processes of one worker that read.

    `sources` are sources that the driver's catalogue knows, and `catalogue_sum` what it says about them. Where nothing
    `reads_pages` as they come, workers begin without the extractor.
    """

    settings: dict[str, Any]
    options: dict[str, Any]
    readers: int
    sources: tuple[str, ...]
    catalogue_sum: str
    reads_pages: bool = True

    def home(self) -> Home:
        """The home of a worker: the driver's settings with those of this machine."""
        own = {name: value for name in OF_EACH_MACHINE if (value := _variable(name)) is not None}
        settings = NewsarkSettings.model_validate({"workers": self.readers, **self.settings, **own})
        age_hours = min(settings.segment_max_age_hours, settings.cluster_segment_minutes / 60)
        size = min(settings.segment_max_bytes, settings.cluster_segment_max_bytes)
        smaller = {"segment_max_age_hours": age_hours, "segment_max_bytes": size}
        return Home(Path.cwd(), settings.model_copy(update=smaller))


def orders_of(
    settings: NewsarkSettings,
    archive: Archive,
    source_ids: Sequence[str] = (),
    options: dict[str, Any] | None = None,
    *,
    reads_pages: bool = True,
) -> Orders:
    """The orders of a run with these settings; the catalogue of the archive must know the sources already."""
    told = settings.model_dump(exclude_unset=True, exclude={*OF_EACH_MACHINE, *OF_THE_DRIVER})
    ids = tuple(source_ids)
    known = catalogue_sum(archive, ids)
    return Orders(told, options or {}, settings.cluster_cpus_per_worker, ids, known, reads_pages)


def orders_for_readers(settings: NewsarkSettings) -> Orders:
    """The orders of workers that read what they are given, and need no archive."""
    told = settings.model_dump(exclude_unset=True, exclude={*OF_EACH_MACHINE, *OF_THE_DRIVER, "catalogue"})
    return Orders(told, {}, settings.cluster_cpus_per_worker, (), "")


def _variable(name: str) -> str | None:
    return os.environ.get(PREFIX + name.upper()) or None


def versions_here() -> dict[str, str]:
    """What must be the same on every machine of a cluster."""
    return {"newsark": version("newsark"), "catalogue": str(CURRENT), "store format": str(FORMAT)}


def probe() -> Callable[[], dict[str, str]]:
    """A function that says the same of the machine it runs on, also where there is no Newsark to import."""

    def look() -> dict[str, str]:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = {"newsark": version("newsark")}
            from storage.migrations.standing import CURRENT
            from storage.place import FORMAT
        except (PackageNotFoundError, ImportError):
            return {"newsark": "none"}
        return found | {"catalogue": str(CURRENT), "store format": str(FORMAT)}

    return look


def catalogue_sum(archive: Archive, source_ids: Sequence[str]) -> str:
    """The same on every machine whose catalogue is the same one: a digest of since when it has these sources."""
    with archive.catalogue.whole() as connection:
        rows = {one.id: one.added_at.isoformat() for one in Sources(connection).known(source_ids)}
    return hashlib.sha256(repr(sorted(rows.items())).encode()).hexdigest()[:16]


def named_after_machine(archive: Archive) -> None:
    """Let the segments of this archive be named after this machine's state too: several may share a host's name."""
    if archive.machine is not None:
        host = f"{socket.gethostname()}-{archive.machine[:8]}"
        archive.settings = replace(archive.settings, host=host)
