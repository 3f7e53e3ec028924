"""Version 3: fingerprints of texts, so that the same story is known in another source."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Make room for fingerprints; versions that are there already have none until they are read again."""
    op.add_column("versions", sa.Column("fingerprint", sa.Text))
    op.create_index("versions_by_record", "versions", ["record_id"])
    op.create_table(
        "marks",
        sa.Column("mark", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("record_id", sa.String(64), primary_key=True),
    )
