"""Committing on a server: when the connection ends meanwhile, whether it holds is open until the server is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from storage.database import first_line, is_away, shown_url
from storage.errors import CatalogueUnreachable

DOUBT_SECONDS = 60.0
"""So long the server may be away after a commit that it did not answer; who works with it waits meanwhile."""

_PAUSE_SECONDS = 0.5
_WROTE = "newsark_wrote"


def notice_writes(engine: Engine) -> None:
    """Let `committed` know which transactions wrote: of the others nothing can be in doubt."""

    @event.listens_for(engine, "before_cursor_execute")
    def _(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().startswith("SELECT"):
            connection.info[_WROTE] = True


@contextmanager
def committed(engine: Engine) -> Iterator[Connection]:
    """One transaction, which holds when the block was left without an error, and does not when it was not.

    When the connection ends during the commit, the server is asked what became of it. Raises CatalogueUnreachable when
    it cannot be asked: only then nobody knows, and nothing may be done again before the catalogue was compared with
    what is told in the segments (`Archive.recover`).
    """
    with engine.connect() as connection:
        connection.info.pop(_WROTE, None)
        with connection.begin() as transaction:
            yield connection
            number = None
            if connection.info.get(_WROTE):
                number = connection.exec_driver_sql("SELECT pg_current_xact_id_if_assigned()::text").scalar()
            try:
                transaction.commit()
            except DBAPIError as problem:
                if number is None or not problem.connection_invalidated or not _holds(engine, number):
                    raise
            except BaseException:
                # or the pool would give it away with what was not committed
                connection.invalidate()
                raise


def _holds(engine: Engine, number: str) -> bool:
    """Whether the transaction of that number was committed; waits for a server that is away."""
    end = time.monotonic() + DOUBT_SECONDS
    problem: Exception | None = None
    while True:
        try:
            with engine.connect() as connection:
                asked = f"SELECT pg_xact_status('{int(number)}'::xid8)"
                status = connection.exec_driver_sql(asked).scalar()
        except DBAPIError as away:
            if not is_away(away):
                raise
            status, problem = None, away
        if status in ("committed", "aborted"):
            return bool(status == "committed")
        if time.monotonic() >= end:
            said = first_line(problem) if problem is not None else f"the transaction is {status or 'forgotten'}"
            doubt = f"it did not say whether it took what was committed last; {said}"
            raise CatalogueUnreachable(shown_url(engine.url), doubt) from problem
        time.sleep(_PAUSE_SECONDS)
