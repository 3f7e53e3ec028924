"""How soon an edit or a removal is seen: the policy against uniform visits and plain decay by age, same requests.

python benchmarks/watching.py [--articles 10000] [--days 365] [--seed 1] [--json]

Rates. GDELT's Global Difference Graph (Global Trends in the Ephemerality of Online News, 2020): 19.4 % of articles
change their text within a week, 82 % of these within a day; 1.64 % are deleted within a week, 42.2 % of these within
a day. Pew Research Center (When Online Content Disappears, 2024): 8 % of pages are gone within their first year.
NewsEdits (Spangher and May, 2021): 4.6 million versions of 1.28 million articles, so that one that changes does so
several times. Within these spans moments are drawn evenly on the scale of log time, which is an assumption; beyond
the first week changes go on at the density of its later days, which is one too.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median, quantiles

from crawler.revisits import Revisits

HOUR = 1.0
DAY, WEEK = 24.0, 168.0
FIRST = 5 / 60
CHANGED_IN_WEEK, CHANGED_IN_DAY = 0.194, 0.82
GONE_IN_WEEK, GONE_IN_DAY, GONE_IN_YEAR = 0.0164, 0.422, 0.08
AGAIN, AGAIN_FROM, AGAIN_TO = 0.6, 0.25, 36.0
"""After a change another one follows with this chance, within so many hours: 2.5 changes where there is one."""

Wait = Callable[[float, float | None], float]


@dataclass(frozen=True, slots=True)
class Life:
    """An article's changes and its removal, in hours since it was published."""

    changes: tuple[float, ...]
    removal: float | None

    @property
    def events(self) -> list[float]:
        """All of them in the order of time."""
        return sorted([*self.changes, *([self.removal] if self.removal is not None else [])])


def log_between(chance: random.Random, low: float, high: float) -> float:
    """A moment drawn evenly on the scale of log time."""
    return math.exp(chance.uniform(math.log(low), math.log(high)))


def draw(chance: random.Random, hours: float) -> Life:
    """One article's life over so many hours."""
    changes: list[float] = []
    if chance.random() < CHANGED_IN_WEEK:
        early = chance.random() < CHANGED_IN_DAY
        changes.append(log_between(chance, FIRST, DAY) if early else log_between(chance, DAY, WEEK))
    late = CHANGED_IN_WEEK * (1 - CHANGED_IN_DAY) * math.log(hours / WEEK) / math.log(WEEK / DAY)
    if chance.random() < late:
        changes.append(log_between(chance, WEEK, hours))
    for first in tuple(changes):
        moment = first
        while chance.random() < AGAIN:
            moment += log_between(chance, AGAIN_FROM, AGAIN_TO)
            changes.append(moment)
    removal = None
    fate = chance.random()
    if fate < GONE_IN_WEEK * GONE_IN_DAY:
        removal = log_between(chance, FIRST, DAY)
    elif fate < GONE_IN_WEEK:
        removal = log_between(chance, DAY, WEEK)
    elif fate < GONE_IN_YEAR:
        removal = log_between(chance, WEEK, 365 * DAY)
    end = min(hours, removal if removal is not None else hours)
    return Life(tuple(sorted(one for one in changes if one < end)), removal if removal and removal < hours else None)


def watch(life: Life, wait: Wait, hours: float) -> tuple[list[float], int, int]:
    """The delay of each event until the visit that saw it, the visits made, and the versions that were seen.

    Events that no visit saw before the end count with the time until then.
    """
    events, delays, visits, versions = life.events, [], 0, 0
    now, seen, changed = 0.0, 0, None
    while True:
        now += wait(now, None if changed is None else now - changed)
        if now >= hours:
            break
        visits += 1
        fresh = [moment for moment in events[seen:] if moment <= now]
        if fresh:
            delays += [now - moment for moment in fresh]
            seen += len(fresh)
            changed = now
            versions += 1
        if life.removal is not None and life.removal <= now:
            # confirmed, and then looked at as rarely by every policy: left out of all of them
            break
    return delays + [hours - moment for moment in events[seen:]], visits, versions


def policy_wait(scale: float = 1.0) -> Wait:
    """The policy; `scale` stretches every time."""
    policy = Revisits()

    def wait(age: float, since_change: float | None) -> float:
        quiet = None if since_change is None else timedelta(hours=since_change)
        return scale * policy.after_good(timedelta(hours=age), quiet) / timedelta(hours=1)

    return wait


def decay_wait(scale: float) -> Wait:
    """Decay by age alone: the wait grows with the root of the age, as is best for a rate that falls with it."""
    return lambda age, _: scale * math.sqrt(age + 1)


def uniform_wait(scale: float) -> Wait:
    """The same wait always."""
    return lambda _age, _change: scale


def fitted(make: Callable[[float], Wait], lives: Sequence[Life], hours: float, requests: int) -> Wait:
    """The policy of that kind that makes as many requests over these lives."""
    low, high = 0.01, hours
    for _ in range(40):
        middle = math.sqrt(low * high)
        made = sum(watch(life, make(middle), hours)[1] for life in lives)
        low, high = (middle, high) if made > requests else (low, middle)
    return make(high)


def main() -> None:
    """Draw the lives, watch them three ways, print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--articles", type=int, default=10_000)
    options.add_argument("--days", type=float, default=365)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    chance = random.Random(chosen.seed)
    hours = chosen.days * DAY
    lives = [draw(chance, hours) for _ in range(chosen.articles)]
    requests = sum(watch(life, policy_wait(), hours)[1] for life in lives)
    sample = lives[:1000]
    budget = sum(watch(life, policy_wait(), hours)[1] for life in sample)
    ways = {
        "policy": policy_wait(),
        "uniform": fitted(uniform_wait, sample, hours, budget),
        "age-only": fitted(decay_wait, sample, hours, budget),
    }
    rows = {}
    for name, wait in ways.items():
        watched = [watch(life, wait, hours) for life in lives]
        delays = [delay for found, _, _ in watched for delay in found]
        gone = [found[-1] for life, (found, _, _) in zip(lives, watched, strict=True) if life.removal is not None]
        rows[name] = {
            "requests": sum(visits for _, visits, _ in watched),
            "medianHours": round(median(delays), 2),
            "p90Hours": round(quantiles(delays, n=10)[8], 2),
            "removalMedianHours": round(median(gone), 2),
            "versionsSeen": sum(seen for _, _, seen in watched),
        }
    ratio = rows["policy"]["medianHours"] / rows["uniform"]["medianHours"]
    events = sum(len(life.events) for life in lives)
    if chosen.json:
        print(json.dumps({"articles": len(lives), "events": events, "rows": rows, "ratio_vs_uniform": ratio}))
        return
    print(
        f"{len(lives):,} articles, {events:,} events in {chosen.days:g} days, {requests / len(lives):.1f} visits each"
    )
    print(f"{'':10}{'requests':>10}{'median h':>10}{'p90 h':>10}{'removals h':>12}{'versions':>10}")
    for name, row in rows.items():
        print(
            f"{name:10}{row['requests']:>10,}{row['medianHours']:>10}{row['p90Hours']:>10}"
            f"{row['removalMedianHours']:>12}{row['versionsSeen']:>10,}"
        )
    print(f"the policy's median is {ratio:.3f} of the uniform one's")


if __name__ == "__main__":
    main()
