"""The steps from an older version to a newer one. Imports Alembic: loaded only when there is a step to take."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from storage.migrations.standing import CURRENT


def upgrade(connection: Connection, target: int = CURRENT) -> None:
    """Take every step up to version `target`, in the connection's transaction, which the caller commits."""
    config = Config()
    # Per cent signs are the configuration's own syntax.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, str(target))
