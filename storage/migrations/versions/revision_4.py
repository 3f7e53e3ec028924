"""Version 4: what was spent of daily budgets, alerts that were raised, and observations in the order of time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, empty, and the index."""
    op.create_index("observations_by_time", "observations", ["source_id", "at"])
    op.create_table(
        "spending",
        sa.Column("source_id", sa.String(100), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(250), nullable=False),
        sa.Column("rule", sa.String(24), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("source_id", sa.String(100)),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("told_at", sa.String(27)),
        sa.UniqueConstraint("key", name="one_alert_per_key"),
    )
