"""The catalogue: sources, leads, captures, versions and observations, in SQLite or PostgreSQL.

It is an index of the store plus the crawl's memory (due times, leases). Every statement is SQLAlchemy Core, so
another database is only another URL. A `Catalogue` is used from one thread at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    func,
    select,
    text,
)

from storage.committing import committed, notice_writes
from storage.database import open_engine
from storage.instant import Instant
from storage.migrations.opening import make_current
from storage.owners import owner_name
from storage.wordindex import create_index
from storage.worktables import BigId, metadata
from storage.worktables import checks as checks
from storage.worktables import deliveries as deliveries
from storage.worktables import unsent as unsent

_HAS_REASON: dict[str, Any] = {f"{dialect}_where": text("reason IS NOT NULL") for dialect in ("sqlite", "postgresql")}

sources = Table(
    "sources",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("name", Text, nullable=False),
    Column("home", Text, nullable=False),
    Column("toml", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("last_manifest_sha256", String(64)),
    Column("owner", Text),
    Column("owned_until", Instant),
)

# queue: 0 waits for next_due, 1 is ready to be leased, 2 is leased. Leasing reads the front of one index range,
# so its cost does not grow with the number of known leads.
WAITING, READY, LEASED = 0, 1, 2

leads = Table(
    "leads",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("identity", String(64), nullable=False),
    Column("url", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("via", Text),
    Column("method", String(16)),
    Column("depth", Integer, nullable=False, default=0),
    Column("hints", JSON, nullable=False, default=dict),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("state", String(16), nullable=False, default="pending"),
    Column("reason", Text),
    Column("detail", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("visited_at", Instant),
    Column("queue", Integer, nullable=False, default=READY),
    Column("priority", Integer, nullable=False),
    Column("rank", BigInteger, nullable=False, default=0),
    Column("next_due", Instant),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("capture_id", BigInteger),
    UniqueConstraint("source_id", "identity", name="one_lead_per_url"),
    Index("leads_by_turn", "source_id", "queue", "priority", "rank", "id"),
    Index("leads_by_due", "source_id", "queue", "next_due"),
    Index("leads_by_kind", "source_id", "kind", "state"),
    Index("leads_by_reason", "source_id", "state", "reason", "priority", **_HAS_REASON),
)

captures = Table(
    "captures",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("lead_id", BigInteger),
    Column("url", Text, nullable=False),
    Column("date", Instant, nullable=False),
    Column("record_type", String(16), nullable=False),
    Column("status", Integer),
    Column("mime", Text),
    Column("key", Text, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("record_id", String(64), nullable=False),
    Column("payload_digest", String(80)),
    Column("truncated", String(16)),
    Column("ip_address", String(64)),
    Column("protocol", String(32)),
    Column("refers_to", String(64)),
    Column("urlkey", Text().with_variant(Text(collation="C"), "postgresql")),
    Index("captures_by_urlkey", "urlkey", "date"),
    Index("captures_by_digest", "source_id", "payload_digest"),
    Index("captures_by_lead", "lead_id"),
    Index("captures_by_record", "record_id"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("lead_id", BigInteger),
    Column("article", String(64), nullable=False),
    Column("record_id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("url", Text, nullable=False),
    Column("canonical_url", Text),
    Column("headline", Text),
    Column("date_published", Text),
    Column("in_language", String(35)),
    Column("content_digest", String(80), nullable=False),
    Column("captured_at", Instant, nullable=False),
    Column("records_key", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("fingerprint", Text),
    UniqueConstraint("source_id", "article", "version", name="one_row_per_version"),
    Index("versions_by_lead", "lead_id"),
    Index("versions_by_record", "record_id"),
    Index("versions_by_time", "source_id", "captured_at"),
)

# What versions are filtered, counted and ordered by, without their wide rows: `latest` is the version of its article
# that was captured last, `outcome` what the last visit of the article found, on the row of each of its versions.
findable = Table(
    "findable",
    metadata,
    Column("version_id", ForeignKey("versions.id"), primary_key=True, autoincrement=False),
    Column("source_id", String(100), nullable=False),
    Column("article", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("latest", Boolean, nullable=False),
    Column("in_language", String(35)),
    Column("published", Text),
    Column("year", Text),
    Column("captured_at", Instant, nullable=False),
    Column("outcome", String(24)),
    Index("findable_by_article", "source_id", "article"),
    Index("findable_by_time", "latest", "captured_at"),
    Index("findable_by_language", "in_language"),
    Index("findable_by_facet", "latest", "source_id", "in_language", "year", "outcome"),
)

# The smallest hashes of each version's fingerprint: like texts share some, whatever source they are of.
marks = Table(
    "marks",
    metadata,
    Column("mark", BigInteger, primary_key=True, autoincrement=False),
    Column("record_id", String(64), primary_key=True),
)

# Paragraphs that stand in several articles of a source, and in none as its own.
furniture = Table(
    "furniture",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("learned_at", Instant, nullable=False),
    UniqueConstraint("source_id", "digest", name="one_row_per_paragraph"),
)

observations = Table(
    "observations",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("lead_id", BigInteger),
    Column("article", String(64)),
    Column("url", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("outcome", String(24), nullable=False),
    Column("detail", Text),
    Column("capture_record_id", String(64)),
    Index("observations_by_article", "source_id", "article"),
    Index("observations_by_time", "source_id", "at"),
)

# Visits that are finished later: pages that are kept and not read, and what was found out of their leads since.
# `response` is what a later visit refers to, with its validators.
unread = Table(
    "unread",
    metadata,
    Column("lead_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("record_id", String(64)),
    Column("absence", String(24)),
    Column("response", String(64)),
    *(Column(name, Text) for name in ("reason", "detail", "etag", "last_modified")),
    Index("unread_by_time", "source_id", "at", "lead_id"),
)

segments = Table(
    "segments",
    metadata,
    Column("stem", String(200), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("sealed_at", Instant, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("records", Integer, nullable=False),
    Column("manifest_key", Text, nullable=False),
    Column("manifest_sha256", String(64), nullable=False),
    Index("segments_by_source", "source_id"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("outcome", String(24)),
    Column("counts", JSON, nullable=False, default=dict),
    Column("problems", JSON, nullable=False, default=list),
    Column("complete", Boolean, nullable=False, default=False),
    Index("runs_by_time", "source_id", "started_at"),
)

# How much of each day's budget of a source was promised to requests.
spending = Table(
    "spending",
    metadata,
    Column("source_id", String(100), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)

# What people were told, or are to be told; the facts behind it are read from versions and observations.
alerts = Table(
    "alerts",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("key", String(250), nullable=False),
    Column("rule", String(24), nullable=False),
    Column("at", Instant, nullable=False),
    Column("source_id", String(100)),
    Column("title", Text, nullable=False),
    Column("url", Text),
    Column("told_at", Instant),
    UniqueConstraint("key", name="one_alert_per_key"),
)

# What is kept and not shown: `target` is that of the scope, as storage/suppression.py has it.
suppressions = Table(
    "suppressions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("target", Text, nullable=False),
    Column("url", Text),
    Column("at", Instant, nullable=False),
    Column("until", Instant),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("lifted_at", Instant),
    Column("lifted_by", Text),
    Column("lift_reason", Text),
)


@event.listens_for(metadata, "after_create")
def _create_word_index(_: MetaData, connection: Connection, **__: Any) -> None:
    create_index(connection)


class Catalogue:
    """An open catalogue at the current version; `begin()` is one transaction.

    An empty database gets the tables, an older catalogue is upgraded (storage/migrations). Raises CatalogueTooNew for
    a newer one, NotACatalogue for a database of something else, CatalogueUnusable when an upgrade has no room, what
    `open_engine` raises, and whatever SQLAlchemy raises when the database cannot be reached or is not writable. With
    `is_public` `begin` is `public`: what is suppressed is not there, and nothing can be written.
    """

    def __init__(self, url: str, clock: Callable[[], datetime], *, is_public: bool = False) -> None:
        self.url = url
        self.clock = clock
        self._is_public = is_public
        self.begin = self.public if is_public else self.whole
        self.engine: Engine = open_engine(url)
        self._public_engine: Engine = open_engine(url)
        if self.is_shared:
            notice_writes(self.engine)
        try:
            make_current(self.engine, metadata)
        except BaseException:
            self.engine.dispose()
            raise

    @contextmanager
    def whole(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises CatalogueUnreachable when a server does not say for long whether it was committed.
        """
        with committed(self.engine) if self.is_shared else self.engine.begin() as connection:
            yield connection

    @contextmanager
    def public(self) -> Iterator[Connection]:
        """One transaction for reading, in which nothing is there that is suppressed at this moment."""
        from storage.publicview import hide_suppressed

        with self._public_engine.connect() as connection:
            hide_suppressed(connection, self.clock())
            with connection.begin():
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for statements that only read, each of which sees what is committed when it begins.

        On a server that is one round trip for each, where a transaction has two more.
        """
        if self._is_public or not self.is_shared:
            with self.begin() as connection:
                yield connection
            return
        with self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @property
    def is_shared(self) -> bool:
        """Whether several machines may work with it: it is on a server."""
        return self.engine.dialect.name != "sqlite"

    @property
    def owner(self) -> str:
        """This process, as leases name it."""
        return owner_name(shared=self.is_shared)

    def now(self, connection: Connection) -> datetime:
        """The time by which leases are judged: the server's where there is one, since clocks of machines differ."""
        if not self.is_shared:
            return self.clock()
        moment: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return moment.astimezone(UTC)

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()
        self._public_engine.dispose()


def insert_new(connection: Connection, table: Table) -> Any:
    """An INSERT that skips rows which exist already, in the connection's dialect."""
    return _insert(connection, table).on_conflict_do_nothing()


def insert_or_change(connection: Connection, table: Table, key: Sequence[str], values: Sequence[str]) -> Any:
    """An INSERT that gives rows whose `key` exists already these of the new row's `values`."""
    statement = _insert(connection, table)
    changed = {name: statement.excluded[name] for name in values}
    return statement.on_conflict_do_update(index_elements=list(key), set_=changed)


def _insert(connection: Connection, table: Table) -> Any:
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgres_insert

        return postgres_insert(table)
    from sqlalchemy.dialects.sqlite import insert as sqlite_insert

    return sqlite_insert(table)
