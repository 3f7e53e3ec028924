"""Batch work on a cluster: pages are read, and segments verified, by processes of many machines.

What is written stays with the one process that has the source and its chain of manifests: pages go out, readings come
back, in the order of the work. So results are those of one machine, and what is done is marked as there.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from newsark.archiveplace import store_settings
from newsark.cluster.errors import ClusterMismatch, NoCluster
from newsark.cluster.machines import Machines
from newsark.cluster.orders import Orders
from pipelines.page import PageInput, ReadLimits
from pipelines.pool import ReaderPool
from pipelines.reading import Reading, unreadable
from storage.errors import ReaderCrashed
from storage.fixity.findings import Finding
from storage.fixity.segmentcheck import SegmentPlan
from storage.fixity.verifier import read_here
from storage.log import Log
from storage.manifest import ManifestObject
from storage.stores import open_store

log = Log(__name__)

TEND_SECONDS = 5.0
TRIES = 2
"""What two workers did not survive is not given to a third one."""


class ReadWorker:
    """The actor: reads pages in processes of its own, each under the time limit, and segments in its threads."""

    def __init__(self, orders: Orders) -> None:
        self._home = orders.home()
        settings = self._home.settings
        limits = ReadLimits(max_page_bytes=settings.max_page_bytes)
        self._pool = ReaderPool(orders.readers, timeout_seconds=settings.extract_timeout_seconds, limits=limits)

    def read(self, page: PageInput) -> Reading:
        """The page's reading; it never raises for the page."""
        return self._pool.submit(page).result()

    def verify(
        self, place: str, listed: Mapping[str, ManifestObject], counts: Mapping[str, int], wants_lines: bool
    ) -> tuple[list[Finding], Mapping[int, str], list[tuple[str, bytes]]]:
        """What is wrong with a segment in a store, which source files it names, and its record lines if asked for."""
        store = next(open_store(rows) for rows in store_settings(self._home.settings) if rows.place == place)
        lines: list[tuple[str, bytes]] = []
        on_line = (lambda _, key, line: lines.append((key, line))) if wants_lines else None
        found, files = read_here(SegmentPlan(store, listed, counts, lambda _: None, on_line))
        return found, files, lines


class ClusterReaders:
    """As many readers as a cluster has processors for. `submit` is that of a ReaderPool; used from several threads."""

    def __init__(self, ray: Any, orders: Orders, address: str) -> None:
        self._ray, self._orders = ray, orders
        self._machines = Machines(ray, orders)
        self._lock = threading.Lock()
        self._workers: dict[Any, str] = {}
        self._turns = itertools.count()
        self._tended_at = 0.0
        self._tend(is_first=True)
        if not self._workers:
            raise NoCluster(address, "none of its machines has a processor; start one with: ray start")

    @property
    def capacity(self) -> int:
        """How many pages can be read at once."""
        return len(self._workers) * self._orders.readers

    def submit(self, page: PageInput) -> Future[Reading]:
        """A Future of the page's reading; it never raises: what two workers died of is its reason."""

        def lost(problem: str) -> Reading:
            return unreadable(page.url, ReaderCrashed(f"two workers of the cluster died: {problem}"))

        answer: Future[Reading] = Future()
        self._call(lambda worker: worker.read.remote(page), answer, lost, TRIES)
        return answer

    def read_segment(self, plan: SegmentPlan) -> tuple[list[Finding], Mapping[int, str]]:
        """What `read_here` gives, read by a worker; by this process when two did not survive it."""
        answer: Future[Any] = Future()
        wants_lines = plan.on_line is not None
        arguments = (plan.store.place, dict(plan.listed), dict(plan.counts), wants_lines)

        def lost(problem: str) -> None:
            sentence = f"two workers died of {min(plan.listed)}, it is read here: {problem}"
            log.warning("read-here", sentence, object=min(plan.listed))

        self._call(lambda worker: worker.verify.remote(*arguments), answer, lost, TRIES)
        told = answer.result()
        if told is None:
            return read_here(plan)
        found, files, lines = told
        for key, line in lines:
            assert plan.on_line is not None
            plan.on_line(plan.store, key, line)
        plan.on_bytes(sum(one.size_bytes for one in plan.listed.values()))
        return found, files

    def close(self) -> None:
        """End all workers; what is being read is given up."""
        for worker in list(self._workers):
            self._ray.kill(worker, no_restart=True)
        self._workers.clear()

    def _call(self, call: Callable[[Any], Any], answer: Future[Any], lost: Callable[[str], Any], tries: int) -> None:
        """Give something to a worker, and to another one when that dies of it."""
        from ray.exceptions import RayError

        worker = self._next()
        if worker is None:
            answer.set_result(lost("no machine is left"))
            return

        def done(called: Future[Any]) -> None:
            problem = called.exception()
            if problem is None:
                answer.set_result(called.result())
            elif not isinstance(problem, RayError):
                answer.set_exception(problem)
            elif tries > 1:
                self._forget(worker)
                self._call(call, answer, lost, tries - 1)
            else:
                self._forget(worker)
                answer.set_result(lost(str(problem).splitlines()[0]))

        call(worker).future().add_done_callback(done)

    def _next(self) -> Any:
        with self._lock:
            self._tend()
            workers = list(self._workers)
        return workers[next(self._turns) % len(workers)] if workers else None

    def _forget(self, worker: Any) -> None:
        with self._lock:
            node = self._workers.pop(worker, None)
        if node is not None:
            log.warning("worker-died", f"a worker that read pages died on node {node[:8]}; others go on", node=node)

    def _tend(self, *, is_first: bool = False) -> None:
        """Have workers on every machine that is there."""
        if not is_first and time.monotonic() - self._tended_at < TEND_SECONDS:
            return
        self._tended_at = time.monotonic()
        for machine in self._machines.alive():
            try:
                self._machines.check_now(machine)
            except ClusterMismatch as problem:
                if is_first:
                    raise
                log.warning("machine-refused", str(problem), node=machine.node)
                continue
            there = sum(node == machine.node for node in self._workers.values())
            for _ in range(self._machines.wanted(machine) - there):
                worker = self._machines.actor(machine, ReadWorker, 2 * self._orders.readers)
                self._workers[worker] = machine.node
