"""Who reads pages for a command: processes of this machine, or of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsark.home import Home

if TYPE_CHECKING:
    from pipelines.pool import PageReader
    from storage.fixity.verifier import ReadSegment


@dataclass(frozen=True, slots=True)
class Readers:
    """`pool` reads pages, `count` of them at once; `read_segment` verifies segments, None: where it is asked for."""

    pool: PageReader
    count: int
    read_segment: ReadSegment | None = None


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
    from pipelines.page import ReadLimits
    from pipelines.pool import ReaderPool

    limits = ReadLimits(max_page_bytes=settings.max_page_bytes)
    count = workers or settings.workers
    pool = ReaderPool(count, timeout_seconds=settings.extract_timeout_seconds, limits=limits)
    try:
        yield Readers(pool, count)
    finally:
        pool.close()
