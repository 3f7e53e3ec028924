"""The driver of a crawl on a cluster: gives groups of sources to workers, and does without those that die."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter, deque
from collections.abc import Coroutine, Sequence
from typing import Any

from crawler.report import SourceReport
from crawler.run import LEASE_SECONDS, Errand, unfinished
from newsark.cluster.crew import MOST_DEATHS, Crew, still_under_way
from newsark.cluster.groups import Group, SentErrand, grouped, sent
from newsark.cluster.machines import Machines, Worker, answer
from newsark.cluster.orders import Orders
from newsark.cluster.tally import Tally, merged
from storage.archive import Archive
from storage.database import first_line
from storage.deliveries import Backlog
from storage.unsent import Unsent

LOOK_SECONDS = 0.3
FATE_SECONDS = 60.0
"""How long it is waited to be known whether a machine is gone whose worker died."""

RETRY_SECONDS = 3.0
"""How soon a source is tried again whose last worker died, and may still hold its lease."""


class Driver:
    """One crawl of some sources. `archive` is this machine's, for the catalogue; nothing is crawled here."""

    def __init__(
        self,
        machines: Machines,
        orders: Orders,
        archive: Archive,
        errands: Sequence[Errand],
        *,
        at_once: int,
        address: str,
    ) -> None:
        self._archive, self._at_once = archive, at_once
        self._errands = {errand.source.id: errand for errand in errands}
        groups = grouped(errands)
        self._keys = {source_id: group.key for group in groups for source_id in group.ids}
        self._waiting = deque(groups)
        self._later: list[tuple[float, Group]] = []
        # until it is known what became of the machine: what lies on its disk may be on its way, or lost
        self._bereft: list[tuple[float, str, Group]] = []
        self._calls: list[asyncio.Task[None]] = []
        self._again: Counter[str] = Counter()
        self._tally = Tally(errands)
        self._crew = Crew(machines, orders, address, archive.machine, self._take_back)
        self._machines = machines
        self._stopping = False
        self._died_at = 0.0

    async def run(self, patience_seconds: float) -> tuple[list[SourceReport], list[Backlog]]:
        """Crawl until nothing is due; the reports in the order of the errands, and what waits for the stores.

        Raises what `Crew.tend` raises.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        while True:
            while self._has_work():
                await self._round()
                await asyncio.sleep(LOOK_SECONDS)
            storing = asyncio.create_task(self._stored(patience_seconds))
            while not storing.done():
                await self._round()
                await asyncio.wait({storing}, timeout=LOOK_SECONDS)
            backlogs = storing.result()
            self._visit_lost_again()
            if not self._has_work():
                await self._crew.let_go()
                return self._tally.reports(), backlogs

    def _stop(self) -> None:
        """End cleanly; asked again, at once, which loses nothing either."""
        if self._stopping:
            for worker in list(self._crew.ready):
                self._machines.end(worker)
        self._stopping = True

    def _has_work(self) -> bool:
        if self._stopping:
            later = [group for _, group in self._later] + [group for _, _, group in self._bereft]
            for group in [*self._waiting, *later]:
                self._report_all(group, "interrupted", "the crawl was stopped before this source's turn")
            self._waiting.clear()
            self._later.clear()
            self._bereft.clear()
        return bool(self._waiting or self._later or self._bereft or any(worker.groups for worker in self._crew.workers))

    async def _round(self) -> None:
        self._calls = still_under_way(self._calls)
        await self._crew.tend(places=not self._stopping)
        if not self._stopping:
            now = time.monotonic()
            self._waiting += [group for at, group in self._later if at <= now]
            self._later = [one for one in self._later if one[0] > now]
            settled = [one for one in self._bereft if one[0] <= now or self._crew.is_settled(one[1])]
            self._bereft = [one for one in self._bereft if one not in settled]
            self._waiting += [group for _, _, group in settled if group.errands]
            self._hand_out()
        for worker in self._crew.ready:
            if worker.asked_at is None:
                worker.asked_at = time.monotonic()
                self._begin(self._look(worker))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._calls.append(asyncio.create_task(work))

    def _report_all(self, group: Group, reason: str, detail: str) -> None:
        for errand in group.errands:
            self._tally.report(unfinished(errand, reason, detail))

    # giving and taking

    def _hand_out(self) -> None:
        """Give waiting groups to workers that have room: the machine goes first that has something of the source."""
        busy = {group.key for worker in self._crew.workers for group in worker.groups}
        held: deque[Group] = deque()
        if not self._crew.is_assembled:
            return
        homes = self._homes() if self._waiting else {}
        while self._waiting:
            group = self._waiting.popleft()
            free = [worker for worker in self._crew.ready if worker.sources < self._at_once]
            if group.key in busy or not free:
                held.append(group)
                continue
            wanted = {machine for source_id in group.ids for machine in homes.get(source_id, ())}
            worker = min(free, key=lambda one: (one.machine_name not in wanted, one.sources))
            busy.add(group.key)
            worker.groups.append(group)
            self._begin(self._give(worker, sent(group)))
        self._waiting = held

    async def _give(self, worker: Worker, group: list[SentErrand]) -> None:
        from ray.exceptions import RayError

        try:
            await answer(worker.actor.crawl.remote(group, self._crew.living()))
        except RayError as problem:
            # whether it began is not known, and would never be
            self._crew.end(worker, first_line(problem))

    def _homes(self) -> dict[str, set[str]]:
        with self._archive.catalogue.whole() as connection:
            return Unsent(connection).machines(list(self._errands))

    async def _look(self, worker: Worker) -> None:
        from ray.exceptions import ActorUnavailableError, RayError

        if self._stopping:
            worker.actor.stop.remote()
        try:
            seen = await answer(worker.actor.look.remote(worker.heard))
        except ActorUnavailableError:
            # the network may have failed, or its machine; the crew ends a worker that owes an answer for too long
            await asyncio.sleep(LOOK_SECONDS)
            self._begin(self._look(worker))
            return
        except RayError as problem:
            self._crew.bury(worker, first_line(problem))
            return
        worker.asked_at, worker.heard = None, seen.heard
        for line in seen.log:
            line.say(worker.name)
        for report in seen.reports:
            self._take(worker, report)
        for progress in seen.progress:
            self._tally.progress(progress)

    def _take(self, worker: Worker, report: SourceReport) -> None:
        group = next((one for one in worker.groups if report.id in one.ids), None)
        if group is None:
            return
        errand = next(one for one in group.errands if one.source.id == report.id)
        group.errands.remove(errand)
        if not group.errands:
            worker.groups.remove(group)
        now = time.monotonic()
        may_be_freed = self._died_at and now < self._died_at + LEASE_SECONDS + RETRY_SECONDS
        if report.outcome == "busy" and may_be_freed and not self._stopping:
            # a worker that died holds it until its lease ends
            self._later.append((now + RETRY_SECONDS, Group([errand], group.key, group.deaths)))
            return
        self._tally.report(report)

    def _take_back(self, worker: Worker) -> None:
        """Let others go on with what a worker had that died."""
        self._died_at = time.monotonic()
        # also of a worker that had nothing to do: what lies on its disk is known when it is known what became of that
        for group in worker.groups or [Group([], "")]:
            group.deaths += 1
            if self._stopping:
                self._report_all(group, "interrupted", "the crawl was stopped")
            elif group.deaths >= MOST_DEATHS:
                self._report_all(group, "worker-died", f"{group.deaths} workers died while they had this source")
            else:
                for source_id in group.ids:
                    self._tally.begin_again(source_id)
                self._bereft.append((self._died_at + FATE_SECONDS, worker.machine.node, group))

    # the end

    async def _stored(self, patience_seconds: float) -> list[Backlog]:
        """What the stores have not confirmed when patience ends; each machine is asked once."""
        from ray.exceptions import RayError

        self._archive.courier.wait(0.0)
        found: list[Backlog] = []

        async def ask(worker: Worker) -> None:
            try:
                found.extend(await answer(worker.actor.stored.remote(patience_seconds)))
            except RayError as problem:
                self._crew.bury(worker, first_line(problem))

        of_machine = {worker.machine_name: worker for worker in self._crew.ready}
        await asyncio.gather(*(ask(worker) for worker in of_machine.values()))
        if self._archive.machine not in of_machine and not await asyncio.to_thread(
            self._archive.courier.wait, patience_seconds
        ):
            found += self._archive.courier.look()
        return merged(found)

    def _visit_lost_again(self) -> None:
        """Crawl sources once more of which something lay on a machine that died after they were done with."""
        living = self._crew.living()
        if living is None:
            return
        for source_id, machines in self._homes().items():
            if machines <= living or self._stopping or self._again[source_id] >= MOST_DEATHS:
                continue
            self._again[source_id] += 1
            self._tally.begin_again(source_id)
            self._waiting.append(Group([self._errands[source_id]], self._keys[source_id]))
