"""Version 10: visits that are finished later, since their pages were kept and not read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "10"
down_revision = "9"


def upgrade() -> None:
    """Make the table; no page was put off before there was one."""
    op.create_table(
        "unread",
        sa.Column("lead_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(27), primary_key=True),
        sa.Column("source_id", sa.String(100), sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("record_id", sa.String(64)),
        sa.Column("absence", sa.String(24)),
        sa.Column("response", sa.String(64)),
        sa.Column("reason", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("etag", sa.Text()),
        sa.Column("last_modified", sa.Text()),
    )
    op.create_index("unread_by_time", "unread", ["source_id", "at", "lead_id"])
