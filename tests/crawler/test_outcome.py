"""What a visit means for its lead: a table of answers and endings, and what each leads to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crawler.outcome import FAILED_AGAIN_AFTER, MAX_ATTEMPTS, acknowledgement, problem_of
from crawler.visit import Answer, Problem, Visit
from storage.capture import Capture
from storage.lead import Lead

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
URL = "http://l.example/a"


def capture(kind: str = "response") -> Capture:
    """Where an answer is kept."""
    return Capture(key="k", offset=0, length=1, record_id="<urn:uuid:1>", record_type=kind, date=NOW, url=URL)


def answer(status: int = 200, *, truncated: str | None = None, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer with that status."""
    return Answer(URL, status, headers, b"", capture(), truncated, None, None)


def visit(*, attempts: int = 0, **facts: object) -> Visit:
    """A visit to an article."""
    lead = Lead(1, URL, "article", None, None, 1, {}, attempts, None, None, None, None)
    return Visit(lead, NOW, **facts)


@pytest.mark.parametrize(
    ("status", "kind", "passing"),
    [
        (404, "http-404", False),
        (410, "http-410", False),
        (403, "http-403", False),
        (451, "http-451", False),
        (429, "http-429", True),
        (500, "http-500", True),
        (503, "http-503", True),
        (302, "http-302", False),
        (199, "http-199", False),
    ],
)
def test_a_status_that_is_no_success_is_a_named_problem(status: int, kind: str, passing: bool) -> None:
    problem = problem_of(answer(status), "article")
    assert problem is not None
    assert (problem.kind, problem.passing) == (kind, passing)


@pytest.mark.parametrize("status", [200, 203, 304])
def test_a_success_is_no_problem(status: int) -> None:
    assert problem_of(answer(status), "article") is None


@pytest.mark.parametrize(("cut", "passing"), [("length", False), ("time", False), ("disconnect", True)])
def test_a_cut_body_is_a_problem(cut: str, passing: bool) -> None:
    problem = problem_of(answer(truncated=cut), "article")
    assert problem is not None
    assert (problem.kind, problem.passing) == (f"truncated-{cut}", passing)


def test_new_content_is_captured_and_the_same_content_unchanged() -> None:
    assert acknowledgement(visit(answer=answer()), changed=True).state == "captured"
    assert acknowledgement(visit(answer=answer()), changed=False).state == "unchanged"


def test_a_passing_failure_is_tried_again_and_then_failed() -> None:
    problem = Problem("timeout", "too slow", passing=True)
    first = acknowledgement(visit(problem=problem), changed=False)
    assert (first.state, first.attempts) == ("pending", 1)
    assert first.next_due is not None
    assert first.next_due > NOW
    last = acknowledgement(visit(problem=problem, attempts=MAX_ATTEMPTS - 1), changed=False)
    assert (last.state, last.reason, last.next_due) == ("failed", "timeout", NOW + FAILED_AGAIN_AFTER)


def test_a_lasting_failure_is_not_tried_again_by_itself() -> None:
    done = acknowledgement(visit(problem=Problem("http-404", "gone")), changed=False)
    assert (done.state, done.next_due) == ("failed", None)


def test_a_visit_that_was_not_made_is_no_attempt() -> None:
    held = Problem("retry-after", "left alone", passing=True, attempted=False, retry_after_seconds=3600)
    for _ in range(MAX_ATTEMPTS + 1):
        done = acknowledgement(visit(problem=held, attempts=MAX_ATTEMPTS - 1), changed=False)
        assert (done.state, done.attempts) == ("pending", MAX_ATTEMPTS - 1)
        assert done.next_due == NOW + timedelta(hours=1)


def test_retry_after_is_obeyed_when_it_is_longer() -> None:
    problem = Problem("http-503", "busy", passing=True, retry_after_seconds=3600)
    assert acknowledgement(visit(problem=problem), changed=False).next_due == NOW + timedelta(hours=1)


def test_a_refusal_is_asked_about_again_another_day() -> None:
    done = acknowledgement(visit(problem=Problem("robots", "line 3", refused=True)), changed=False)
    assert (done.state, done.reason, done.detail) == ("refused", "robots", "line 3")
    assert done.next_due is not None
    assert done.next_due > NOW + timedelta(hours=1)


def test_validators_are_kept_only_where_they_can_be_sent_back() -> None:
    whole = answer(headers=(("ETag", '"1"'), ("Last-Modified", "Thu, 12 Mar 2026 12:00:00 GMT")))
    done = acknowledgement(visit(answer=whole), changed=True)
    assert (done.etag, done.last_modified) == ('"1"', "Thu, 12 Mar 2026 12:00:00 GMT")
    odd = acknowledgement(
        visit(answer=answer(headers=(("ETag", '"\0"'), ("Last-Modified", "gestern früh")))), changed=True
    )
    assert (odd.etag, odd.last_modified) == (None, None)


def test_a_304_keeps_the_validators_and_the_capture_that_there_were() -> None:
    done = acknowledgement(visit(answer=answer(304, headers=(("ETag", '"2"'),))), changed=False)
    assert (done.etag, done.state) == (None, "unchanged")


def test_only_a_whole_response_becomes_what_later_visits_refer_to() -> None:
    revisited = Answer(URL, 200, (), b"", capture("revisit"), None, None, None)
    assert acknowledgement(visit(answer=revisited), changed=False).capture_record_id is None
    assert acknowledgement(visit(answer=answer()), changed=True).capture_record_id == "<urn:uuid:1>"
