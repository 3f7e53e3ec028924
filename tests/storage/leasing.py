"""A process that works on the sources of a catalogue as crawls do, beside others that do the same.

`python -m tests.storage.leasing URL NAME SOURCE …` leases a few leads at a time and acknowledges them until none is
left, and prints as JSON which it had. With NAME it takes each source before; with `-` it takes leads as they are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from storage.catalogue import Catalogue
from storage.errors import SourceBusy
from storage.lead import Lead
from storage.leads import Acknowledgement, Leads
from storage.sources import Sources

AT_ONCE = 3


def main(url: str, name: str, *sources: str) -> None:
    """Work until nothing is left."""
    catalogue = Catalogue(url, lambda: datetime.now(UTC))
    had: list[int] = []
    busy = 0
    while any(left(catalogue, source) for source in sources):
        for source in sources:
            try:
                had += taken(catalogue, name, source)
            except SourceBusy:
                busy += 1
    catalogue.close()
    print(json.dumps({"had": had, "busy": busy}))


def left(catalogue: Catalogue, source: str) -> int:
    with catalogue.begin() as connection:
        return Leads(connection, source).left()


def taken(catalogue: Catalogue, name: str, source: str) -> list[int]:
    """The leads that were visited in one turn with a source."""
    if name == "-":
        return [lead.id for lead in visited(catalogue, source)]
    with catalogue.begin() as connection:
        Sources(connection).own(source, name, catalogue.now(connection), timedelta(seconds=60))
    alone(catalogue, lambda: text("INSERT INTO at_work (source_id) VALUES (:source)"), source)
    leads = visited(catalogue, source)
    alone(catalogue, lambda: text("DELETE FROM at_work WHERE source_id = :source"), source)
    with catalogue.begin() as connection:
        Sources(connection).hold(source, name)
        Sources(connection).disown(source, name)
    return [lead.id for lead in leads]


def alone(catalogue: Catalogue, statement: Callable[[], object], source: str) -> None:
    """Note that this process works on a source, or does no more; that another one does is an error."""
    with catalogue.begin() as connection:
        connection.execute(statement(), {"source": source})


def visited(catalogue: Catalogue, source: str) -> list[Lead]:
    """A few leads, leased in one transaction and acknowledged in another, as a crawl does it."""
    with catalogue.begin() as connection:
        leads = Leads(connection, source).lease(AT_ONCE)
    now = datetime.now(UTC)
    with catalogue.begin() as connection:
        done = [Acknowledgement(lead.id, "captured", None, None, now, 0, None) for lead in leads]
        Leads(connection, source).acknowledge(done)
    return leads


if __name__ == "__main__":
    main(*sys.argv[1:])
