"""The machines of a cluster, and the workers that are placed on them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from newsark.cluster.errors import ClusterMismatch
from newsark.cluster.groups import Group
from newsark.cluster.orders import Orders, probe, versions_here
from newsark.cluster.worker import CrawlWorker, Heard, Hello
from storage.errors import NewsarkError

# an actor's threads: a look must not wait for one that stores
THREADS = 8


@dataclass(frozen=True, slots=True)
class Machine:
    """A living node of Ray, by its id; `cpus` is how many it has for workers."""

    node: str
    host: str
    cpus: int


@dataclass(slots=True)
class Worker:
    """A worker as the driver sees it: `groups` are those it has and has not reported yet.

    `is_there` is whether its process was started, `asked_at` since when it owes an answer about how it is doing, and
    `heard` what it need not tell again.
    """

    name: str
    machine: Machine
    actor: Any
    is_there: bool = False
    hello: Hello | None = None
    groups: list[Group] = field(default_factory=list)
    unfit: NewsarkError | None = None
    asked_at: float | None = None
    heard: Heard = field(default_factory=Heard)

    @property
    def is_ready(self) -> bool:
        """Whether it can be given something to do."""
        return self.hello is not None and self.unfit is None

    @property
    def machine_name(self) -> str:
        """The name of the working state that it has; see `machine_of`."""
        return self.hello.machine if self.hello is not None else ""

    @property
    def sources(self) -> int:
        """How many sources it crawls now: one of each group."""
        return len(self.groups)


class Machines:
    """What runs where. Methods that ask Ray take milliseconds; those that wait for a worker are awaited."""

    def __init__(self, ray: Any, orders: Orders) -> None:
        self.ray = ray
        self._orders = orders
        self._known: dict[str, dict[str, str]] = {}
        self._made = 0

    def alive(self) -> list[Machine]:
        """The nodes that are alive now and have processors."""
        found = []
        for node in self.ray.nodes():
            cpus = int(node["Resources"].get("CPU", 0)) if node["Alive"] else 0
            if cpus:
                found.append(Machine(node["NodeID"], node["NodeManagerHostname"], cpus))
        return sorted(found, key=lambda one: one.node)

    def wanted(self, machine: Machine) -> int:
        """How many workers there is room for on a machine."""
        return max(1, machine.cpus // self._orders.readers)

    async def check(self, machine: Machine) -> None:
        """Return when a machine has the same Newsark as this one. Raises ClusterMismatch, and what Ray raises."""
        if machine.node not in self._known:
            self._known[machine.node] = await answer(self._probe(machine))
        self._compare(machine)

    def check_now(self, machine: Machine, seconds: float) -> None:
        """The same, waited for, at most so long. Raises ClusterMismatch, and what Ray raises."""
        if machine.node not in self._known:
            self._known[machine.node] = self.ray.get(self._probe(machine), timeout=seconds)
        self._compare(machine)

    def _probe(self, machine: Machine) -> Any:
        return self.ray.remote(num_cpus=0, scheduling_strategy=self._on(machine))(probe()).remote()

    def _compare(self, machine: Machine) -> None:
        theirs, ours = self._known[machine.node], versions_here()
        for what, version in ours.items():
            if theirs.get(what) != version:
                raise ClusterMismatch(f"{machine.host} ({machine.node[:8]})", what, theirs.get(what, "none"), version)

    def start(self, machine: Machine) -> Worker:
        """A new worker there, not ready yet. It ends with the driver."""
        self._made += 1
        return Worker(f"{machine.host}#{self._made}", machine, self.actor(machine, CrawlWorker, THREADS))

    def actor(self, machine: Machine, kind: type[Any], threads: int) -> Any:
        """An actor of that kind there, made from the orders, with the processors of one worker."""
        options = {
            "num_cpus": min(self._orders.readers, machine.cpus),
            "max_concurrency": threads,
            "max_restarts": 0,
            "scheduling_strategy": self._on(machine),
        }
        return self.ray.remote(**options)(kind).remote(self._orders)

    def end(self, worker: Worker) -> None:
        """End a worker at once; what it had not settled is done again by whoever has the source next."""
        self.ray.kill(worker.actor, no_restart=True)

    def _on(self, machine: Machine) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(machine.node, soft=False)


async def answer(reference: Any) -> Any:
    """What a call comes to. Raises what Ray raises when the worker died."""
    return await asyncio.wrap_future(reference.future())
