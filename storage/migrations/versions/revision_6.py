"""Version 6: versions are found by their words, and filtered without their wide rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.wordindex import WordIndex, statements

revision = "6"
down_revision = "5"

_ROWS = 500
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table and the index, and fill both from the versions that are there."""
    op.create_table(
        "findable",
        sa.Column("version_id", _ID, sa.ForeignKey("versions.id"), primary_key=True, autoincrement=False),
        sa.Column("source_id", sa.String(100), nullable=False),
        sa.Column("article", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("in_language", sa.String(35)),
        sa.Column("published", sa.Text()),
        sa.Column("year", sa.Text()),
        sa.Column("captured_at", sa.String(27), nullable=False),
        sa.Column("outcome", sa.String(24)),
    )
    for statement in statements(op.get_context().dialect.name):
        op.execute(statement)
    if not op.get_context().as_sql:
        _fill(op.get_bind())
    op.create_index("findable_by_article", "findable", ["source_id", "article"])
    op.create_index("findable_by_time", "findable", ["latest", "captured_at"])
    op.create_index("findable_by_language", "findable", ["in_language"])
    op.create_index("findable_by_facet", "findable", ["latest", "source_id", "in_language", "year", "outcome"])


def _fill(connection: sa.Connection) -> None:
    connection.exec_driver_sql(
        """
        INSERT INTO findable
            (version_id, source_id, article, version, latest, in_language, published, year, captured_at, outcome)
        SELECT v.id, v.source_id, v.article, v.version,
            row_number() OVER (PARTITION BY v.source_id, v.article ORDER BY v.captured_at DESC, v.version DESC) = 1,
            v.in_language, v.date_published, nullif(substr(v.date_published, 1, 4), ''), v.captured_at,
            (SELECT o.outcome FROM observations AS o WHERE o.source_id = v.source_id AND o.article = v.article
                ORDER BY o.at DESC, o.id DESC LIMIT 1)
        FROM versions AS v
        """
    )
    versions = sa.table("versions", sa.column("id"), sa.column("line"))
    index, last = WordIndex(connection), 0
    while rows := connection.execute(
        sa.select(versions).where(versions.c.id > last).order_by(versions.c.id).limit(_ROWS)
    ).all():
        index.add((row.id, row.line) for row in rows)
        last = rows[-1].id
