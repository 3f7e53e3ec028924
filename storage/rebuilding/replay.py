"""Replay: a step that the store tells, taken into a catalogue by the same writers that the crawl uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection, select

from storage.captures import add_captures, add_missing_captures
from storage.catalogue import leads as table
from storage.catalogue import observations
from storage.eventfields import identity_of
from storage.events import LeadFound, LeadVisited
from storage.furniture import Furniture
from storage.lead import NewLead
from storage.leads import INSERT_ROWS, Acknowledgement, Leads
from storage.rebuilding.steps import Step
from storage.runs import Runs
from storage.sources import Sources
from storage.suppressions import Suppressions
from storage.unread import PutOff
from storage.versions import Observation, Version, Versions


def replay(connection: Connection, source_id: str, step: Step, *, again: bool, late: bool = False) -> None:
    """Take the step in. With `again` part of it may be there already; without it is added unseen, which is faster.

    A step may come `late`, after others that were taken later: what they found out stays, and a version is numbered
    after those that are known, or is none when its article says the same in one of them.
    """
    leads, versions = Leads(connection, source_id), Versions(connection, source_id)
    if step.source is not None:
        Sources(connection).date(source_id, step.source)
    for at, found in groupby(step.found, key=lambda event: event.at):
        leads.insert([_new_lead(event) for event in found], at)
    ids = leads.ids(_identities(step))
    captured = [(capture, ids.get(identity or "")) for capture, identity in step.captures]
    (add_missing_captures if again else add_captures)(connection, source_id, captured)
    told = [replace(version, lead_id=ids.get(identity)) for version, identity in step.versions]
    versions.add(versions.numbered(told) if late else told)
    versions.add(_strays(connection, step, leads))
    versions.supersede(step.reread)
    seen = _placed(versions, [replace(one, lead_id=ids.get(identity)) for one, identity in step.observations])
    versions.observe(_missing(connection, source_id, seen) if again else seen)
    known = [one for one in step.visits if one[0].identity in ids]
    done = [_acknowledgement(ids[visit.identity], visit, *places) for visit, *places in known]
    leads.acknowledge(_unless_later(connection, done) if late else done)
    Runs(connection, source_id).take(step.runs)
    Furniture(connection, source_id).add((event.text, event.at) for event in step.furniture)
    Suppressions(connection).take(source_id, step.suppressions)


def _unless_later(connection: Connection, done: Sequence[Acknowledgement]) -> list[Acknowledgement]:
    """Those of leads of which no later visit is recorded, and those that finish a visit, which see to it themselves."""
    visited: dict[int, datetime] = {}
    for start in range(0, len(done), INSERT_ROWS):
        ids = [one.lead_id for one in done[start : start + INSERT_ROWS]]
        query = select(table.c.id, table.c.visited_at).where(table.c.id.in_(ids), table.c.visited_at.is_not(None))
        visited.update({row.id: row.visited_at for row in connection.execute(query)})
    return [one for one in done if one.finishes or one.lead_id not in visited or visited[one.lead_id] <= one.visited_at]


def _identities(step: Step) -> Iterator[str]:
    yield from (visit.identity for visit, *_ in step.visits)
    yield from (identity for _, identity in step.captures if identity)


def _new_lead(event: LeadFound) -> NewLead:
    return NewLead(
        url=event.url,
        identity=event.identity,
        kind=event.kind,
        priority=event.priority,
        via=event.via,
        method=event.method,
        depth=event.depth,
        rank=event.rank,
        hints=event.hints,
        refusal=event.refusal,
    )


def _acknowledgement(lead_id: int, visit: LeadVisited, response: str | None, unread: str | None) -> Acknowledgement:
    return Acknowledgement(
        lead_id=lead_id,
        state=visit.state,
        reason=visit.reason,
        detail=visit.detail,
        visited_at=visit.at,
        attempts=visit.attempts,
        next_due=None if visit.due_seconds is None else visit.at + timedelta(seconds=visit.due_seconds),
        etag=visit.etag,
        last_modified=visit.last_modified,
        capture_record_id=response,
        put_off=None if unread is None else PutOff(unread, visit.absence),
        finishes=visit.finishes,
    )


def _strays(connection: Connection, step: Step, leads: Leads) -> list[Version]:
    """Versions that no visit tells of, as versions of the article of the one before, and of the lead of their URL."""
    ids = leads.ids(identity_of(version.url) for version, _ in step.strays)
    placed: list[Version] = []
    articles = {version.record_id: version.article for version, _ in step.strays}
    for version, previous in step.strays:
        article = articles.get(previous or "") or Versions(connection, leads.source_id).article_of(previous)
        articles[version.record_id] = article or version.article
        lead_id = ids.get(identity_of(version.url))
        placed.append(replace(version, article=articles[version.record_id], lead_id=lead_id))
    return placed


def _placed(versions: Versions, seen: list[Observation]) -> list[Observation]:
    """Observations that do not say their article as such of the article that their lead showed."""
    unplaced = [one.lead_id for one in seen if one.article is None and one.lead_id is not None]
    articles = versions.articles_of_leads(unplaced)
    return [replace(one, article=one.article or articles.get(one.lead_id or 0)) for one in seen]


def _missing(connection: Connection, source_id: str, seen: Sequence[Observation]) -> list[Observation]:
    """Those that are not recorded."""
    query = select(observations.c.url, observations.c.at).where(
        observations.c.source_id == source_id, observations.c.article.in_({one.article for one in seen})
    )
    known = {(row.url, row.at) for row in connection.execute(query)} if seen else set()
    return [one for one in seen if (one.url, one.at) not in known]
