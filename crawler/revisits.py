"""When to look again: one policy for articles and for the lists that name them. Plain functions of time, no I/O.

What happens to an article happens mostly soon after it was published, and soon after something else happened to it:
the time to the next visit is a share of the time since then. docs/watching.md has the figures behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Revisits:
    """The policy. `urgency` is a source's: each step of it halves every time."""

    share: float = 0.4
    shortest: timedelta = HOUR
    longest: timedelta = timedelta(days=21)
    absences: Sequence[timedelta] = (6 * HOUR, 20 * HOUR, 2 * DAY, 5 * DAY, 14 * DAY)
    list_shortest: timedelta = timedelta(minutes=10)
    list_longest: timedelta = timedelta(hours=6)
    missing_file: timedelta = DAY
    missing_visits: int = 6

    def after_good(self, age: timedelta, since_change: timedelta | None, urgency: int = 0) -> timedelta:
        """Until the next visit of an article that was there: `age` since its publication, `since_change` since the last
        change of it was seen, None when none was."""
        quiet = age if since_change is None else min(age, since_change)
        return min(max(self.share * quiet, self.shortest), self.longest) / float(2**urgency)

    def after_absence(self, visits: int, urgency: int = 0) -> timedelta:
        """Until the next visit of one that was not: `visits` is how many in a row found it so, this one with them.

        The first come soon, to make a fact of a suspicion; the later ones find out whether it came back.
        """
        step = self.absences[visits - 1] if visits <= len(self.absences) else self.longest
        return step / float(2 ** min(urgency, 1))

    def after_file(self, attempts: int, *, is_passing: bool) -> timedelta | None:
        """Until the next visit of a page's file: what was kept is kept, and what is missing is asked for on a few days
        where that may help."""
        return self.missing_file if is_passing and attempts < self.missing_visits else None

    def after_list(self, since_visit: timedelta | None, found: int, urgency: int = 0) -> timedelta:
        """Until the next visit of a feed, sitemap or section: half the time when it had news, half as long again when
        it had none."""
        before = since_visit if since_visit is not None else self.list_shortest
        wait = before / 2 if found else before * 1.5
        return min(max(wait, self.list_shortest), self.list_longest) / float(2**urgency)


def age_of(published: str | None, first_seen: datetime, now: datetime) -> timedelta:
    """How old an article is: since it was published, where it says so in ISO 8601, else since it was first seen."""
    try:
        moment = datetime.fromisoformat(published) if published else first_seen
    except ValueError:
        moment = first_seen
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(now - moment, timedelta(0))
