"""Exports that the room builds: one after the other in a thread, each in a directory of its own until it is removed."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy.exc import SQLAlchemyError

from storage.durable import make_directories, write_durably
from storage.errors import NewsarkError, WrongUse
from storage.log import Log

_log = Log(__name__)
MOST_KEPT = 50
JOB = "job.json"
FILES = "files"
WAITING, RUNNING, DONE, FAILED, STOPPED = "waiting", "running", "done", "failed", "stopped"
ENDED = (DONE, FAILED, STOPPED)


@dataclass(frozen=True, slots=True)
class ExportJob:
    """An export that was asked for: what, how far it is, and its files when it is done. `total` may be too high where
    words are asked for; `query` is what was asked, as people read it."""

    id: str
    form: str
    query: dict[str, Any]
    asked_at: str
    state: str = WAITING
    rows: int = 0
    total: int | None = None
    problem: str | None = None
    files: tuple[str, ...] = ()
    sizes: tuple[int, ...] = field(default=())


class Stopped(Exception):
    """Raised inside an export that somebody stopped."""


Build = Callable[[Path, Callable[[], None]], int]
"""Writes an export into an empty directory, calls its second argument after each step, and gives the number of rows."""


class ExportJobs:
    """The exports in a directory, by id, the newest first. Those that a dead process left unfinished are stopped."""

    def __init__(self, directory: Path, clock: Callable[[], datetime]) -> None:
        self._directory, self._clock = directory, clock
        self._lock = threading.Lock()
        self._jobs: dict[str, ExportJob] = {}
        self._builds: queue.Queue[tuple[str, Build] | None] = queue.Queue()
        self._stop: set[str] = set()
        self._thread: threading.Thread | None = None
        for path in sorted(directory.glob(f"*/{JOB}")):
            self._take_up(path)

    def _take_up(self, path: Path) -> None:
        try:
            told = orjson.loads(path.read_bytes())
            job = ExportJob(**{**told, "files": tuple(told["files"]), "sizes": tuple(told["sizes"])})
        except (OSError, ValueError, KeyError, TypeError) as problem:
            _log.warning("export-left-aside", f"{path} is left aside: {problem}", path=path)
            return
        if job.state not in ENDED:
            job = replace(job, state=STOPPED, problem="the room was closed before it was done")
        self._jobs[job.id] = job

    def all(self) -> list[ExportJob]:
        """All of them, the newest first."""
        with self._lock:
            return sorted(self._jobs.values(), key=lambda job: (job.asked_at, job.id), reverse=True)

    def get(self, job_id: str) -> ExportJob | None:
        """One of them."""
        with self._lock:
            return self._jobs.get(job_id)

    def add(self, form: str, query: dict[str, Any], total: int | None, build: Build) -> ExportJob:
        """Ask for an export. Raises WrongUse when too many are kept already."""
        now = self._clock()
        with self._lock:
            if len(self._jobs) >= MOST_KEPT:
                raise WrongUse(f"{MOST_KEPT} exports are kept here; remove one that is no longer needed")
            job = ExportJob(f"{now:%Y%m%d-%H%M%S}-{uuid4().hex[:6]}", form, query, now.isoformat(), total=total)
            make_directories(self._directory / job.id / FILES)
            self._keep(job)
            if self._thread is None:
                self._begin_work()
        self._builds.put((job.id, build))
        return job

    def file(self, job_id: str, name: str) -> Path | None:
        """A file of an export that is done, if it has one of that name."""
        job = self.get(job_id)
        return self._directory / job.id / FILES / name if job is not None and name in job.files else None

    def stop(self, job_id: str) -> None:
        """Stop an export that is not done."""
        with self._lock:
            self._stop.add(job_id)

    def remove(self, job_id: str) -> bool:
        """Remove an export that ended, with its files; whether there was one."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job.state not in ENDED:
                return False
            del self._jobs[job_id]
        shutil.rmtree(self._directory / job_id, ignore_errors=True)
        return True

    def close(self) -> None:
        """Stop what is under way, and take no more."""
        with self._lock:
            self._stop |= {job.id for job in self._jobs.values() if job.state not in ENDED}
            thread = self._thread
        self._builds.put(None)
        if thread is not None:
            thread.join(timeout=5)

    def _keep(self, job: ExportJob) -> None:
        """Know it, and write it down if that can be: what is not written is known as stopped by the next process."""
        self._jobs[job.id] = job
        try:
            write_durably(self._directory / job.id / JOB, [orjson.dumps(asdict(job))])
        except OSError as problem:
            _log.warning("export-not-kept", f"export {job.id} is not written down: {problem}", export=job.id)

    def _change(self, job_id: str, **values: Any) -> None:
        with self._lock:
            self._keep(replace(self._jobs[job_id], **values))

    def _begin_work(self) -> None:
        self._thread = threading.Thread(target=self._work, name="exports", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        is_over = False
        try:
            while (wanted := self._builds.get()) is not None:
                self._build(*wanted)
            is_over = True
        finally:
            # a fault ends this thread, and standard error has it; those that wait are built by another
            if not is_over:
                self._begin_work()

    def _build(self, job_id: str, build: Build) -> None:
        """Build one; whatever goes wrong with it is said in it, and the next one is built."""
        steps = 0

        def on_step() -> None:
            nonlocal steps
            steps += 1
            # pages with all they need are few and slow
            if job_id in self._stop:
                raise Stopped
            if steps % 50 == 0:
                with self._lock:
                    self._jobs[job_id] = replace(self._jobs[job_id], rows=steps)

        target = self._directory / job_id / FILES
        ending: dict[str, Any] = {"state": FAILED, "problem": "a fault of Newsark: standard error says more"}
        try:
            self._begin(job_id)
            rows = build(target, on_step)
            paths = sorted(target.iterdir())
            sizes = tuple(path.stat().st_size for path in paths)
            ending = {"state": DONE, "rows": rows, "files": tuple(path.name for path in paths), "sizes": sizes}
        except Stopped:
            ending = {"state": STOPPED, "problem": "it was stopped"}
        except (NewsarkError, OSError, SQLAlchemyError, ValueError) as problem:
            _log.warning("export-failed", f"export {job_id} failed: {problem}", export=job_id)
            ending = {"state": FAILED, "problem": str(problem)}
        finally:
            if ending["state"] != DONE:
                shutil.rmtree(target, ignore_errors=True)
            self._change(job_id, **ending)

    def _begin(self, job_id: str) -> None:
        with self._lock:
            if job_id in self._stop:
                raise Stopped
            self._keep(replace(self._jobs[job_id], state=RUNNING))
