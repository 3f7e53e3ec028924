"""Worker processes that read pages: a page that hangs or kills its worker costs that page's text and nothing else."""

from __future__ import annotations

import gc
import multiprocessing
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, InvalidStateError
from multiprocessing import forkserver
from typing import Any, Protocol, TypeVar

from pebble import ProcessExpired, ProcessPool

from pipelines.page import PageInput, ReadLimits
from pipelines.reading import Reading, unreadable
from storage.errors import NewsarkError, PageError, ReaderCrashed, ReadingTimedOut

T = TypeVar("T")

# lxml and trafilatura keep a little of every page; a fresh worker costs a fork of the preloaded server.
MAX_TASKS = 500
# When the crawl was killed nobody is left to end a reader whose time is up; this much later the kernel does.
ALONE_SECONDS = 5.0
# The main module is among them so that its imports are done once, in the fork server, not in every worker.
PRELOADED = ("__main__", "pipelines.preload")


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
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([*PRELOADED, *preload])
        _start_fork_server()
        self._workers, self._max_tasks = workers, max_tasks
        self._timeout_seconds = timeout_seconds
        self._limits = limits or ReadLimits()
        self._reader = reader
        self._lock = threading.Lock()
        self._closed = False
        self._pool = self._new_pool()

    def submit(self, page: PageInput) -> Future[Reading]:
        """A Future of the page's Reading; it never raises for the page: a timeout or a crash is its reason.

        Raises RuntimeError when the pool is closed.
        """
        answer: Future[Reading] = Future()

        def done(read: Future[Reading | _Raised]) -> None:
            try:
                reading = self._outcome(read)
            except PageError as problem:
                reading = unreadable(page.url, problem)
            _settle(answer, reading)

        self._schedule(self._reader, (page, self._limits)).add_done_callback(done)
        return answer

    def call(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """A Future of any importable function's result, under the same time limit.

        It raises ReadingTimedOut, ReaderCrashed for any fault of the function, or the NewsarkError that it raises.
        """
        answer: Future[T] = Future()

        def done(called: Future[T | _Raised]) -> None:
            try:
                result = self._outcome(called)
            except NewsarkError as problem:
                _settle(answer, problem)
            else:
                _settle(answer, result)

        self._schedule(function, arguments).add_done_callback(done)
        return answer

    def close(self) -> None:
        """Stop the workers; what is still being read is given up."""
        with self._lock:
            self._closed = True
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(self._workers, self._max_tasks, initializer=_prepare, context=self._context)

    def _schedule(self, function: Callable[..., T], arguments: Sequence[Any]) -> Future[T | _Raised]:
        work = (function, arguments, self._timeout_seconds + ALONE_SECONDS)
        with self._lock:
            if self._closed:
                raise RuntimeError("the reader pool is closed")
            try:
                return self._pool.schedule(_run, work, timeout=self._timeout_seconds)
            except RuntimeError:
                # A worker that is killed while it waits for work breaks pebble's pool for good: begin a new one.
                self._pool = self._new_pool()
                return self._pool.schedule(_run, work, timeout=self._timeout_seconds)

    def _outcome(self, task: Future[T | _Raised]) -> T:
        try:
            result = task.result()
        except TimeoutError:
            raise ReadingTimedOut(self._timeout_seconds) from None
        except ProcessExpired as problem:
            raise ReaderCrashed(f"exit code {problem.exitcode}") from problem
        except CancelledError:
            raise ReaderCrashed("the pool was closed") from None
        except Exception as problem:  # an answer that is never given hangs a crawl
            raise ReaderCrashed(f"{type(problem).__name__}: {problem}") from problem
        if isinstance(result, _Raised):
            raise result.rebuilt()
        return result


class _Raised:
    """An error on its way between processes: pickle would make it anew from its message alone, and pebble's pool
    does not survive what cannot be unpickled."""

    def __init__(self, error: NewsarkError) -> None:
        self._kind, self._arguments, self._facts = type(error), error.args, dict(error.__dict__)

    def rebuilt(self) -> NewsarkError:
        """The error with its facts."""
        error = self._kind.__new__(self._kind)
        error.args = self._arguments
        error.__dict__.update(self._facts)
        return error


def _run(function: Callable[..., T], arguments: Sequence[Any], limit_seconds: float) -> T | _Raised:
    """The worker's side: what the function returns, or raises. The kernel ends the worker when the limit is over."""
    signal.setitimer(signal.ITIMER_REAL, limit_seconds)
    try:
        return function(*arguments)
    except NewsarkError as error:
        return _Raised(error)
    except Exception as error:  # noqa: BLE001 - the worker's border: a fault costs its page and never the pool
        return _Raised(ReaderCrashed(f"{type(error).__name__}: {error}"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _settle(answer: Future[T], result: T | NewsarkError) -> None:
    """Give the answer; nobody waits any more when it was cancelled meanwhile."""
    try:
        if isinstance(result, NewsarkError):
            answer.set_exception(result)
        else:
            answer.set_result(result)
    except InvalidStateError:
        return


def _start_fork_server() -> None:
    """Start the server, and with it every worker, deaf to Ctrl-C: a terminal sends SIGINT to all processes of a job,
    and a page whose reader ends like that would count as unreadable."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare() -> None:
    # What the fork server loaded is never garbage; looking at it again and again would cost every worker.
    gc.freeze()
