"""The end of a crawl: until the stores have confirmed what it sealed, or patience ends."""

from __future__ import annotations

import time

from newsark.console import counted, err, human_bytes, say
from storage.archive import Archive
from storage.deliveries import Backlog

LOOK_SECONDS = 0.5


def wait_for_stores(archive: Archive, patience_seconds: float, *, show_progress: bool) -> list[Backlog]:
    """What has too few copies yet when so much time went by, or somebody pressed Ctrl-C; nothing, when all is well."""
    if archive.courier.wait(LOOK_SECONDS):
        return []
    end = time.monotonic() + patience_seconds
    try:
        with err.status("Storing …") as status:
            while time.monotonic() < end and not archive.courier.wait(LOOK_SECONDS):
                if show_progress:
                    status.update(_told(archive.courier.backlogs))
    except KeyboardInterrupt:
        say("stopped before everything was stored", "yellow", to=err)
    return archive.courier.look()


def _told(backlogs: list[Backlog]) -> str:
    parts = [f"{counted(one.parcels, 'object')} ({human_bytes(one.bytes)}) in {one.store}" for one in backlogs]
    problems = [one.problem for one in backlogs if one.problem]
    return "Storing " + ", ".join(parts) + (f": {problems[0][:200]}" if problems else " …")
