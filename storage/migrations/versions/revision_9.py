"""Version 9: which machine's disk holds what is on its way to the stores."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "9"
down_revision = "8"


def upgrade() -> None:
    """Make the column and the table, empty: what is on its way now is delivered by whoever finds its files."""
    op.add_column("deliveries", sa.Column("machine", sa.String(32)))
    op.create_table(
        "unsent",
        sa.Column("stem", sa.String(200), primary_key=True),
        sa.Column("source_id", sa.String(100), sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("machine", sa.String(32), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("since", sa.String(27), nullable=False),
        sa.Column("previous_sha256", sa.String(64)),
        sa.Column("lost_at", sa.String(27)),
        sa.Column("captures", sa.Integer()),
        sa.Column("versions", sa.Integer()),
    )
    op.create_index("unsent_by_source", "unsent", ["source_id"])
