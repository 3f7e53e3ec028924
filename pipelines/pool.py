"""Worker processes that read pages: a page that hangs or kills its worker costs that page's text and nothing else."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from typing import Any, Protocol, TypeVar

from pipelines.page import PageInput, ReadLimits
from pipelines.reading import Reading, unreadable
from pipelines.readingtally import ReadingTally
from pipelines.workers import Raised, Workers, start_fork_server
from storage.errors import NewsarkError, PageError
from storage.socketplace import shorten_sockets

T = TypeVar("T")

# lxml keeps every name that it met: 15 MB for 3,000 pages that share none. What a worker learned of the names in a
# newsroom's pages goes with it: a fiftieth of the work, were it 500 pages.
MAX_TASKS = 5000
# The main module is among them so that its imports are done once, in the fork server, not in every worker.
PRELOADED = "__main__"
PRELOADED_FOR_PAGES = "pipelines.preload"


def read_page(page: PageInput, limits: ReadLimits) -> Reading:
    """`pipelines.read.read_page`, found when a worker calls it: the process that waits loads no extractor."""
    from pipelines.read import read_page

    return read_page(page, limits)


class PageReader(Protocol):
    """Reads pages, wherever it does."""

    def submit(self, page: PageInput) -> Future[Reading]:
        """A Future of the page's Reading; it never raises for the page."""
        ...


class ReaderPool:
    """Reads pages in `workers` processes, each page for at most `timeout_seconds`, waiting not counted.

    `reader` must be importable by name. `preload` names further modules for the fork server. When few `pages` come, or
    none, nothing is started before it is needed, and the worker that needs the extractor loads it.
    Close it with `close()`. Raises WrongUse where the sockets of its processes have no place.
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
        pages: bool = True,
    ) -> None:
        shorten_sockets()
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([PRELOADED, *([PRELOADED_FOR_PAGES] if pages else []), *preload])
        if pages:
            # it loads while the first page is fetched
            start_fork_server()
        self._workers = Workers(workers, context, timeout_seconds=timeout_seconds, max_tasks=max_tasks)
        self._limits = limits or ReadLimits()
        self._reader = reader
        self.tally = ReadingTally()

    def submit(self, page: PageInput) -> Future[Reading]:
        """A Future of the page's Reading; it never raises for the page: a timeout or a crash is its reason.

        Raises RuntimeError when the pool is closed.
        """
        answer: Future[Reading] = Future()

        def finish(outcome: Reading | Raised) -> None:
            result = outcome.rebuilt() if isinstance(outcome, Raised) else outcome
            reading = unreadable(page.url, result) if isinstance(result, PageError) else result
            self.tally.read(page.url, reading)
            _settle(answer, reading)

        self.tally.ask()
        self._workers.do(self._reader, (page, self._limits), finish)
        return answer

    def call(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """A Future of any importable function's result, under the same time limit.

        It raises ReadingTimedOut, ReaderCrashed for any fault of the function, or the NewsarkError that it raises.
        Raises RuntimeError when the pool is closed.
        """
        answer: Future[T] = Future()

        def finish(told: T | Raised) -> None:
            result = told.rebuilt() if isinstance(told, Raised) else told
            self.tally.called(result)
            _settle(answer, result)

        self.tally.ask()
        self._workers.do(function, arguments, finish)
        return answer

    def close(self) -> None:
        """Stop the workers; what is still being read is given up."""
        self._workers.close()


def _settle(answer: Future[T], result: T | NewsarkError) -> None:
    """Give the answer; nobody waits any more when it was cancelled meanwhile."""
    try:
        if isinstance(result, NewsarkError):
            answer.set_exception(result)
        else:
            answer.set_result(result)
    except InvalidStateError:
        return
