"""What Alembic runs: the steps, on the connection and in the transaction that `upgrade` brings along."""

from __future__ import annotations

from alembic import context

from storage.migrations.standing import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    # SQLite changes most of a table by copying it.
    render_as_batch=True,
)
context.run_migrations()
