"""One thread that owns the archive: segments and catalogue are only ever touched there, so nothing needs a lock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from storage.archive import Archive
from storage.errors import CatalogueUnusable, StorageError

P = ParamSpec("P")
T = TypeVar("T")

# The disk or the database failed, whatever was to be kept: going on would only lose more.
STORAGE_PROBLEMS = (StorageError, SQLAlchemyError, OSError)


class Stopped(Exception):
    """The crawl ends before this was done; the lead it was done for stays as it was."""


class Keeper:
    """Runs functions of the archive in their own thread, one after the other, in the order they were asked for."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keeper")

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result; what it raises is raised here."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(function, *args, **kwargs))

    def told(self, problem: BaseException) -> str:
        """A storage problem as a sentence that says what failed and where."""
        if isinstance(problem, SQLAlchemyError):
            place = self.archive.catalogue.engine.url.render_as_string()
            words = str(getattr(problem, "orig", None) or problem).splitlines()[0]
            return str(CatalogueUnusable(f"{place}: {words}"))
        return str(problem)

    def close(self) -> None:
        """Wait for what was asked for, then stop the thread."""
        self._thread.shutdown(wait=True)
