"""Who reads pages for a command: processes of this machine, or of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsark.home import Home
from newsark.settings import NewsarkSettings
from storage.socketplace import shorten_sockets

if TYPE_CHECKING:
    from pipelines.pool import PageReader, ReaderPool
    from storage.fixity.verifier import ReadSegment


@dataclass(frozen=True, slots=True)
class Readers:
    """`pool` reads pages, `count` of them at once; `read_segment` verifies segments, None: where it is asked for."""

    pool: PageReader
    count: int
    read_segment: ReadSegment | None = None


def reader_pool(
    settings: NewsarkSettings, count: int, *, preload: Sequence[str] = (), pages: bool = True
) -> ReaderPool:
    """So many reader processes of this machine as the settings want them; close it. `preload` and `pages` are as the
    pool has them. Raises WrongUse where their sockets have no place."""
    from pipelines.page import ReadLimits
    from pipelines.pool import ReaderPool

    shorten_sockets()
    limits = ReadLimits(max_page_bytes=settings.max_page_bytes)
    timeout = settings.extract_timeout_seconds
    return ReaderPool(count, timeout_seconds=timeout, limits=limits, preload=preload, pages=pages)


@contextmanager
def readers_of(home: Home, *, workers: int | None = None, cluster: str | None = None) -> Iterator[Readers]:
    """The readers for a command, ended with the block: on the cluster at that address, or so many processes here.

    Raises ExtraMissing without Ray, and NoCluster or ClusterMismatch when the cluster cannot be used.
    """
    settings = home.settings
    if cluster is not None:
        from newsark.cluster.connection import connected
        from newsark.cluster.orders import orders_for_readers
        from newsark.cluster.readers import ClusterReaders

        with connected(cluster) as ray:
            away = ClusterReaders(ray, orders_for_readers(settings), cluster)
            try:
                yield Readers(away, away.capacity, away.read_segment)
            finally:
                away.close()
        return
    count = workers or settings.workers
    pool = reader_pool(settings, count)
    try:
        yield Readers(pool, count)
    finally:
        pool.close()
