"""Version 7: what is kept and not shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7"
down_revision = "6"


def upgrade() -> None:
    """Make the table; nothing was suppressed before."""
    op.create_table(
        "suppressions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("source_id", sa.String(100), sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("url", sa.Text()),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("until", sa.String(27)),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.String(27)),
        sa.Column("lifted_by", sa.Text()),
        sa.Column("lift_reason", sa.Text()),
    )
