"""`crawl` and `watch` with --cluster: the same reports as without, of sources that other machines crawled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from crawler.keeper import Keeper
from crawler.report import SourceReport
from crawler.run import Errand
from crawler.source import dump_source
from newsark.alerting import alerting
from newsark.cluster.connection import connected
from newsark.cluster.driver import Driver
from newsark.cluster.machines import Machines
from newsark.cluster.orders import orders_of
from newsark.crawling import reads_now
from newsark.home import Home
from newsark.live import show
from storage.archive import Archive
from storage.deliveries import Backlog
from storage.log import Log
from storage.takeover import bring_home

log = Log(__name__)


def crawl_on_cluster(
    home: Home, errands: Sequence[Errand], options: dict[str, Any], *, address: str, show_progress: bool
) -> tuple[list[SourceReport], list[Backlog]]:
    """The reports of these crawls, in order, and what the stores have not confirmed when patience ended.

    Raises ExtraMissing without Ray, and NoCluster, ClusterMismatch or WorkerFailed when the cluster cannot be used.
    """
    home.with_logs()
    if home.settings.metrics is not None:
        log.warning("no-metrics", "metrics are those of one process: with --cluster none are shown")
    with home.archive(create=True) as archive, connected(address) as ray:
        archive.courier.start()
        bring_home(archive)
        for errand in errands:
            source = errand.source
            archive.enlist(source.id, name=source.name, home=source.home, toml=errand.file or dump_source(source))
        ids, reads = [errand.source.id for errand in errands], reads_now(errands, options.get("extract"))
        orders = orders_of(home.settings, archive, ids, options, reads_pages=reads)
        driver = Driver(
            Machines(ray, orders),
            orders,
            archive,
            errands,
            # a watch never ends, so that no source may wait for another's turn
            at_once=len(errands) if options.get("watch") else home.settings.cluster_sources_per_worker,
            address=address,
        )
        return asyncio.run(_shown(home, archive, driver, errands, show_progress=show_progress))


async def _shown(
    home: Home, archive: Archive, driver: Driver, errands: Sequence[Errand], *, show_progress: bool
) -> tuple[list[SourceReport], list[Backlog]]:
    showing = asyncio.create_task(show([errand.progress for errand in errands])) if show_progress else None
    keeper = Keeper(archive)
    try:
        async with alerting(home, keeper, [errand.source.id for errand in errands]):
            return await driver.run(home.settings.upload_patience_seconds)
    finally:
        if showing is not None:
            showing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await showing
        keeper.close()
