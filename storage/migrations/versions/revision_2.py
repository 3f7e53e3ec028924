"""Version 2: deliveries to the stores, and checks of stored objects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.String(27)


def upgrade() -> None:
    """Make the two tables, empty: nothing was delivered or verified by version 1."""
    op.create_table(
        "deliveries",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("source_id", sa.String(100), sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("parcel", sa.String(200), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("queued_at", _INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("problem", sa.Text),
        sa.Column("confirmed_at", _INSTANT),
        sa.UniqueConstraint("store", "parcel", name="one_delivery_per_store"),
    )
    op.create_table(
        "checks",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("checked_at", _INSTANT, nullable=False),
        sa.Column("depth", sa.String(16), nullable=False),
        sa.Column("finding", sa.String(32)),
        sa.UniqueConstraint("store", "key", "depth", name="one_check_per_object"),
    )
    op.create_index("checks_by_age", "checks", ["store", "checked_at"])
