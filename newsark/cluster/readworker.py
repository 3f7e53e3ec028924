"""A worker of batch work: one process of a cluster that reads what it is given, with reader processes of its own."""

from __future__ import annotations

from collections.abc import Mapping

from newsark.archiveplace import store_settings
from newsark.cluster.orders import Orders
from newsark.readers import ReadersHere
from pipelines.page import PageInput
from pipelines.reading import Reading
from reading.warcpart import Outcome, WarcPart
from storage.fixity.findings import Finding
from storage.fixity.segmentcheck import SegmentPlan
from storage.fixity.verifier import read_here
from storage.manifest import ManifestObject
from storage.stores import open_store


class ReadWorker:
    """The actor: reads pages in processes of its own, each under the time limit, and segments in its threads."""

    def __init__(self, orders: Orders) -> None:
        self._home = orders.home()
        self._here = ReadersHere(self._home, orders.readers)

    def hello(self) -> None:
        """Return when the worker is there."""

    def read(self, page: PageInput) -> Reading:
        """The page's reading; it never raises for the page."""
        return self._here.pool.submit(page).result()

    def reread(self, part: WarcPart) -> list[Outcome]:
        """What `PartsHere.read` gives, with the bytes that the archive's stores have. Raises what the stores raise."""
        return self._here.parts.read(part)

    def verify(
        self, place: str, listed: Mapping[str, ManifestObject], counts: Mapping[str, int], wants_lines: bool
    ) -> tuple[list[Finding], Mapping[int, str], list[tuple[str, bytes]]]:
        """What is wrong with a segment in a store, which source files it names, and its record lines if asked for."""
        store = next(open_store(rows) for rows in store_settings(self._home.settings) if rows.place == place)
        lines: list[tuple[str, bytes]] = []
        on_line = (lambda _, key, line: lines.append((key, line))) if wants_lines else None
        found, files = read_here(SegmentPlan(store, listed, counts, lambda _: None, on_line))
        return found, files, lines
