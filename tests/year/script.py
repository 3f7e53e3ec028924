"""What happens to the articles of a newsroom in a year."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
WORDS = ("harbour", "council", "bridge", "river", "school", "market", "winter", "budget", "vote", "crane", "nurse")
REMOVALS = ("404", "410", "451", "soft404", "home", "section", "notice", "other")
REDESIGN, OUTAGE, WALL = 150 * DAY, (200 * DAY, 201 * DAY), (215 * DAY, 218 * DAY)
GONE = 120 * DAY
"""When the domain of the second newsroom is gone."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that the script does to an article: `kind` is as the ledger has it, `how` says more."""

    kind: str
    at: datetime
    how: str = ""


@dataclass(slots=True)
class Article:
    """One article and what happens to it, in the order of time."""

    number: int
    published: datetime
    happenings: list[Happening] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where it is."""
        return f"/news/{self.published:%Y/%m/%d}/{self.number}-{WORDS[self.number % len(WORDS)]}"

    @property
    def new_path(self) -> str:
        """Where it is after it moved."""
        return f"/archive/{self.number}-{WORDS[self.number % len(WORDS)]}-as-it-was-told-then"

    def happened(self, now: datetime, *kinds: str) -> list[Happening]:
        """What happened to it until now, of these kinds."""
        return [one for one in self.happenings if one.kind in kinds and one.at <= now]

    def gone(self, now: datetime) -> str | None:
        """How it is gone now, or None."""
        last = self.happened(now, "removed", "paywalled", "restored")
        return last[-1].how if last and last[-1].kind != "restored" else None


def written(count: int, days: int, seed: int = 7) -> list[Article]:
    """The articles with their script; of ten, six have one. A quarter is older than the watch."""
    chance = random.Random(seed)
    articles = []
    for number in range(count):
        old, new = chance.random() * 60 * DAY, chance.random() * days * 0.5 * DAY
        published = START - old if number % 4 == 0 else START + new
        article = Article(number, published.replace(microsecond=0))
        begin = max(article.published, START) + DAY
        moment = begin + chance.choice((2 * HOUR, 30 * HOUR, 9 * DAY, 40 * DAY))
        article.happenings = _scripted(number, moment)
        articles.append(article)
    return articles


def _scripted(number: int, moment: datetime) -> list[Happening]:
    # forty articles have every kind: those that come back have what those that stay away have not
    how = REMOVALS[(number // 10 + number % 2 * len(REMOVALS) // 2) % len(REMOVALS)]
    match number % 10:
        case 1:
            return [Happening("edited", moment, "loud")]
        case 2:
            return [Happening("edited", moment, "silent")]
        case 3:
            return [Happening("headline", moment, "loud")]
        case 4:
            return [Happening("removed", moment, how)]
        case 5:
            return [Happening("removed", moment, how), Happening("restored", moment + 30 * DAY)]
        case 6 if number % 20 == 6:
            return [Happening("moved", moment)]
        case 6:
            return [Happening("paywalled", moment, "402")]
        case _:
            return []
