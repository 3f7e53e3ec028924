"""The crew of batch work: workers wherever there is room, and work that is given to another when one dies of it."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from newsark.cluster.crew import MOST_DEATHS, ROOM_SECONDS
from newsark.cluster.errors import ClusterMismatch, NoCluster, NotDoneThere
from newsark.cluster.machines import Machine, Machines
from newsark.cluster.orders import Orders
from newsark.cluster.readworker import ReadWorker
from storage.database import first_line
from storage.log import Log

log = Log(__name__)

TEND_SECONDS = 5.0
PROBE_SECONDS = 60.0
"""How long a machine may take to say what is installed there."""

MOST_ASKED = 32
"""So many machines are asked at once; each starts a process to answer."""

MOST_TRIES = 2
"""What two workers did not survive is not given to a third one."""


@dataclass(slots=True, eq=False)
class _Worker:
    machine: Machine
    actor: Any
    is_ready: bool = False
    busy: int = 0


@dataclass(slots=True, eq=False)
class _Work:
    """A method of a worker with its arguments, who waits for what it gives, and how many workers died of it."""

    method: str
    arguments: tuple[Any, ...]
    answer: Future[Any]
    deaths: int = 0


class ReadCrew:
    """Read workers on all machines that are there, also on those that come later. Used from several threads.

    Close it with `close()`.
    """

    def __init__(self, ray: Any, orders: Orders, address: str) -> None:
        self._ray, self._orders = ray, orders
        self._machines = Machines(ray, orders)
        self._changed = threading.Condition()
        self._workers: list[_Worker] = []
        self._waiting: deque[_Work] = deque()
        # what a worker can have under way: it need not wait for the next when one is done
        self._at_once = 2 * orders.readers + 2
        self._deaths: Counter[str] = Counter()
        self._refused: set[str] = set()
        self._closed = threading.Event()
        self._hearing = ThreadPoolExecutor(1, thread_name_prefix="read-crew-hears")
        self._tend(is_first=True)
        if not self._workers:
            raise NoCluster(address, "none of its machines has a processor; start one with: ray start")
        with self._changed:
            if not self._changed.wait_for(lambda: any(one.is_ready for one in self._workers), ROOM_SECONDS):
                problem = "no machine has room for a worker; end other work there, or start a machine with: ray start"
                raise NoCluster(address, problem)
        self._alone_since = time.monotonic()
        self._thread = threading.Thread(target=self._keep_tending, name="read-crew", daemon=True)
        self._thread.start()

    @property
    def capacity(self) -> int:
        """How many pages can be read at once."""
        return len(self._workers) * self._orders.readers

    def call(self, method: str, *arguments: Any) -> Future[Any]:
        """A Future of what a worker's method gives; it waits for its turn.

        It raises NotDoneThere when two workers died of it, none is left, or the method raised: the caller does it here
        then. It is cancelled when the crew is closed.
        """
        work = _Work(method, arguments, Future())
        with self._changed:
            self._waiting.append(work)
        self._hand_out()
        return work.answer

    def close(self) -> None:
        """End all workers; what is being read is given up."""
        self._closed.set()
        # after the end of Ray its functions would begin a new one
        self._thread.join()
        with self._changed:
            workers, self._workers = self._workers, []
            waiting, self._waiting = self._waiting, deque()
        for work in waiting:
            work.answer.cancel()
        for worker in workers:
            self._ray.kill(worker.actor, no_restart=True)
        self._hearing.shutdown(wait=False, cancel_futures=True)

    # giving

    def _hand_out(self) -> None:
        """Give what waits to workers that have room, the least busy first."""
        while (chosen := self._chosen()) is not None:
            self._give(*chosen)

    def _chosen(self) -> tuple[_Work, _Worker] | None:
        with self._changed:
            free = [one for one in self._workers if one.is_ready and one.busy < self._at_once]
            if not free or not self._waiting:
                return None
            worker = min(free, key=lambda one: one.busy)
            worker.busy += 1
            return self._waiting.popleft(), worker

    def _give(self, work: _Work, worker: _Worker) -> None:
        from ray.exceptions import RayError

        try:
            called = getattr(worker.actor, work.method).remote(*work.arguments).future()
        except RayError as refused:
            # there is no room to send it from, for one
            work.answer.set_exception(NotDoneThere(first_line(refused)))
        else:
            called.add_done_callback(lambda done: self._later(self._take, work, worker, done))

    def _later(self, function: Callable[..., None], *arguments: Any) -> None:
        """Do something in a thread of the crew: in the one that brings answers, asking Ray anything waits for ever."""
        # closed meanwhile: nobody waits for it
        with suppress(RuntimeError):
            self._hearing.submit(function, *arguments)

    def _take(self, work: _Work, worker: _Worker, called: Future[Any]) -> None:
        from ray.exceptions import RayTaskError

        problem = called.exception()
        with self._changed:
            worker.busy -= 1
            if problem is None:
                self._deaths[worker.machine.node] = 0
        if problem is None:
            work.answer.set_result(called.result())
        elif isinstance(problem, RayTaskError):
            # the worker is well; whatever it is, done here it says so with its facts
            work.answer.set_exception(NotDoneThere(first_line(problem)))
        else:
            self._lose(worker, first_line(problem))
            self._take_back(work, first_line(problem))
        self._hand_out()

    def _take_back(self, work: _Work, problem: str) -> None:
        work.deaths += 1
        if self._closed.is_set():
            work.answer.cancel()
        elif work.deaths >= MOST_TRIES:
            work.answer.set_exception(NotDoneThere(problem))
        else:
            with self._changed:
                self._waiting.appendleft(work)

    def _lose(self, worker: _Worker, problem: str) -> None:
        """Do without a worker that died or cannot be reached; if it is alive, it ends."""
        node = worker.machine.node
        with self._changed:
            if worker not in self._workers:
                return
            self._workers.remove(worker)
            self._deaths[node] += 1
            if self._deaths[node] >= MOST_DEATHS:
                self._refused.add(node)
        self._ray.kill(worker.actor, no_restart=True)
        log.warning("worker-died", f"a worker on {worker.machine.host} died, others go on: {problem}", node=node)

    # tending

    def _keep_tending(self) -> None:
        from ray.exceptions import RayError

        while not self._closed.wait(TEND_SECONDS):
            try:
                self._tend()
            except RayError as problem:
                log.debug("cluster-unknown", f"the cluster does not say which machines it has: {first_line(problem)}")
            self._give_up_alone()

    def _give_up_alone(self) -> None:
        """Let what waits be done by who gave it, where there is no worker and none comes."""
        with self._changed:
            if any(one.is_ready for one in self._workers):
                self._alone_since = time.monotonic()
            if self._workers and time.monotonic() - self._alone_since < ROOM_SECONDS:
                return
            left = list(self._waiting)
            self._waiting.clear()
        for work in left:
            work.answer.set_exception(NotDoneThere("no worker is left"))

    def _tend(self, *, is_first: bool = False) -> None:
        """Have workers on every machine that is there. Raises ClusterMismatch only when this is the first time."""
        alive = self._machines.alive()
        nodes = {machine.node for machine in alive}
        with self._changed:
            # what they had under way says so itself
            self._workers = [one for one in self._workers if one.machine.node in nodes]
        with ThreadPoolExecutor(MOST_ASKED, thread_name_prefix="read-crew-asks") as asking:
            list(asking.map(lambda machine: self._admit(machine, is_first=is_first), alive))

    def _admit(self, machine: Machine, *, is_first: bool) -> None:
        from ray.exceptions import RayError

        if machine.node in self._refused:
            return
        try:
            self._machines.check_now(machine, PROBE_SECONDS)
        except ClusterMismatch as problem:
            if is_first:
                raise
            self._refused.add(machine.node)
            log.warning("machine-refused", str(problem), node=machine.node)
        except RayError as problem:
            # it died meanwhile, or is slow: it is asked again
            log.debug("machine-unknown", f"{machine.host}: {first_line(problem)}", node=machine.node)
        else:
            self._fill(machine)

    def _fill(self, machine: Machine) -> None:
        there = sum(one.machine.node == machine.node for one in self._workers)
        for _ in range(self._machines.wanted(machine) - there):
            worker = _Worker(machine, self._machines.actor(machine, ReadWorker, self._at_once))
            with self._changed:
                self._workers.append(worker)
            greeted = worker.actor.hello.remote().future()
            greeted.add_done_callback(lambda done, worker=worker: self._later(self._greeted, worker, done))

    def _greeted(self, worker: _Worker, greeting: Future[None]) -> None:
        problem = greeting.exception()
        if problem is not None and not self._closed.is_set():
            self._lose(worker, first_line(problem))
        with self._changed:
            worker.is_ready = problem is None
            self._changed.notify_all()
        self._hand_out()
