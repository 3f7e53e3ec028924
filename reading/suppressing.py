"""Taking something out of what is shown, and back in: what a name stands for, and the decision in the archive's log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, select

from storage.archive import Archive
from storage.catalogue import captures, leads, versions
from storage.decisions import log_decisions
from storage.lead import lead_identity
from storage.sources import Sources
from storage.suppression import Scope, Suppressed, Suppression, SuppressionLifted
from storage.suppressionerrors import AlreadySuppressed, AmbiguousName, NothingMatches, NotSuppressed
from storage.suppressions import Suppressions
from storage.uris import urlkey
from storage.versions import article_key, find_versions


@dataclass(frozen=True, slots=True)
class Meant:
    """What a name stands for: `versions` and `captures` are how many of them are hidden by it now."""

    named: str
    source_id: str
    scope: Scope
    target: str
    url: str | None
    headline: str | None
    versions: int = 0
    captures: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided, why, and until when, if it is to end by itself."""

    by: str
    reason: str
    until: datetime | None = None


def meant_by(archive: Archive, named: str, spelled: str | None, scope: Scope | None) -> Meant:
    """What is to be hidden: without a scope the article that is named, or what was kept at the address.

    `spelled` is the normal spelling of an address. Raises NothingMatches, or AmbiguousName.
    """
    with archive.catalogue.whole() as connection:
        if scope == "source":
            return _source(connection, named)
        found = _article(connection, named, spelled, scope) if scope != "url" else None
        if found is None and spelled is not None and scope in (None, "url"):
            found = _address(connection, named, spelled)
    if found is None:
        what = "a version is named by its record's id: newsark show URL lists them" if scope == "version" else ""
        raise NothingMatches(named, what or "newsark search finds articles; an address is written whole: https://…")
    return found


def suppress(archive: Archive, wanted: Sequence[Meant], decision: Decision) -> list[Suppression]:
    """Hide what is meant from now on; the decision is logged in each source's chain.

    Raises AlreadySuppressed before anything is written, and what `log_decisions` raises.
    """
    now = archive.clock()
    with archive.catalogue.whole() as connection:
        holding = {(one.scope, one.target): one.id for one in Suppressions(connection).holding(now)}
    told: dict[str, list[Suppressed]] = defaultdict(list)
    for one in {(one.scope, one.target): one for one in wanted}.values():
        if (known := holding.get((one.scope, one.target))) is not None:
            raise AlreadySuppressed(one.named, known)
        new = uuid4().hex
        told[one.source_id].append(
            Suppressed(now, new, one.scope, one.target, decision.by, decision.reason, one.url, decision.until)
        )
    for source_id, events in told.items():
        log_decisions(archive, source_id, events)
    return _known(archive, (event.id for events in told.values() for event in events))


def lift(archive: Archive, named: Iterable[tuple[str, str | None]], by: str, reason: str | None) -> list[Suppression]:
    """Show again what suppressions hide; they are named by their ids, or as what they hide was, with its spelling.

    Raises NotSuppressed before anything is written.
    """
    now = archive.clock()
    with archive.catalogue.whole() as connection:
        holding = Suppressions(connection).holding(now)
        chosen = {one.id: one for name, spelled in named for one in _suppressing(connection, holding, name, spelled)}
    told: dict[str, list[SuppressionLifted]] = defaultdict(list)
    for one in chosen.values():
        told[one.source_id].append(SuppressionLifted(now, one.id, by, reason))
    for source_id, events in told.items():
        log_decisions(archive, source_id, events)
    return _known(archive, chosen)


def suppressions_of(archive: Archive, *, ended: bool = False) -> list[Suppression]:
    """The suppressions in force, oldest first; with `ended` all there ever were."""
    with archive.catalogue.whole() as connection:
        found = Suppressions(connection).all()
    return [one for one in found if ended or one.holds(archive.clock())]


def is_hidden(archive: Archive, named: str, spelled: str | None) -> bool:
    """Whether something is kept by that name that is not shown."""
    with archive.catalogue.whole() as connection, archive.catalogue.public() as public:
        return bool(_found(connection, named, spelled) - _found(public, named, spelled))


def _found(connection: Connection, named: str, spelled: str | None) -> set[str]:
    """What a name leads to: ids of records, and addresses of leads."""
    keys, identity = ([article_key(spelled)], lead_identity(spelled)) if spelled else ([], "")
    records = {version.record_id for _, version in find_versions(connection, named, keys)}
    return records | set(connection.execute(select(leads.c.url).where(leads.c.identity == identity)).scalars())


def _known(archive: Archive, ids: Iterable[str]) -> list[Suppression]:
    wanted = set(ids)
    with archive.catalogue.whole() as connection:
        return [one for one in Suppressions(connection).all() if one.id in wanted]


def _suppressing(
    connection: Connection, holding: Sequence[Suppression], named: str, spelled: str | None
) -> list[Suppression]:
    """The suppressions that a name stands for: its id, or those of what it names."""
    if found := [one for one in holding if one.id == named]:
        return found
    targets = {named, spelled}
    for _, version in find_versions(connection, named, [article_key(spelled)] if spelled else []):
        targets.add(version.article)
        if version.record_id == named:
            targets.add(f"{version.article}/{version.version}")
    found = [one for one in holding if one.target in targets]
    if not found:
        raise NotSuppressed(named)
    return found


def _source(connection: Connection, named: str) -> Meant:
    for known in Sources(connection).known():
        if named in (known.id, known.name):
            mine = versions.c.source_id == known.id
            kept = len(connection.execute(select(versions.c.id).where(mine)).all())
            return Meant(named, known.id, "source", known.id, known.home or None, known.name, kept)
    raise NothingMatches(named, "newsark sources list has the sources")


def _article(connection: Connection, named: str, spelled: str | None, scope: Scope | None) -> Meant | None:
    found = find_versions(connection, named, [article_key(spelled)] if spelled else [])
    if not found:
        return None
    _refuse_ambiguous(connection, named, spelled)
    source_id, last = found[-1]
    if scope != "version":
        return Meant(named, source_id, "article", last.article, last.url, last.headline, len(found))
    chosen = [version for _, version in found if version.record_id == named]
    if not chosen:
        return None
    (one,) = chosen
    return Meant(named, source_id, "version", f"{one.article}/{one.version}", one.url, one.headline, 1)


def _refuse_ambiguous(connection: Connection, named: str, spelled: str | None) -> None:
    """An address that is no article's own may be the one that several call theirs."""
    own = versions.c.article == article_key(spelled or "")
    if spelled is None or connection.execute(select(versions.c.id).where(own).limit(1)).first() is not None:
        return
    called = (versions.c.url == named) | (versions.c.canonical_url == named)
    rows = connection.execute(select(versions.c.article, versions.c.record_id).where(called).order_by(versions.c.id))
    records = {row.article: row.record_id for row in rows}
    if len(records) > 1:
        raise AmbiguousName(named, sorted(records.values()))


def _address(connection: Connection, named: str, spelled: str) -> Meant | None:
    """An address that a source has something of, or knows."""
    at = captures.c.urlkey == urlkey(spelled)
    kept = connection.execute(select(captures.c.source_id).where(at)).scalars().all()
    known = connection.execute(select(leads.c.source_id).where(leads.c.identity == lead_identity(spelled))).scalars()
    sources = sorted({*kept, *known})
    return Meant(named, sources[0], "url", spelled, spelled, None, 0, len(kept)) if sources else None
