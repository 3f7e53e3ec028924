"""Version 3: fingerprints of texts, so that the same story is known in another source, and learned furniture."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make room for both; versions that are there already have no fingerprint until they are read again."""
    op.add_column("versions", sa.Column("fingerprint", sa.Text))
    op.create_index("versions_by_record", "versions", ["record_id"])
    op.create_index("versions_by_time", "versions", ["source_id", "captured_at"])
    op.create_table(
        "marks",
        sa.Column("mark", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("record_id", sa.String(64), primary_key=True),
    )
    op.create_table(
        "furniture",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("source_id", sa.String(100), sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("learned_at", sa.String(27), nullable=False),
        sa.UniqueConstraint("source_id", "digest", name="one_row_per_paragraph"),
    )
