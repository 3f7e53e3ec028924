"""The named problem behind an error: every way in which a request can end has one word."""

from __future__ import annotations

from scrapy.exceptions import IgnoreRequest

from crawler.handler import FetchFailed
from crawler.manners import HostHeld
from crawler.outcome import PASSING_FAILURES
from crawler.redirects import RedirectRefused
from crawler.rendering.rendered import NoBrowser, NotRendered
from crawler.visit import Problem
from storage.errors import Refused
from storage.log import Log

log = Log(__name__)


def problem_from(error: BaseException) -> Problem:
    """What a report says of the error; one that nobody foresaw is logged, and is an `internal-error`."""
    if isinstance(error, Refused):
        return Problem(error.rule, error.problem, refused=True)
    if isinstance(error, NotRendered):
        return Problem(error.kind, str(error), passing=isinstance(error, NoBrowser))
    if isinstance(error, RedirectRefused):
        return Problem(error.kind, str(error))
    if isinstance(error, HostHeld):
        return Problem(error.kind, str(error), passing=True, attempted=False, retry_after_seconds=error.seconds)
    if isinstance(error, FetchFailed):
        return Problem(error.kind, str(error), passing=error.kind in PASSING_FAILURES)
    if isinstance(error, IgnoreRequest):
        return Problem("ignored", str(error), refused=True)
    log.error("internal-error", "a visit ended in an error of ours", error)
    return Problem("internal-error", f"{type(error).__name__}: {error}")
