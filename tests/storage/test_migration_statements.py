"""The steps in PostgreSQL's words: without a server, what they would say."""

from __future__ import annotations

import io
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_mock_engine

from storage import migrations
from storage.catalogue import metadata


def test_the_steps_make_the_tables_of_the_code_in_postgresql() -> None:
    """The statements alone: no server is needed to see that they name the same columns and types."""
    said = io.StringIO()
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True, "output_buffer": said})
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    with Operations.context(context):
        for step in reversed(list(script.walk_revisions())):
            step.module.upgrade()
    assert statements(said.getvalue()) == statements(all_statements_for_postgresql(metadata))


def all_statements_for_postgresql(tables: MetaData) -> str:
    said: list[str] = []
    engine = create_mock_engine(
        "postgresql://", lambda sql, *_, **__: said.append(str(sql.compile(dialect=engine.dialect)))
    )
    tables.create_all(engine, checkfirst=False)
    return ";".join(said)


def statements(sql: str) -> list[list[str]]:
    """Each statement's lines, sorted; a column that a later step adds is a line of its table's statement, and an index
    that one drops was never made."""
    parts = [part.strip() for part in sql.split(";") if part.strip()]
    told = {part.splitlines()[0]: [line.strip().rstrip(",") for line in part.splitlines()] for part in parts}
    for added in [line for line in told if line.startswith("ALTER TABLE")]:
        table, _, column = added.removeprefix("ALTER TABLE ").partition(" ADD COLUMN ")
        told[f"CREATE TABLE {table} ("].append(column)
        del told[added]
    for dropped in [line for line in told if line.startswith("DROP INDEX")]:
        made = f"CREATE INDEX {dropped.removeprefix('DROP INDEX ')} ON "
        del told[dropped], told[next(line for line in told if line.startswith(made))]
    return sorted(sorted(lines) for lines in told.values())
