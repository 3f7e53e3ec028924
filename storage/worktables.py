"""Tables of the catalogue about work on segments and objects, not about what they say; see storage/catalogue.py."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

from storage.instant import Instant

BigId = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

# What still has to reach a store from the disk of one machine; a row goes when the segment is confirmed there.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("store", Text, nullable=False),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("parcel", String(200), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("queued_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("problem", Text),
    Column("confirmed_at", Instant),
    Column("machine", String(32)),
    UniqueConstraint("store", "parcel", name="one_delivery_per_store"),
)

# Segments that lie on the disk of one machine and in too few stores yet, from their first step on; and those that were
# given up with a machine that is gone (`lost_at`), until they turn up. `previous_sha256` is the manifest before theirs.
unsent = Table(
    "unsent",
    metadata,
    Column("stem", String(200), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("machine", String(32), nullable=False),
    Column("host", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("previous_sha256", String(64)),
    Column("lost_at", Instant),
    Column("captures", Integer),
    Column("versions", Integer),
    Index("unsent_by_source", "source_id"),
)

# When an object was last verified, and how deeply: the oldest is the next to be looked at.
checks = Table(
    "checks",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("store", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("checked_at", Instant, nullable=False),
    Column("depth", String(16), nullable=False),
    Column("finding", String(32)),
    UniqueConstraint("store", "key", "depth", name="one_check_per_object"),
    Index("checks_by_age", "store", "checked_at"),
)
