"""Version 8: what is asked at the end of each crawl and by `status` is found by index, however much there is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "8"
down_revision = "7"


def upgrade() -> None:
    """Make the indexes; that of states alone is part of one of them."""
    _leads()
    op.create_index("segments_by_source", "segments", ["source_id"])
    op.create_index("runs_by_time", "runs", ["source_id", "started_at"])


def _leads() -> None:
    op.drop_index("leads_by_state", "leads")
    op.create_index("leads_by_kind", "leads", ["source_id", "kind", "state"])
    has_reason = sa.text("reason IS NOT NULL")
    columns = ["source_id", "state", "reason", "priority"]
    op.create_index("leads_by_reason", "leads", columns, sqlite_where=has_reason, postgresql_where=has_reason)
