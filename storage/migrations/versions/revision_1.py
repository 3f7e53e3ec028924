"""Version 1: sources, leads, captures, versions, observations, segments and runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None

# Types as they are in version 1, whatever the catalogue's own become.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.String(27)


def upgrade() -> None:
    """Make the tables."""
    _sources_and_leads()
    _captures_and_versions()
    _observations_segments_and_runs()


def _sources_and_leads() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.String(100), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("home", sa.Text, nullable=False),
        sa.Column("toml", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("added_at", _INSTANT, nullable=False),
        sa.Column("last_manifest_sha256", sa.String(64)),
        sa.Column("owner", sa.Text),
        sa.Column("owned_until", _INSTANT),
    )
    op.create_table(
        "leads",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("source_id", sa.String(100), sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("via", sa.Text),
        sa.Column("method", sa.String(16)),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("hints", sa.JSON, nullable=False),
        sa.Column("first_seen", _INSTANT, nullable=False),
        sa.Column("last_seen", _INSTANT, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("detail", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("visited_at", _INSTANT),
        sa.Column("queue", sa.Integer, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("rank", sa.BigInteger, nullable=False),
        sa.Column("next_due", _INSTANT),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("capture_id", sa.BigInteger),
        sa.UniqueConstraint("source_id", "identity", name="one_lead_per_url"),
    )
    op.create_index("leads_by_turn", "leads", ["source_id", "queue", "priority", "rank", "id"])
    op.create_index("leads_by_due", "leads", ["source_id", "queue", "next_due"])
    op.create_index("leads_by_state", "leads", ["source_id", "state"])


def _captures_and_versions() -> None:
    op.create_table(
        "captures",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("source_id", sa.String(100), sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("lead_id", sa.BigInteger),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("date", _INSTANT, nullable=False),
        sa.Column("record_type", sa.String(16), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("mime", sa.Text),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("record_id", sa.String(64), nullable=False),
        sa.Column("payload_digest", sa.String(80)),
        sa.Column("truncated", sa.String(16)),
        sa.Column("ip_address", sa.String(64)),
        sa.Column("protocol", sa.String(32)),
        sa.Column("refers_to", sa.String(64)),
    )
    op.create_index("captures_by_digest", "captures", ["source_id", "payload_digest"])
    op.create_index("captures_by_lead", "captures", ["lead_id"])
    op.create_index("captures_by_record", "captures", ["record_id"])
    op.create_table(
        "versions",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("source_id", sa.String(100), sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("lead_id", sa.BigInteger),
        sa.Column("article", sa.String(64), nullable=False),
        sa.Column("record_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("canonical_url", sa.Text),
        sa.Column("headline", sa.Text),
        sa.Column("date_published", sa.Text),
        sa.Column("in_language", sa.String(35)),
        sa.Column("content_digest", sa.String(80), nullable=False),
        sa.Column("captured_at", _INSTANT, nullable=False),
        sa.Column("records_key", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.UniqueConstraint("source_id", "article", "version", name="one_row_per_version"),
    )
    op.create_index("versions_by_lead", "versions", ["lead_id"])


def _observations_segments_and_runs() -> None:
    op.create_table(
        "observations",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("source_id", sa.String(100), sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("lead_id", sa.BigInteger),
        sa.Column("article", sa.String(64)),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("outcome", sa.String(24), nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("capture_record_id", sa.String(64)),
    )
    op.create_index("observations_by_article", "observations", ["source_id", "article"])
    op.create_table(
        "segments",
        sa.Column("stem", sa.String(200), primary_key=True),
        sa.Column("source_id", sa.String(100), sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("sealed_at", _INSTANT, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("records", sa.Integer, nullable=False),
        sa.Column("manifest_key", sa.Text, nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("source_id", sa.String(100), sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT),
        sa.Column("outcome", sa.String(24)),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("problems", sa.JSON, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
    )
