"""The catalogue as the public sees it: temporary views in the place of tables, without what is suppressed.

They stand before the tables of the same names, on one connection. Whatever reads by it, written now or later, sees only
what may be shown; the indexes are used as before, and as long as nothing is suppressed there are no views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import Connection, text

from storage.catalogue import alerts, captures, findable, leads, observations, versions
from storage.hidden import Hidden, hidden_by
from storage.suppressions import Suppressions

_INFO = "newsark.public"
_TABLES = (versions, findable, captures, leads, observations, alerts)
_LISTS = ("versions", "leads", "captures", "alerts", "latest")
_WORDS = ("articles", "records", "urls")


def hide_suppressed(connection: Connection, now: datetime) -> None:
    """Let this connection show only what may be shown at that moment; to be called before each transaction on it."""
    known = Suppressions(connection).holding_ids(now)
    state = (known, _newest(connection)) if known else None
    if state != connection.info.get(_INFO, (None, None))[0]:
        _remove(connection)
        hidden = hidden_by(connection, Suppressions(connection).holding(now)) if known else None
        if hidden is not None:
            _fill(connection, hidden)
            _show(connection, hidden)
        # what was made holds only when it is committed
        connection.commit()
        connection.info[_INFO] = (state, hidden)
    connection.commit()


def hidden_from(connection: Connection) -> Hidden | None:
    """What this connection does not show; None when that is nothing."""
    found: Hidden | None = connection.info.get(_INFO, (None, None))[1]
    return found


def _schema(connection: Connection) -> str:
    """Where the tables are themselves."""
    if connection.dialect.name == "sqlite":
        return "main"
    return f'"{connection.execute(text("SELECT current_schema()")).scalar_one()}"'


def _newest(connection: Connection) -> tuple[int | None, ...]:
    """What differs when rows were added that may have to be hidden too; after an erasure ids may come again, and that
    adds a segment."""
    schema = _schema(connection)
    found = [f"(SELECT max(id) FROM {schema}.{one.name})" for one in _TABLES if one is not findable]  # noqa: S608 - the names are our own
    found.append(f"(SELECT count(*) FROM {schema}.segments)")  # noqa: S608 - the names are our own
    return tuple(connection.execute(text(f"SELECT {', '.join(found)}")).one())


def _remove(connection: Connection) -> None:
    temp = "temp" if connection.dialect.name == "sqlite" else "pg_temp"
    for table in _TABLES:
        connection.execute(text(f"DROP VIEW IF EXISTS {temp}.{table.name}"))
    for name in (*_LISTS, *_WORDS):
        connection.execute(text(f"DROP TABLE IF EXISTS {temp}.hidden_{name}"))


def _fill(connection: Connection, hidden: Hidden) -> None:
    """Write down what is hidden where the views can look it up."""
    for names, kind in ((_LISTS, "BIGINT"), (_WORDS, "TEXT")):
        column = "INTEGER" if kind == "BIGINT" and connection.dialect.name == "sqlite" else kind
        for name in names:
            connection.execute(text(f"CREATE TEMPORARY TABLE hidden_{name} (one {column} PRIMARY KEY)"))
            if rows := [{"one": value} for value in sorted(getattr(hidden, name))]:
                connection.execute(text(f"INSERT INTO hidden_{name} VALUES (:one)"), rows)  # noqa: S608 - the names are our own


def _show(connection: Connection, hidden: Hidden) -> None:
    schema, is_sqlite = _schema(connection), connection.dialect.name == "sqlite"
    of_source = "" if not hidden.sources else f" AND t.source_id NOT IN ({_quoted(hidden.sources)})"
    columns: dict[str, dict[str, str]] = {
        "versions": {"line": _untold(schema, hidden, _without_json if is_sqlite else _without_text)}
    }
    if hidden.latest:
        columns["findable"] = {"latest": "(t.latest OR t.version_id IN (SELECT one FROM hidden_latest))"}
    chosen = {
        "versions": "t.id NOT IN (SELECT one FROM hidden_versions)",
        "findable": "t.version_id NOT IN (SELECT one FROM hidden_versions)",
        "captures": "t.id NOT IN (SELECT one FROM hidden_captures)",
        "leads": "t.id NOT IN (SELECT one FROM hidden_leads)",
        "observations": "(t.article IS NULL OR t.article NOT IN (SELECT one FROM hidden_articles))"
        " AND t.url NOT IN (SELECT one FROM hidden_urls)",
        "alerts": "t.id NOT IN (SELECT one FROM hidden_alerts)",
    }
    for table in _TABLES:
        made = columns.get(table.name, {})
        shown = ", ".join(f'{made.get(one.name, _own(one.name))} AS "{one.name}"' for one in table.columns)
        where = chosen[table.name] + (_or_none(of_source) if table is alerts else of_source)
        rows = f"SELECT {shown} FROM {schema}.{table.name} AS t WHERE {where}"  # noqa: S608 - the names are our own
        statement = f"CREATE TEMPORARY VIEW {table.name} AS {rows}"
        connection.exec_driver_sql(statement.replace("%", "%%") if not is_sqlite else statement)


def _own(name: str) -> str:
    return f't."{name}"'


def _or_none(of_source: str) -> str:
    """The same for rows that may be of no source."""
    return f" AND (t.source_id IS NULL OR {of_source.removeprefix(' AND ')})" if of_source else ""


def _untold(schema: str, hidden: Hidden, without: Callable[[str], tuple[str, str, str]]) -> str:
    """The record of a version, without the name of a hidden one that has the same text."""
    record_id, url, line = without("t.line")
    is_hidden = [
        f"{record_id} IN (SELECT one FROM hidden_records)",  # noqa: S608 - the names are our own
        f"{url} IN (SELECT one FROM hidden_urls)",  # noqa: S608 - the names are our own
    ]
    if hidden.sources:
        its = f"SELECT 1 FROM {schema}.versions AS o WHERE o.record_id = {record_id}"  # noqa: S608 - the names are our own
        is_hidden.append(f"EXISTS ({its} AND o.source_id IN ({_quoted(hidden.sources)}))")
    return f"CASE WHEN t.line LIKE '%\"duplicateOf\":{{%' AND ({' OR '.join(is_hidden)}) THEN {line} ELSE t.line END"


def _without_json(line: str) -> tuple[str, str, str]:
    """In SQLite: the id and the address that `duplicateOf` names, and the line without it."""
    inside = (f"json_extract({line}, '$.duplicateOf.{name}')" for name in ("id", "url"))
    return (*inside, f"json_remove({line}, '$.duplicateOf')")  # type: ignore[return-value]  # three strings, as they stand above


def _without_text(line: str) -> tuple[str, str, str]:
    """The same in PostgreSQL, whose `jsonb` does not take every text that JSON has."""
    inside = (f"({line}::json -> 'duplicateOf' ->> '{name}')" for name in ("id", "url"))
    gone = r""",?"duplicateOf":\{("([^"\\]|\\.)*"|[^"}])*\}"""
    return (*inside, f"regexp_replace({line}, '{gone}', '')")  # type: ignore[return-value]  # three strings, as they stand above


def _quoted(words: Iterable[str]) -> str:
    return ", ".join("'" + word.replace("'", "''") + "'" for word in sorted(words))
