"""Batch work on a cluster: pages and parts of WARCs are read, and segments verified, by processes of many machines.

What is written stays with the one process that has the source and its chain of manifests: work goes out, what it comes
to comes back, in the order of the work. So results are those of one machine, and what is done is marked as there. What
two workers did not survive is done by this machine, with the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from newsark.cluster.errors import NotDoneThere
from newsark.cluster.readcrew import ReadCrew
from newsark.readers import ReadersHere
from pipelines.page import PageInput
from pipelines.reading import Reading
from reading.warcpart import PART_RECORDS, Outcome, WarcPart
from storage.fixity.findings import Finding
from storage.fixity.segmentcheck import SegmentPlan
from storage.fixity.verifier import read_here
from storage.holdings import Holdings
from storage.log import Log

log = Log(__name__)
T = TypeVar("T")


class PagesAway:
    """Reads pages with the workers of a crew; used from several threads."""

    def __init__(self, crew: ReadCrew, here: ReadersHere) -> None:
        self._crew, self._here = crew, here

    def submit(self, page: PageInput) -> Future[Reading]:
        """A Future of the page's reading; it never raises for the page."""
        return _or_here(self._crew.call("read", page), page.url, lambda: self._here.pool.submit(page))


class PartsAway:
    """Reads parts of WARCs with the workers of a crew, which have the bytes from the archive's stores.

    `holdings` are this machine's: what still lies on its disk is read here. Used from several threads.
    """

    def __init__(self, crew: ReadCrew, here: ReadersHere, holdings: Holdings) -> None:
        self._crew, self._here, self._holdings = crew, here, holdings

    @property
    def room(self) -> int:
        """Two parts for each page that can be read at once: when one ends the next is there."""
        return 2 * PART_RECORDS * max(1, self._crew.capacity)

    def submit(self, part: WarcPart) -> Future[list[Outcome]]:
        """A Future of the part's outcomes. It raises what the stores raise."""
        if any(self._holdings.local_path(key) for key in part.keys):
            return self._here.parts.submit(part)
        return _or_here(self._crew.call("reread", part), part.warc_key, lambda: self._here.parts.submit(part))


class SegmentsAway:
    """Verifies segments with the workers of a crew; used from several threads."""

    def __init__(self, crew: ReadCrew) -> None:
        self._crew = crew

    def read_segment(self, plan: SegmentPlan) -> tuple[list[Finding], Mapping[int, str]]:
        """What `read_here` gives, read by a worker; by this process when two did not survive it."""
        arguments = (plan.store.place, dict(plan.listed), dict(plan.counts), plan.on_line is not None)
        try:
            found, files, lines = self._crew.call("verify", *arguments).result()
        except NotDoneThere as problem:
            _tell(min(plan.listed), problem)
            return read_here(plan)
        for key, line in lines:
            assert plan.on_line is not None
            plan.on_line(plan.store, key, line)
        plan.on_bytes(sum(one.size_bytes for one in plan.listed.values()))
        return found, files


def _tell(what: str, problem: NotDoneThere) -> None:
    log.warning("read-here", f"{what} is read here: {problem}", object=what)


def _or_here(away: Future[T], what: str, here: Callable[[], Future[T]]) -> Future[T]:
    """A Future of what comes from a worker, or from here where no worker did it; nothing waits for it meanwhile."""
    answer: Future[T] = Future()

    def back(done: Future[Any]) -> None:
        problem = None if done.cancelled() else done.exception()
        if isinstance(problem, NotDoneThere):
            _tell(what, problem)
            here().add_done_callback(lambda read: _settle(answer, read))
        else:
            _settle(answer, done)

    away.add_done_callback(back)
    return answer


def _settle(answer: Future[T], done: Future[T]) -> None:
    if done.cancelled():
        answer.cancel()
    elif (problem := done.exception()) is not None:
        answer.set_exception(problem)
    else:
        answer.set_result(done.result())
