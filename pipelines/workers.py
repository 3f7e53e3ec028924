"""Processes that do one task after the other, each task under a time limit of its own.

One thread hands out tasks and takes the answers, over a socket to each worker. A worker that has no task yet gets the
first; one that has a task gets the next beside it, so that it need not wait for its turn between the two. A task that
takes too long costs its worker, and whatever ends a worker costs the task that it was at: the next goes to another.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import selectors
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

from storage.errors import NewsarkError, ReaderCrashed, ReadingTimedOut

# When its parent was killed nobody is left to end a worker whose time is up; this much later the kernel does.
ALONE_SECONDS = 5.0
# What a socket surely takes while its reader is busy: a longer task waits until the worker is free.
BESIDE_BYTES = 64 * 1024
LAST_WORDS_SECONDS = 5.0

Finish = Callable[[Any], None]


class Raised:
    """An error as an outcome: with its facts, from which pickle alone would not make it anew."""

    def __init__(self, error: NewsarkError) -> None:
        self._kind, self._arguments, self._facts = type(error), error.args, dict(error.__dict__)

    def rebuilt(self) -> NewsarkError:
        """The error with its facts."""
        error = self._kind.__new__(self._kind)
        error.args = self._arguments
        error.__dict__.update(self._facts)
        return error


@dataclass(slots=True)
class _Task:
    """A function with its arguments, pickled, and who is told the outcome."""

    work: bytes
    finish: Finish


@dataclass(slots=True, eq=False)
class _Worker:
    """A process with its end of the socket, what it has been given, and when its time for the first of that is up."""

    process: ForkServerProcess
    socket: Connection
    tasks: deque[_Task] = field(default_factory=deque)
    given: int = 0
    is_ready: bool = False
    deadline: float | None = None


class Workers:
    """At most `count` processes, started when there is something to do; each does `max_tasks` tasks and is replaced.

    `finish` of each task is called once, in the thread of the workers, with what the function returned or a `Raised`.
    """

    def __init__(self, count: int, context: ForkServerContext, *, timeout_seconds: float, max_tasks: int) -> None:
        self._count, self._context = count, context
        self._timeout_seconds, self._max_tasks = timeout_seconds, max_tasks
        self._lock = threading.Lock()
        self._waiting: deque[_Task] = deque()
        self._workers: list[_Worker] = []
        self._closed = False
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_in, False)
        os.set_blocking(self._wake_out, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="readers", daemon=True)
        self._thread.start()

    def do(self, function: Callable[..., Any], arguments: tuple[Any, ...], finish: Finish) -> None:
        """Have a function called in a worker. Raises RuntimeError when they are closed, and what pickle raises."""
        task = _Task(pickle.dumps((function, arguments, self._timeout_seconds + ALONE_SECONDS), protocol=5), finish)
        with self._lock:
            if self._closed:
                raise RuntimeError("the reader pool is closed")
            self._waiting.append(task)
        self._wake()

    def close(self) -> None:
        """End all workers; what is not done is given up."""
        with self._lock:
            was_closed, self._closed = self._closed, True
        if not was_closed:
            self._wake()
        self._thread.join()

    def _wake(self) -> None:
        # a full pipe wakes it too, and one that is closed has nobody to wake
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake_in, b"!")

    # What follows runs in the thread.

    def _serve(self) -> None:
        try:
            while not self._closed:
                self._turn()
        finally:
            self._closed = True
            self._end_all()

    def _turn(self) -> None:
        """Wait for something to happen, and do what it asks for: answers count before their time is looked at."""
        for key, _ in self._selector.select(self._patience()):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_out, 4096)
            else:
                self._hear(key.data)
        self._end_overdue()
        self._hand_out()

    def _patience(self) -> float | None:
        """Seconds until the first worker's time is up, None when none is at work."""
        deadlines = [worker.deadline for worker in self._workers if worker.deadline is not None]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _hear(self, worker: _Worker) -> None:
        try:
            told = worker.socket.recv_bytes()
        except (EOFError, OSError):
            self._lose(worker)
            return
        if worker.is_ready:
            worker.tasks.popleft().finish(_outcome(told))
            if not worker.tasks and worker.given >= self._max_tasks:
                self._forget(worker)
                return
        else:
            worker.is_ready = True
            for task in worker.tasks:
                self._send(worker, task)
        worker.deadline = time.monotonic() + self._timeout_seconds if worker.tasks else None

    def _end_overdue(self) -> None:
        now = time.monotonic()
        for worker in [one for one in self._workers if one.deadline is not None and one.deadline <= now]:
            worker.process.kill()
            self._lose(worker, ReadingTimedOut(self._timeout_seconds))

    def _hand_out(self) -> None:
        while self._waiting:
            try:
                worker = self._free_for(len(self._waiting[0].work))
            except (OSError, EOFError) as problem:
                if self._workers:
                    return
                self._waiting.popleft().finish(Raised(ReaderCrashed(f"no process can be started: {problem}")))
                continue
            if worker is None:
                return
            task = self._waiting.popleft()
            worker.tasks.append(task)
            worker.given += 1
            if worker.is_ready:
                self._send(worker, task)
                if worker.deadline is None:
                    worker.deadline = time.monotonic() + self._timeout_seconds

    def _free_for(self, size: int) -> _Worker | None:
        """A worker without a task, a new one, or one that can be given a task of that size beside the one it is at."""
        able = [worker for worker in self._workers if worker.given < self._max_tasks]
        for worker in [one for one in able if not one.tasks]:
            if worker.process.is_alive():
                return worker
            able.remove(worker)
            self._forget(worker)
        if len(self._workers) < self._count:
            return self._begin()
        busy = [worker for worker in able if worker.is_ready and len(worker.tasks) == 1]
        return busy[0] if busy and size <= BESIDE_BYTES else None

    def _begin(self) -> _Worker:
        start_fork_server()
        here, there = self._context.Pipe()
        process = self._context.Process(target=serve, args=(there,), daemon=True)
        process.start()
        there.close()
        worker = _Worker(process, here)
        self._workers.append(worker)
        self._selector.register(here, selectors.EVENT_READ, worker)
        return worker

    def _send(self, worker: _Worker, task: _Task) -> None:
        # that the worker is gone is heard from its socket
        with contextlib.suppress(OSError):
            worker.socket.send_bytes(task.work)

    def _lose(self, worker: _Worker, problem: NewsarkError | None = None) -> None:
        """A worker ended: what it was at is over, and what it had beside that goes to another."""
        self._forget(worker)
        if not worker.tasks:
            return
        task = worker.tasks.popleft()
        with self._lock:
            self._waiting.extendleft(reversed(worker.tasks))
        if problem is None:
            worker.process.join(LAST_WORDS_SECONDS)
            problem = ReaderCrashed(f"exit code {worker.process.exitcode}")
        task.finish(Raised(problem))

    def _forget(self, worker: _Worker) -> None:
        """Let a worker go: without its socket it ends by itself when it is not at work."""
        self._workers.remove(worker)
        self._selector.unregister(worker.socket)
        worker.socket.close()

    def _end_all(self) -> None:
        ended = list(self._workers)
        for worker in ended:
            worker.process.kill()
            self._forget(worker)
        for worker in ended:
            worker.process.join(LAST_WORDS_SECONDS)
        for task in [*(task for worker in ended for task in worker.tasks), *self._waiting]:
            task.finish(Raised(ReaderCrashed("the pool was closed")))
        self._selector.close()
        os.close(self._wake_out)
        os.close(self._wake_in)


