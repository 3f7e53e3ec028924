"""Version 5: captures by SURT key, so that the catalogue is the index that pages are replayed with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.urlkeys import urlkey

revision = "5"
down_revision = "4"

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ROWS = 5000


def upgrade() -> None:
    """Add the column, fill it for what can be replayed, and make its index."""
    op.add_column("captures", sa.Column("urlkey", _KEY))
    if not op.get_context().as_sql:
        _fill(op.get_bind())
    op.create_index("captures_by_urlkey", "captures", ["urlkey", "date"])


def _fill(connection: sa.Connection) -> None:
    captures = sa.table("captures", *map(sa.column, ("id", "url", "record_type", "status", "urlkey")))
    fill = sa.update(captures).where(captures.c.id == sa.bindparam("row")).values(urlkey=sa.bindparam("key"))
    columns = (captures.c.id, captures.c.url)
    shown = (captures.c.record_type != "metadata", captures.c.status.is_not(None), captures.c.status != 304)
    last = 0
    while rows := connection.execute(
        sa.select(*columns).where(captures.c.id > last, *shown).order_by(captures.c.id).limit(_ROWS)
    ).all():
        connection.execute(fill, [{"row": row.id, "key": urlkey(row.url)} for row in rows])
        last = rows[-1].id
