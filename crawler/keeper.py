"""One thread that owns the archive: segments and catalogue are only ever touched there, so nothing needs a lock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from crawler.diskspace import STORAGE_PROBLEMS, DiskLimits, DiskSpace
from storage.archive import Archive
from storage.database import catalogue_problem, shown_url

__all__ = ["STORAGE_PROBLEMS", "Keeper", "Stopped"]

P = ParamSpec("P")
T = TypeVar("T")


class Stopped(Exception):
    """The crawl ends before this was done; the lead it was done for stays as it was."""


class Keeper:
    """Runs functions of the archive in their own thread, one after the other, in the order they were asked for."""

    def __init__(self, archive: Archive, limits: DiskLimits | None = None) -> None:
        self.archive = archive
        self.disk = DiskSpace(
            archive.state,
            limits or DiskLimits(),
            backlogs=lambda: archive.courier.backlogs,
            catalogue=shown_url(archive.catalogue.engine.url),
        )
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keeper")

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result; what it raises is raised here."""
        if function == self.archive.own:
            # A source's lease is renewed for as long as its crawl lasts; on a full disk that waits with the rest.
            await self.disk.unstuck()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(function, *args, **kwargs))

    async def run_when_room(
        self, stop: asyncio.Event, source_id: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The function's result, tried again for as long as there is no room on the disk; see `DiskSpace.kept`."""
        result = await self.disk.kept(partial(self.run, function, *args, **kwargs), stop)
        if function == self.archive.seal and self.disk.pauses:
            # A segment whose sealing was cut short by a full disk is no longer in the archive's hands, but on the disk.
            await self.disk.kept(partial(self.run, self.archive.recover, source_id), stop)
        return result

    def told(self, problem: BaseException) -> str:
        """A storage problem as a sentence that says what failed and where."""
        if isinstance(problem, SQLAlchemyError):
            return str(catalogue_problem(problem, shown_url(self.archive.catalogue.engine.url)))
        return str(problem)

    def close(self) -> None:
        """Wait for what was asked for, then stop the thread."""
        self._thread.shutdown(wait=True)
