"""What a visit that did not show an article says of it: whether anything, and in which word of observations."""

from __future__ import annotations

from urllib.parse import urlsplit

from crawler.visit import Answer, Visit
from pipelines.observation import Outcome

_WORDS: dict[str, Outcome] = {
    "paywalled": "paywalled",
    "challenge": "blocked",
    "consent": "blocked",
    "login": "blocked",
    "soft404": "removed",
    "removed-notice": "removed",
    "leads-elsewhere": "removed",
    "robots-unreachable": "unreachable",
}
"""What a page that is no whole article says of the article."""


def tells_of_absence(visit: Visit) -> bool:
    """Whether the visit found something wrong; one that a rule forbade found nothing."""
    problem = visit.problem
    return problem is not None and ((problem.attempted and not problem.refused) or problem.kind in _WORDS)


def absence_word(visit: Visit) -> str:
    """The observation word for a visit that did not show an article."""
    if visit.absence is not None:
        return visit.absence
    answer = visit.answer
    if visit.problem is not None and visit.problem.kind in _WORDS:
        return _WORDS[visit.problem.kind]
    if answer is None:
        return "unreachable"
    if answer.status < 300 and _is_sent_to_a_list(visit, answer):
        return "removed"
    words = {
        404: "removed",
        410: "removed",
        451: "removed",
        401: "paywalled",
        402: "paywalled",
        403: "blocked",
        429: "blocked",
    }
    if answer.status in words:
        return words[answer.status]
    return "unreachable" if answer.status >= 400 else "unreadable"


def _is_sent_to_a_list(visit: Visit, answer: Answer) -> bool:
    """Whether a redirect led from the article to a home page or a section instead."""
    was, now = urlsplit(visit.lead.url), urlsplit(answer.url)
    if (was.netloc, was.path, was.query) == (now.netloc, now.path, now.query):
        return False
    is_home = now.path in ("", "/") and not now.query and was.path not in ("", "/")
    return is_home or (visit.reading is not None and visit.reading.kind == "section")
