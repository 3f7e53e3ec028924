"""Worker processes that read pages: a page that hangs or kills its worker costs that page's text and nothing else."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from pipelines.page import PageInput, ReadLimits
from pipelines.read import Reading, read_page, unreadable
from storage.errors import NewsarkError, PageError, ReaderCrashed, ReadingTimedOut

T = TypeVar("T")

# lxml and trafilatura keep a little of every page; a fresh worker costs a fork of the preloaded server.
MAX_TASKS = 500
# The main module is among them so that its imports are done once, in the fork server, not in every worker.
PRELOADED = ("__main__", "pipelines.read")


class ReaderPool:
    """Reads pages in `workers` processes, each page for at most `timeout_seconds`, waiting not counted.

    `reader` must be importable by name. `preload` names further modules for the fork server. Close it with `close()`.
    """

    def __init__(
        self,
        workers: int,
        *,
        timeout_seconds: float,
        max_tasks: int = MAX_TASKS,
        limits: ReadLimits | None = None,
        reader: Callable[[PageInput, ReadLimits], Reading] = read_page,
        preload: Sequence[str] = (),
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([*PRELOADED, *preload])
        self._pool = ProcessPool(max_workers=workers, max_tasks=max_tasks, context=context, initializer=_prepare)
        self._timeout_seconds = timeout_seconds
        self._limits = limits or ReadLimits()
        self._reader = reader

    def submit(self, page: PageInput) -> Future[Reading]:
        """A Future of the page's Reading; it never raises for the page: a timeout or a crash is its reason."""
        answer: Future[Reading] = Future()

        def done(read: Future[Reading]) -> None:
            try:
                answer.set_result(self._outcome(read))
            except PageError as problem:
                answer.set_result(unreadable(page.url, problem))

        task = self._pool.schedule(self._reader, (page, self._limits), timeout=self._timeout_seconds)
        task.add_done_callback(done)
        return answer

    def call(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """A Future of any importable function's result, under the same time limit.

        Raises ReadingTimedOut or ReaderCrashed, or what the function raises.
        """
        answer: Future[T] = Future()

        def done(called: Future[T]) -> None:
            try:
                answer.set_result(self._outcome(called))
            except NewsarkError as problem:
                answer.set_exception(problem)

        self._pool.schedule(function, arguments, timeout=self._timeout_seconds).add_done_callback(done)
        return answer

    def _outcome(self, task: Future[T]) -> T:
        try:
            result: T = task.result()
        except TimeoutError:
            raise ReadingTimedOut(self._timeout_seconds) from None
        except ProcessExpired as problem:
            raise ReaderCrashed(f"exit code {problem.exitcode}") from problem
        except CancelledError:
            raise ReaderCrashed("the pool was closed") from None
        except (MemoryError, RecursionError, OSError, ValueError, TypeError, LookupError) as problem:
            raise ReaderCrashed(f"{type(problem).__name__}: {problem}") from problem
        return result

    def close(self) -> None:
        """Stop the workers; what is still being read is given up."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


def _prepare() -> None:
    # What the fork server loaded is never garbage; looking at it again and again would cost every worker.
    gc.freeze()
