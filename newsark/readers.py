"""Who reads pages for a command: processes of this machine, or of a cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsark.home import Home
from newsark.settings import NewsarkSettings

if TYPE_CHECKING:
    from pipelines.pool import PageReader, ReaderPool
    from reading.warcpart import PartReader, PartsHere
    from storage.fixity.verifier import ReadSegment


@dataclass(frozen=True, slots=True)
class Readers:
    """`pool` reads pages, `count` of them at once, and `parts` records of stored WARCs.

    `read_segment` verifies segments, None: where it is asked for.
    """

    pool: PageReader
    count: int
    parts: PartReader
    read_segment: ReadSegment | None = None


def reader_pool(
    settings: NewsarkSettings, count: int, *, preload: Sequence[str] = (), pages: bool = True
) -> ReaderPool:
    """So many reader processes of this machine as the settings want them; close it. `preload` and `pages` are as the
    pool has them. Raises WrongUse where their sockets have no place."""
    from pipelines.page import ReadLimits
    from pipelines.pool import ReaderPool

    limits = ReadLimits(max_page_bytes=settings.max_page_bytes)
    timeout = settings.extract_timeout_seconds
    preloaded = [*preload, "newsark.forkserver"]
    return ReaderPool(count, timeout_seconds=timeout, limits=limits, preload=preloaded, pages=pages)


class ReadersHere:
    """Reads in processes of this machine, started when they are asked for. Used from several threads.

    Close it with `close()`.
    """

    def __init__(self, home: Home, count: int) -> None:
        self._home, self._count = home, count
        self._left = ExitStack()
        self._lock = threading.RLock()
        self._pool: ReaderPool | None = None
        self._parts: PartsHere | None = None

    @property
    def pool(self) -> ReaderPool:
        """What reads pages."""
        with self._lock:
            if self._pool is None:
                self._pool = reader_pool(self._home.settings, self._count)
                self._left.callback(self._pool.close)
            return self._pool

    @property
    def parts(self) -> PartsHere:
        """What reads records of stored WARCs, with the bytes that the archive's stores have and this machine's disk."""
        from reading.warcpart import PartsHere

        with self._lock:
            if self._parts is None:
                self._parts = PartsHere(self._home.place.holdings, self.pool, self._count)
                self._left.callback(self._parts.close)
            return self._parts

    def close(self) -> None:
        """End the processes; what is being read is given up."""
        self._left.close()


@contextmanager
def readers_of(home: Home, *, workers: int | None = None, cluster: str | None = None) -> Iterator[Readers]:
    """The readers for a command, ended with the block: on the cluster at that address, or so many processes here.

    Raises ExtraMissing without Ray, and NoCluster or ClusterMismatch when the cluster cannot be used.
    """
    count = workers or home.settings.workers
    here = ReadersHere(home, count)
    with ExitStack() as left:
        left.callback(here.close)
        if cluster is None:
            yield Readers(here.pool, count, here.parts)
            return
        from newsark.cluster.connection import connected
        from newsark.cluster.orders import orders_for_readers
        from newsark.cluster.readcrew import ReadCrew
        from newsark.cluster.readers import PagesAway, PartsAway, SegmentsAway

        crew = ReadCrew(left.enter_context(connected(cluster)), orders_for_readers(home.settings), cluster)
        left.callback(crew.close)
        parts = PartsAway(crew, here, home.place.holdings)
        yield Readers(PagesAway(crew, here), crew.capacity, parts, SegmentsAway(crew).read_segment)
