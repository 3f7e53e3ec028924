"""The crew of a crawl: workers are placed where there is room, replaced when they die, and heard at intervals."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from newsark.cluster.errors import ClusterMismatch, NoCluster, WorkerFailed
from newsark.cluster.machines import Machine, Machines, Worker, answer
from newsark.cluster.orders import Orders
from storage.database import first_line
from storage.errors import NewsarkError
from storage.log import Log

log = Log(__name__)

LOOK_AT_MACHINES_SECONDS = 1.0
ROOM_SECONDS = 120.0
"""How long no worker may find room for its process before the crawl gives up."""

PATIENCE_SECONDS = 30.0
"""How long a worker may not answer when its machine is alive."""

ASSEMBLY_SECONDS = 120.0
"""How long a crawl waits at its beginning for workers of machines that are there already."""

MOST_DEATHS = 3
"""Where so many workers died no further one is placed."""


class Crew:
    """The workers. `lost` is told of each worker that died.

    `own` is the name of this machine's working state, which is alive as long as the crew is asked.
    """

    def __init__(
        self, machines: Machines, orders: Orders, address: str, own: str | None, lost: Callable[[Worker], None]
    ) -> None:
        self._machines, self._orders, self._address = machines, orders, address
        self._own, self._lost = own, lost
        self.workers: list[Worker] = []
        self._nodes: set[str] = set()
        # by node the name of its working state: a node may be alive when its worker is not
        self._names: dict[str, str] = {}
        self._refused: set[str] = set()
        self._unfit: dict[str, ClusterMismatch] = {}
        self._fit: set[str] = set()
        self._deaths: Counter[str] = Counter()
        self._looked_at = 0.0
        self._began = self._alone_since = time.monotonic()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def ready(self) -> list[Worker]:
        """The workers that can be given something to do."""
        return [worker for worker in self.workers if worker.is_ready]

    def living(self) -> frozenset[str] | None:
        """The names of the machines that are alive; None as long as one is there whose name is not known."""
        if not self._nodes <= self._names.keys():
            return None
        names = {self._names[node] for node in self._nodes}
        return frozenset(names | ({self._own} if self._own else set()))

    @property
    def is_assembled(self) -> bool:
        """Whether every machine sent what was left on its disk, or had time enough to begin."""
        expected = self._nodes - self._refused
        return expected <= self._names.keys() or time.monotonic() - self._began > ASSEMBLY_SECONDS

    def is_settled(self, node: str) -> bool:
        """Whether it is known what became of a machine whose worker died: it is gone, or a new one sent what it had."""
        return node not in self._nodes or node in self._refused or any(one.machine.node == node for one in self.ready)

    async def tend(self, *, places: bool) -> None:
        """Bury workers that are lost, and have some wherever there is room if it `places` any; mostly it does nothing.

        No machine is waited for here: one that is slow, or dies in this moment, holds no other up. Raises NoCluster
        when no worker had a process for two minutes; at the beginning ClusterMismatch or WorkerFailed for the first
        machine that cannot take part. One that comes later is left out, and told of.
        """
        from ray.exceptions import RayError

        if time.monotonic() - self._looked_at < LOOK_AT_MACHINES_SECONDS:
            return
        self._looked_at = time.monotonic()
        left = still_under_way(self._tasks.values())
        self._tasks = {name: task for name, task in self._tasks.items() if task in left}
        try:
            alive = await asyncio.to_thread(self._machines.alive)
        except RayError as problem:
            log.debug("cluster-unknown", f"the cluster does not say which machines it has: {first_line(problem)}")
            return
        self._nodes = {machine.node for machine in alive}
        self._bury_lost()
        if places:
            self._fill(alive)

    def _fill(self, alive: Sequence[Machine]) -> None:
        for machine in [one for one in alive if one.node not in self._refused]:
            if machine.node in self._unfit:
                self._refuse(machine.node, self._unfit.pop(machine.node))
            elif machine.node not in self._fit:
                self._begin(machine.node, self._examine(machine))
            else:
                there = sum(worker.machine.node == machine.node for worker in self.workers)
                for _ in range(self._machines.wanted(machine) - there):
                    self._place(self._machines.start(machine))
        self._refuse_unfit()
        self._refuse_solitude()

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the rest, unless it is under way already. Each of these ends in a state of its own."""
        if name in self._tasks:
            work.close()
            return
        self._tasks[name] = asyncio.create_task(work)

    async def _examine(self, machine: Machine) -> None:
        from ray.exceptions import RayError

        try:
            await self._machines.check(machine)
            self._fit.add(machine.node)
        except ClusterMismatch as problem:
            self._unfit[machine.node] = problem
        except RayError as problem:
            # it died meanwhile, which is seen at the next look; otherwise it is asked again then
            log.debug("machine-unknown", f"{machine.host} does not answer: {first_line(problem)}", node=machine.node)

    def _bury_lost(self) -> None:
        """Bury workers whose machine is gone, and end those that owe an answer for too long."""
        now = time.monotonic()
        for worker in list(self.workers):
            if worker.machine.node not in self._nodes:
                self.bury(worker, "its machine is gone")
            elif worker.asked_at is not None and now - worker.asked_at > PATIENCE_SECONDS:
                self.end(worker, "it does not answer")

    def _refuse_solitude(self) -> None:
        if any(worker.is_there for worker in self.workers):
            # what it still has to send of an earlier crawl may take its time, and a busy machine is slow to begin
            self._alone_since = time.monotonic()
        elif time.monotonic() - self._alone_since > ROOM_SECONDS:
            problem = "no machine has room for a worker; end other work there, or start a machine with: ray start"
            raise NoCluster(self._address, problem)

    def _refuse(self, node: str, problem: NewsarkError) -> None:
        self._refused.add(node)
        if not self._names:
            raise problem
        log.warning("machine-refused", str(problem), node=node)

    def _place(self, worker: Worker) -> None:
        self.workers.append(worker)
        self._begin(worker.name, self._greet(worker))

    async def _greet(self, worker: Worker) -> None:
        from ray.exceptions import RayError

        try:
            await answer(worker.actor.there.remote())
            worker.is_there = True
            worker.hello = await answer(worker.actor.hello.remote())
        except RayError as problem:
            self.bury(worker, first_line(problem))
            return
        assert worker.hello is not None
        if worker.hello.problem is None and worker.hello.catalogue_sum != self._orders.catalogue_sum:
            worker.unfit = ClusterMismatch(worker.name, "catalogue", "another one", "the one of the settings")
        elif worker.hello.problem is not None:
            worker.unfit = WorkerFailed(worker.name, worker.hello.problem)
        else:
            self._names[worker.machine.node] = worker.hello.machine

    def _refuse_unfit(self) -> None:
        """Let workers go that cannot do their part. Raises what is wrong with one when there is no other machine."""
        for worker in [one for one in self.workers if one.unfit is not None]:
            self.workers.remove(worker)
            self._machines.end(worker)
            assert worker.unfit is not None
            self._refuse(worker.machine.node, worker.unfit)

    def end(self, worker: Worker, why: str) -> None:
        """End a worker with which something is wrong, so that others may have what it had."""
        self._machines.end(worker)
        self.bury(worker, why)

    def bury(self, worker: Worker, why: str) -> None:
        """Do without a worker that died; its groups are to be done by others."""
        if worker not in self.workers:
            return
        self.workers.remove(worker)
        log.warning("worker-died", f"the worker {worker.name} died: {why}", worker=worker.name)
        node = worker.machine.node
        self._deaths[node] += 1
        if self._deaths[node] >= MOST_DEATHS and node in self._nodes:
            self._refused.add(node)
            host = worker.machine.host
            log.warning(
                "machine-refused", f"{MOST_DEATHS} workers died on {host}: it is given no further one", node=node
            )
        self._lost(worker)

    async def let_go(self) -> None:
        """End all workers in order; one that does not within its time is ended at once."""
        from ray.exceptions import RayError

        async def end(worker: Worker) -> None:
            try:
                await asyncio.wait_for(answer(worker.actor.leave.remote()), 30)
            except (RayError, TimeoutError) as problem:
                log.debug("worker-stays", f"{worker.name} did not leave: {problem}", worker=worker.name)
            self._machines.end(worker)

        await asyncio.gather(*(end(worker) for worker in self.ready))
        for worker in self.workers:
            self._machines.end(worker)
        self.workers.clear()


def still_under_way(tasks: Iterable[asyncio.Task[None]]) -> list[asyncio.Task[None]]:
    """Those that are not done. Raises what one raised that is: a fault, which must not pass unseen."""
    tasks = list(tasks)
    for task in tasks:
        if task.done():
            task.result()
    return [task for task in tasks if not task.done()]
