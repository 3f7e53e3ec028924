"""Acknowledgements: what visits found out about their leads, and how the catalogue takes it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from storage.catalogue import WAITING, captures, leads
from storage.events import LeadState
from storage.unread import NO_RECORD, PutOff, Unread

UNREAD = "unread"
"""The reason of a lead whose last answer is kept and not read."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a visit found out about its lead. `next_due` None means: not by itself.

    One that is `put_off` is finished later: by another one of the same time that `finishes` it.
    """

    lead_id: int
    state: LeadState
    reason: str | None
    detail: str | None
    visited_at: datetime
    attempts: int
    next_due: datetime | None
    etag: str | None = None
    last_modified: str | None = None
    capture_record_id: str | None = None
    put_off: PutOff | None = None
    finishes: bool = False


_THIS = leads.c.id == bindparam("lead")
# What an old page says now must not undo what a newer visit found.
_STILL_UNREAD = (leads.c.reason == UNREAD, leads.c.visited_at == bindparam("moment"))
_CHANGED = ("state", "reason", "detail", "visited_at", "last_seen", "attempts", "queue", "next_due")
_ACKNOWLEDGE = update(leads).where(_THIS).values({name: bindparam(name) for name in _CHANGED})
_FINISH = update(leads).where(_THIS, *_STILL_UNREAD).values({name: bindparam(name) for name in _CHANGED})
_KEEP_VALIDATORS = (
    update(leads).where(_THIS).values(etag=bindparam("new_etag"), last_modified=bindparam("new_last_modified"))
)
_KEEP_CAPTURE = (
    update(leads)
    .where(_THIS)
    .values(
        capture_id=select(captures.c.id)
        .where(captures.c.record_id == bindparam("capture_record"))
        .limit(1)
        .scalar_subquery()
    )
)


def acknowledge(connection: Connection, source_id: str, done: Sequence[Acknowledgement]) -> None:
    """Record what visits found; each lead waits until its `next_due` (forever, when None)."""
    read = [one for one in done if one.put_off is None]
    for statement, rows in (
        (_ACKNOWLEDGE, [_row(one) for one in done if not one.finishes]),
        (_FINISH, [_row(one) | {"moment": one.visited_at} for one in done if one.finishes]),
        (_KEEP_VALIDATORS, [_validators(one) for one in read if one.etag or one.last_modified]),
        (_KEEP_CAPTURE, [_response(one) for one in read if one.capture_record_id]),
    ):
        if rows:
            connection.execute(statement, rows)
    unread = Unread(connection, source_id)
    unread.add([_unread_row(one, one.put_off) for one in done if one.put_off is not None])
    unread.remove([(one.lead_id, one.visited_at) for one in done if one.finishes])


# SQLAlchemy sets every column that a row names, also one that its statement does not: each has rows of its own.


def _row(one: Acknowledgement) -> dict[str, Any]:
    return {
        "lead": one.lead_id,
        "state": one.state,
        "reason": one.reason,
        "detail": one.detail,
        "visited_at": one.visited_at,
        "last_seen": one.visited_at,
        "attempts": one.attempts,
        "queue": WAITING,
        "next_due": one.next_due,
    }


def _validators(one: Acknowledgement) -> dict[str, Any]:
    return {"lead": one.lead_id, "new_etag": one.etag, "new_last_modified": one.last_modified}


def _response(one: Acknowledgement) -> dict[str, Any]:
    return {"lead": one.lead_id, "capture_record": one.capture_record_id}


def _unread_row(one: Acknowledgement, put_off: PutOff) -> dict[str, Any]:
    return {
        "lead_id": one.lead_id,
        "at": one.visited_at,
        "record_id": None if put_off.record_id == NO_RECORD else put_off.record_id,
        "absence": put_off.absence,
        "reason": one.reason,
        "detail": one.detail,
        "response": one.capture_record_id,
        "etag": one.etag,
        "last_modified": one.last_modified,
    }
