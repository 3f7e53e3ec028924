"""What a visit means for its lead: state, reason, and when it is due again. Plain functions, no I/O."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from crawler.kinds import RESOURCE
from crawler.visit import Answer, Problem, Visit
from storage.leads import Acknowledgement, LeadState

MAX_ATTEMPTS = 3
RETRY_SECONDS = (5.0, 20.0)
REFUSED_AGAIN_AFTER = timedelta(hours=12)
# What ails a whole server and not the page, or how it was asked for: tried again by later crawls, once each.
FAILED_AGAIN_AFTER = timedelta(hours=6)
HEALED_BY_OTHERS = frozenset({"certificate", "challenge", "empty"})

# RFC 9110, 15: the server itself says that the condition is passing.
PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
PASSING_FAILURES = frozenset({"timeout", "dns", "connect", "disconnect", "tls"})


def problem_of(answer: Answer, expected: str) -> Problem | None:
    """What is wrong with an answer before anything is read from it, or None. `expected` is the lead's kind."""
    if answer.status == 304:
        return None
    if answer.status >= 400 or answer.status < 200:
        passing = answer.status in PASSING_STATUS
        return Problem(
            f"http-{answer.status}",
            f"the server answered {answer.status} for this {expected}",
            passing=passing,
        )
    if 300 <= answer.status < 400:
        return Problem(f"http-{answer.status}", "a redirect without a Location that could be followed")
    if answer.truncated is not None:
        detail = answer.truncated_detail or "the body is not whole"
        return Problem(f"truncated-{answer.truncated}", detail, passing=answer.truncated == "disconnect")
    return None


def acknowledgement(visit: Visit, *, changed: bool, again: timedelta | None = None) -> Acknowledgement:
    """Step 9 in one value. `changed` is False when the content is what was known already; `again` is when the policy of
    revisits wants to look again, None for not by itself."""
    problem = visit.problem
    if problem is None:
        done = _done(visit, "captured" if changed else "unchanged")
        return done if again is None else replace(done, next_due=visit.at + again)
    if problem.refused:
        # a site whose robots.txt cannot be had is away: asked again ever more rarely, as its articles would be
        is_away = problem.kind == "robots-unreachable"
        if visit.lead.kind == RESOURCE:
            due = None if again is None else visit.at + again
            return _made(visit, "refused", problem, due, visit.lead.attempts + is_away)
        wait = max(again or REFUSED_AGAIN_AFTER, REFUSED_AGAIN_AFTER) if is_away else REFUSED_AGAIN_AFTER
        return _made(visit, "refused", problem, visit.at + wait, visit.lead.attempts + is_away)
    attempts = visit.lead.attempts + problem.attempted
    if problem.passing and attempts < MAX_ATTEMPTS:
        return _made(visit, "pending", problem, visit.at + retry_delay(attempts, problem), attempts)
    if (problem.passing or problem.kind in HEALED_BY_OTHERS) and visit.lead.kind != RESOURCE:
        again = FAILED_AGAIN_AFTER if again is None else max(again, FAILED_AGAIN_AFTER)
    return _made(visit, "failed", problem, None if again is None else visit.at + again, attempts)


def retry_delay(attempts: int, problem: Problem) -> timedelta:
    """How long to wait after the given number of attempts; Retry-After is obeyed when it is longer."""
    seconds = RETRY_SECONDS[min(attempts, len(RETRY_SECONDS)) - 1]
    return timedelta(seconds=max(seconds, problem.retry_after_seconds or 0.0))


def _done(visit: Visit, state: LeadState) -> Acknowledgement:
    answer = visit.answer
    keeps_validators = answer is not None and answer.status != 304
    return Acknowledgement(
        lead_id=visit.lead.id,
        state=state,
        reason=visit.notes[0].kind if visit.notes else None,
        detail="; ".join(note.sentence for note in visit.notes) or None,
        visited_at=visit.at,
        attempts=0,
        next_due=None,
        etag=_validator(answer, "ETag") if keeps_validators else None,
        last_modified=_validator(answer, "Last-Modified") if keeps_validators else None,
        capture_record_id=_original_record_id(visit),
    )


def _validator(answer: Answer | None, name: str) -> str | None:
    """A validator that can be sent back: one with control or non-ASCII characters would not match, or not be sent."""
    value = answer.header(name) if answer is not None else None
    return value if value and value.isascii() and value.isprintable() else None


def _made(
    visit: Visit, state: LeadState, problem: Problem, next_due: datetime | None, attempts: int
) -> Acknowledgement:
    return Acknowledgement(
        lead_id=visit.lead.id,
        state=state,
        reason=problem.kind,
        detail=problem.detail,
        visited_at=visit.at,
        attempts=attempts,
        next_due=next_due,
    )


def _original_record_id(visit: Visit) -> str | None:
    # A later 304 or revisit must point at a whole response: of a page that is again what it once was, at the first one.
    capture = visit.capture
    if capture is None:
        return None
    return capture.record_id if capture.record_type == "response" else capture.refers_to
