"""Queries that may take so long and no longer: for what is nice to know, and nobody waits for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

STEPS = 100_000
"""After so many of its own steps SQLite asks whether to go on: some milliseconds."""


@contextmanager
def time_budget(connection: Connection, seconds: float) -> Iterator[None]:
    """End what the block asks of the database when the time is over: then SQLAlchemy's OperationalError is raised.

    Of SQLite and PostgreSQL; for others there is no bound. The transaction should be a reading one of its own.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(int(seconds * 1000), 1)}")
    driver = connection.connection.driver_connection
    if connection.dialect.name != "sqlite" or driver is None:
        yield
        return
    end = time.monotonic() + seconds
    driver.set_progress_handler(lambda: int(time.monotonic() > end), STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, STEPS)
