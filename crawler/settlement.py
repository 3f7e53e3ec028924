"""Steps 7 to 9 for many visits at once: compare, record, make durable, acknowledge.

A visit is settled when its record lines and its bytes are flushed to disk and its facts are committed, in this order:
a crash between the two costs a second visit and never leaves a fact without its bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from sqlalchemy.exc import DataError, IntegrityError

from crawler import outcome
from crawler.absence import absence_word, tells_of_absence
from crawler.furniture import SourceFurniture
from crawler.identity import shown_after, shown_by
from crawler.keeper import Stopped
from crawler.kinds import ARTICLE, LISTS, RESOURCE, SECTION
from crawler.revisits import Revisits, age_of
from crawler.source import Source
from crawler.telling import Settled, tell_visit
from crawler.visit import Answer, Note, Problem, Visit
from pipelines.article import WHOLE, WITH_TEXT
from pipelines.compare import PreviousVersion, compare, content_digest
from pipelines.learned import LearnedFurniture
from pipelines.likeness import Sketch, duplicate_of, fingerprint
from pipelines.observation import build_observation, observation_line
from pipelines.record import build_record, record_line
from storage.acknowledgement import UNREAD
from storage.archive import Archive, Settlement
from storage.capture import Capture
from storage.leads import Acknowledgement
from storage.log import Log
from storage.unread import NO_RECORD, PutOff
from storage.versions import Observation, Version

if TYPE_CHECKING:
    from crawler.spiders.newsroom import NewsroomSpider

log = Log(__name__)

# What a page's own values can do to its record: a lone surrogate, a character that the database refuses.
UNRECORDABLE = (ValueError, TypeError, LookupError, DataError, IntegrityError)
GROUP_VISITS = 200
GATHERINGS = 4
PROBED_ARTICLES = 12
PROBED_AFTER = timedelta(hours=3)
REVISITS = Revisits()


class Settler:
    """Collects visits for a moment and settles them together in the keeper's thread."""

    def __init__(self, spider: NewsroomSpider) -> None:
        self._spider = spider
        self._waiting: list[tuple[Visit, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None
        self._furniture = SourceFurniture(spider.source.id)

    async def settle(self, visit: Visit) -> None:
        """Return when the visit is durable, or cannot be made so: then the crawl ends and the lease goes back."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((visit, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._settle_soon())
        await done

    async def _settle_soon(self) -> None:
        while self._waiting:
            await self._gather()
            group, self._waiting = self._waiting[:GROUP_VISITS], self._waiting[GROUP_VISITS:]
            await self._settle_group(group)

    async def _gather(self) -> None:
        """Wait for others to join; longer while there are some under way, as what a group costs is shared by it."""
        for _ in range(GATHERINGS):
            if len(self._waiting) < GROUP_VISITS:
                await asyncio.sleep(self._spider.services.options.settle_seconds)
            if self._spider.frontier.under_way <= len(self._waiting):
                return

    async def _settle_group(self, group: list[tuple[Visit, asyncio.Future[None]]]) -> None:
        spider = self._spider
        visits = [visit for visit, _ in group]
        results: list[Settled] = []
        with contextlib.suppress(Stopped):
            archive = spider.services.keeper.archive
            results = await spider.store(settle, archive, spider.source, visits, self._furniture)
        for visit, settled in zip(visits, results, strict=False):
            tell_visit(spider, visit, settled)
            spider.frontier.settled(visit.lead.id, more=settled.added > 0 or settled.is_pending)
        for _, done in group:
            if not done.cancelled():
                done.set_result(None)


def settle(archive: Archive, source: Source, visits: list[Visit], furniture: SourceFurniture) -> list[Settled]:
    """Compare, record and acknowledge these visits; durable when it returns.

    A visit whose values cannot be recorded costs its own text and no other's.
    """
    try:
        return _settle(archive, source, visits, furniture)
    except UNRECORDABLE as problem:
        if len(visits) > 1:
            return [settled for visit in visits for settled in settle(archive, source, [visit], furniture)]
        (visit,) = visits
        log.error("not-recorded", f"{visit.lead.url} cannot be recorded", problem, source=source.id)
        fault = Problem("internal-error", f"{type(problem).__name__}: {problem}")
        kept = visit.capture
        unread = Visit(visit.lead, visit.at, problem=fault, failure_capture=kept, finishes=visit.finishes)
        return _settle(archive, source, [unread], furniture)


def _settle(archive: Archive, source: Source, visits: list[Visit], furniture: SourceFurniture) -> list[Settled]:
    work = _Group(archive, source, visits, furniture.of(archive))
    work.learn(visits)
    work.sketch(visits)
    for visit in visits:
        work.compare_and_record(visit)
    added = archive.settle(source.id, work.settlement)
    work.furniture.taken()
    if work.is_source_doubtful:
        # a few articles say soon whether the source is away or only this list
        before = visits[-1].at - PROBED_AFTER
        archive.with_leads(source.id, lambda leads: leads.ready_newest(ARTICLE, PROBED_ARTICLES, before))
    made = {one.lead_id: one for one in work.settlement.versions}
    seen = {one.lead_id: one.outcome for one in work.settlement.observations}
    return [
        Settled(done, count, made.get(done.lead_id), seen.get(done.lead_id))
        for done, count in zip(work.settlement.acknowledgements, added, strict=True)
    ]


class _Group:
    """The visits of one settlement, with the newest version of each article they show."""

    def __init__(self, archive: Archive, source: Source, visits: list[Visit], furniture: LearnedFurniture) -> None:
        self.archive = archive
        self.source_id = source.id
        self.urgency = source.urgency
        self.furniture = furniture
        self.settlement = Settlement()
        self.is_source_doubtful = False
        self._texts: dict[int, tuple[dict[str, Any], Sketch]] = {}
        self._alike: dict[str, list[Version]] = {}
        pages = [visit for visit in visits if visit.lead.kind != RESOURCE]
        known = archive.articles_of_leads(source.id, [visit.lead.id for visit in pages])
        self._shown = {visit.lead.id: shown_by(visit, source, known.get(visit.lead.id)) for visit in pages}
        keys = {*known.values(), *(shown.key for shown in self._shown.values())}
        self._latest = archive.latest_versions(source.id, sorted(keys))
        found = [visit.found for visit in visits]
        new = archive.with_leads(source.id, lambda leads: leads.unknown(found)) if any(found) else found
        self._news = {visit.lead.id: len(some) for visit, some in zip(visits, new, strict=True)}
        for visit in pages:
            before = self._latest.get(known.get(visit.lead.id, ""))
            shown, problem = shown_after(visit, source, self._shown[visit.lead.id], before)
            self._shown[visit.lead.id], visit.problem = shown, visit.problem or problem

    def _key(self, visit: Visit) -> str:
        return self._shown[visit.lead.id].key

    def learn(self, visits: list[Visit]) -> None:
        """Look at all texts of the group before any is recorded: a small newsroom's first pages teach each other."""
        for visit in visits:
            if visit.problem is None and visit.reading is not None and visit.reading.kind in WHOLE:
                self.furniture.learn(self._key(visit), visit.reading.article or {})
        self.settlement.furniture.extend(self.furniture.fresh)

    def sketch(self, visits: list[Visit]) -> None:
        """What is compared of each text, and what is like it in other sources: asked once for the whole group."""
        for visit in visits:
            reading = visit.reading
            if reading is None or reading.article is None or reading.kind not in WITH_TEXT:
                continue
            article = self.furniture.apply(reading.article)
            latest, digest = self._latest.get(self._key(visit)), content_digest(article)
            is_known = latest is not None and latest.content_digest == digest
            printed = None if is_known else fingerprint(article.get("articleBody") or "")
            self._texts[visit.lead.id] = article, Sketch(digest, printed)
        printed_texts = [sketch.fingerprint for _, sketch in self._texts.values() if sketch.fingerprint is not None]
        self._alike = self.archive.alike(self.source_id, printed_texts)

    def compare_and_record(self, visit: Visit) -> None:
        """Steps 7 and 8 of one visit, and the acknowledgement that step 9 will commit."""
        changed = self._is_changed_list(visit)
        if visit.lead.kind == RESOURCE:
            self._acknowledge(visit, outcome.acknowledgement(visit, changed=changed, again=_file_again(visit)))
            return
        if visit.lead.kind == ARTICLE and (visit.is_put_off or visit.lead.has_unread) and not visit.finishes:
            self._put_off(visit)
            return
        reading = visit.reading
        is_part = reading is not None and reading.kind in WITH_TEXT - WHOLE
        if is_part and self._key(visit) not in self._latest:
            # better than nothing; later parts are no versions, so that the last good copy stays
            self._article(visit)
        is_home = visit.lead.kind == SECTION and urlsplit(visit.lead.url).path in ("", "/")
        is_whole = reading is not None and reading.kind in WHOLE and not is_home
        shows = visit.problem is None and is_whole and visit.answer is not None
        if shows:
            changed = self._article(visit)
        acknowledged = outcome.acknowledgement(visit, changed=changed, again=self._again(visit))
        if not shows and visit.lead.kind == ARTICLE and acknowledged.state != "pending":
            # one that is tried again in a moment is not over
            self._observe_absence(visit)
        is_list, is_new = visit.lead.kind in LISTS, visit.lead.attempts < outcome.MAX_ATTEMPTS
        if is_list and is_new and acknowledged.state != "pending" and tells_of_absence(visit):
            self.is_source_doubtful |= absence_word(visit) in ("unreachable", "blocked")
        self._acknowledge(visit, acknowledged)

    def _put_off(self, visit: Visit) -> None:
        """Leave it to be finished later: its page is not read, or an earlier one is not, and nobody knows yet which
        article that is."""
        shows = visit.problem is None
        if shows:
            visit.notes = [Note(UNREAD, "it is kept, and not read yet")]
        changed = not visit.is_the_same
        acknowledged = outcome.acknowledgement(visit, changed=changed, again=self._again(visit))
        if acknowledged.state != "pending" and (shows or tells_of_absence(visit)):
            record_id = visit.capture.record_id if visit.capture is not None else NO_RECORD
            waits = PutOff(record_id, None if shows else absence_word(visit))
            acknowledged = replace(acknowledged, put_off=waits)
        self._acknowledge(visit, acknowledged)

    def _acknowledge(self, visit: Visit, acknowledged: Acknowledgement) -> None:
        self.settlement.acknowledgements.append(replace(acknowledged, finishes=visit.finishes))
        self.settlement.found.append(visit.found)

    def _again(self, visit: Visit) -> timedelta:
        """How long until the next visit of this lead."""
        lead, urgency = visit.lead, self.urgency
        if lead.kind != ARTICLE:
            since = visit.at - lead.visited_at if lead.visited_at is not None else None
            return REVISITS.after_list(since, self._news[lead.id], urgency)
        if visit.problem is not None:
            retries = outcome.MAX_ATTEMPTS - 1 if visit.problem.passing else 0
            return REVISITS.after_absence(max(lead.attempts + 1 - retries, 1), urgency)
        latest = self._latest.get(self._key(visit))
        if latest is None:
            return REVISITS.after_good(age_of(lead.hints.get("published"), visit.at, visit.at), None, urgency)
        age = age_of(latest.date_published or lead.hints.get("published"), latest.captured_at, visit.at)
        since_change = visit.at - latest.captured_at if latest.version > 1 else None
        return REVISITS.after_good(age, since_change, urgency)

    def _is_changed_list(self, visit: Visit) -> bool:
        capture = visit.capture
        if visit.answer is None or capture is None or visit.answer.status == 304:
            return False
        last = visit.lead.last_capture
        return last is None or last.payload_digest != capture.payload_digest

    def _article(self, visit: Visit) -> bool:
        assert visit.reading is not None
        assert visit.reading.article is not None
        assert visit.answer is not None
        key, moved_from = self._key(visit), self._shown[visit.lead.id].moved_from
        latest = self._latest.get(key)
        article, sketch = self._texts[visit.lead.id]
        digest = sketch.digest
        verdict = compare(self._previous(latest, digest), digest)
        if moved_from is not None:
            self._observe(visit, "moved", moved_from, f"to {visit.answer.url}")
        if verdict.outcome == "unchanged":
            if moved_from is None:
                self._observe(visit, "unchanged", key)
            return False
        if sketch.fingerprint is None:
            # one of the same group came between
            sketch = Sketch.of(article)
        record = build_record(
            replace(visit.reading, article=article),
            capture=self._read_from(visit, visit.answer),
            browser=visit.rendered.browser if visit.rendered is not None else None,
            requested_url=visit.lead.url,
            found=visit.lead_facts,
            verdict=verdict,
            tls_verified=visit.answer.tls_verified,
            sketch=sketch,
        )
        if record.fingerprint is not None and record.fingerprint in self._alike:
            like = duplicate_of(record.fingerprint, self._alike[record.fingerprint])
            record = record.model_copy(update={"duplicate_of": like})
        line = record_line(record)
        version = Version(
            article=key,
            record_id=record.id,
            version=verdict.version,
            url=record.url,
            content_digest=digest,
            captured_at=visit.answer.capture.date,
            # it is known when the line is written
            records_key="",
            line=line.decode(),
            lead_id=visit.lead.id,
            canonical_url=record.canonical_url,
            headline=record.headline,
            date_published=record.date_published,
            in_language=record.in_language,
            fingerprint=record.fingerprint,
        )
        self._latest[key] = version
        self.settlement.versions.append(version)
        self.settlement.records.append(line)
        if verdict.outcome == "edited" and moved_from is None:
            self._observe(visit, "edited", key)
        return True

    def _read_from(self, visit: Visit, answer: Answer) -> Capture:
        """Where the bytes are that were read: the page's exchange, or the document that a browser made, kept now."""
        rendered = visit.rendered
        if rendered is None:
            return answer.capture
        if rendered.capture is None:
            conversion = rendered.conversion(answer.capture)
            rendered.capture = self.archive.keep(self.source_id, conversion, lead_id=visit.lead.id)
        return rendered.capture

    def _previous(self, latest: Version | None, digest: str) -> PreviousVersion | None:
        """The version before. One that still holds what was learned since as furniture counts as without it: learning
        is no edit."""
        if latest is None:
            return None
        before = latest.content_digest
        if before != digest:
            before = content_digest(self.furniture.apply(orjson.loads(latest.line)))
        return PreviousVersion(latest.record_id, latest.version, before)

    def _observe_absence(self, visit: Visit) -> None:
        if visit.is_the_same:
            self._observe(visit, "unchanged", self._key(visit))
        elif tells_of_absence(visit):
            self._observe(visit, absence_word(visit), self._key(visit))

    def _observe(self, visit: Visit, word: str, key: str, detail: str | None = None) -> None:
        capture = visit.capture
        seen = Observation(
            url=visit.lead.url,
            at=visit.at,
            outcome=word,
            detail=detail or (visit.problem.detail if visit.problem else None),
            article=key,
            lead_id=visit.lead.id,
            capture_record_id=capture.record_id if capture is not None else None,
        )
        self.settlement.observations.append(seen)
        self.settlement.records.append(observation_line(build_observation(seen, capture)))


def _file_again(visit: Visit) -> timedelta | None:
    """How long until the next visit of a page's file, None for not by itself."""
    problem = visit.problem
    may_pass = problem is not None and (problem.passing or problem.kind == "robots-unreachable")
    return REVISITS.after_file(visit.lead.attempts + 1, is_passing=may_pass)