def start_fork_server() -> None:
    """Start the server, and with it every worker, deaf to Ctrl-C: a terminal sends SIGINT to all processes of a job,
    and a page whose reader ends like that would count as unreadable. One that runs already is left as it is."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _outcome(told: bytes) -> Any:
    """What a worker says that the function returned."""
    try:
        return pickle.loads(told)  # noqa: S301 - from our own process
    except Exception as problem:  # noqa: BLE001 - an answer that is never given hangs a crawl
        return Raised(ReaderCrashed(f"{type(problem).__name__}: {problem}"))


def serve(socket: Connection) -> None:
    """A worker's life: say that it is there, then do what comes until nothing can come any more."""
    # What the fork server loaded is never garbage; looking at it again and again would cost every worker.
    gc.freeze()
    socket.send_bytes(b"")
    while True:
        try:
            work = socket.recv_bytes()
        except (EOFError, OSError):
            return
        answer = _answer(work)
        # nobody listens any more when the parent was killed
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_bytes(answer)


def _answer(work: bytes) -> bytes:
    """The pickled outcome of a task. The kernel ends the worker when its limit is over and nobody else did."""
    try:
        function, arguments, limit_seconds = pickle.loads(work)  # noqa: S301 - from our own process
        signal.setitimer(signal.ITIMER_REAL, limit_seconds)
        try:
            return pickle.dumps(function(*arguments), protocol=5)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except NewsarkError as error:
        return pickle.dumps(Raised(error), protocol=5)
    except Exception as error:  # noqa: BLE001 - the worker's border: a fault costs its task and never the worker
        return pickle.dumps(Raised(ReaderCrashed(f"{type(error).__name__}: {error}")), protocol=5)
