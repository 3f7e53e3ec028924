"""CPU and memory of a whole command: every process that it started, also those that outlive their parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS = 0.25
MIDDLE = 0.1, 0.9
LAST_SECONDS = 120.0
"""So long what a command started may take to end after it, on a machine that is very busy."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: wall and CPU seconds (user and system, all processes), the largest sum of their resident memory.

    Memory that processes share counts once for each of them. `middle` is the part of the run between a tenth and nine
    tenths of its progress, where that was asked for.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    exit_code: int
    middle: Span | None = None

    @property
    def cores(self) -> float:
        """How many processors were busy on average."""
        return self.cpu_seconds / self.wall_seconds


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a run: wall and CPU seconds, and how far it got in that time."""

    wall_seconds: float
    cpu_seconds: float
    progress: float

    @property
    def cores(self) -> float:
        """How many processors were busy on average."""
        return self.cpu_seconds / self.wall_seconds


def adopt_orphans() -> None:
    """Make this process the parent of orphans, so that their CPU time is counted when they end (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def measure(
    command: Sequence[str],
    *,
    cwd: Path,
    log: Path,
    env: Mapping[str, str] | None = None,
    progress: Callable[[], float] | None = None,
) -> Measured:
    """Run a command to its end, its output in `log`, and measure it. Other children must not end meanwhile.

    `progress` tells how far the run is, as a number that grows; it is asked four times a second.
    """
    others = {child.pid for child in psutil.Process().children()}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, env=env)
        watcher = _Watcher(process.pid, progress)
        watcher.start()
        code = process.wait()
    wall = time.monotonic() - started
    watcher.stop()
    _end_of_all(others)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(wall, cpu, watcher.peak_bytes, code, watcher.middle())


def _end_of_all(others: set[int]) -> None:
    """Wait until every process that the command left has ended: its CPU would count to the next command."""
    end = time.monotonic() + LAST_SECONDS
    while left := {child.pid for child in psutil.Process().children()} - others:
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if time.monotonic() > end:
            raise TimeoutError(f"processes {sorted(left)} of a measured command go on after its end")
        time.sleep(0.02)


class _Watcher(threading.Thread):
    """Looks at a process and its descendants now and then."""

    def __init__(self, pid: int, progress: Callable[[], float] | None) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self._progress = progress
        self._done = threading.Event()
        self._samples: list[tuple[float, float, float]] = []
        self.peak_bytes = 0

    def run(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            total, cpu = 0, 0.0
            try:
                for process in (self._process, *self._process.children(recursive=True)):
                    total += process.memory_info().rss
                    # user, system, and what children took that have ended and were waited for
                    cpu += sum(process.cpu_times()[:4])
            except psutil.Error:
                continue
            self.peak_bytes = max(self.peak_bytes, total)
            if self._progress is not None:
                self._samples.append((time.monotonic(), cpu, self._progress()))

    def stop(self) -> None:
        self._done.set()
        self.join()

    def middle(self) -> Span | None:
        """The part between a tenth and nine tenths of the progress; None when too little was seen of it."""
        end = max((reached for _, _, reached in self._samples), default=0.0)
        within = [sample for sample in self._samples if MIDDLE[0] * end <= sample[2] <= MIDDLE[1] * end]
        if end <= 0 or len(within) < 3:
            return None
        (first_at, first_cpu, first), (last_at, last_cpu, last) = within[0], within[-1]
        return Span(last_at - first_at, last_cpu - first_cpu, (last - first) / end)
