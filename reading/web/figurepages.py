"""The figures' page: four plots, each with the table behind it, and each as SVG and as JSON."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from fastapi.responses import Response

from reading.figures import Cover, DayCount, Delay, Step, articles_by_day, coverage, delays, quantiles, survival
from reading.web.facts import Facts
from reading.web.room import Room, TheRoom

SHOWN_STEPS = (1, 7, 30, 90, 180, 365)
SHOWN_DAYS = 30
_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "max-age=60"}


class Plot(StrEnum):
    """The plots there are."""

    BY_DAY = "by-day"
    SURVIVAL = "survival"
    DELAYS = "delays"
    COVERAGE = "coverage"


class DayLine(Facts):
    """How many articles of each source came in on a day."""

    day: date
    sources: dict[str, int]


class SurvivalLine(Facts):
    """The share of articles that are still up so many days after their first capture; null as long as none was seen
    for so long."""

    days: int
    share: float | None


class DelayLine(Facts):
    """How many changes of a kind were seen, and after how many hours at most: the half of them, and nine of ten."""

    kind: str
    changes: int
    median_hours: float | None
    p90_hours: float | None


class CoverLine(Facts):
    """How much of a month's articles of a source is saved."""

    source: str
    month: str
    known: int
    saved: int


class Figures(Facts):
    """The tables behind the four plots."""

    days: list[DayLine]
    survival: list[SurvivalLine]
    delays: list[DelayLine]
    coverage: list[CoverLine]
    names: dict[str, str]


def figures(room: TheRoom) -> Figures:
    """What came in by day and source, how long articles stay up, how soon changes are seen, and what is covered."""
    return Figures(
        days=_days(_by_day(room))[:SHOWN_DAYS],
        survival=[SurvivalLine(days=days, share=_share(_survival(room), days)) for days in SHOWN_STEPS],
        delays=_delay_lines(_delays(room)),
        coverage=[
            CoverLine(source=one.source, month=one.month, known=one.known, saved=one.saved) for one in _coverage(room)
        ],
        names=room.source_names(),
    )


def figure(room: TheRoom, plot: Plot, theme: Literal["light", "dark"] = "light") -> Response:
    """One of the plots as SVG."""
    svg = room.remembered.get(f"plot {plot} {theme}", lambda: _draw(room, plot, theme))
    return Response(svg, media_type="image/svg+xml", headers=_POLICY)


def _draw(room: Room, plot: Plot, theme: str) -> str:
    # the libraries that draw take half a second to load
    from reading.web import drawing

    if plot is Plot.BY_DAY:
        return drawing.by_day(_by_day(room), room.source_names(), theme)
    if plot is Plot.SURVIVAL:
        return drawing.survival(_survival(room), theme)
    if plot is Plot.DELAYS:
        return drawing.delays(_delays(room), theme)
    return drawing.coverage(_coverage(room), room.source_names(), theme)


def _by_day(room: Room) -> list[DayCount]:
    now = room.archive.clock()
    return room.remembered.get("by day", lambda: room.with_whole(lambda one: articles_by_day(one, now)))


def _survival(room: Room) -> list[Step]:
    return room.remembered.get("survival", lambda: survival(room.archive, room.confirmations))


def _delays(room: Room) -> list[Delay]:
    return room.remembered.get("delays", lambda: delays(room.archive, room.confirmations))


def _coverage(room: Room) -> list[Cover]:
    now = room.archive.clock()
    return room.remembered.get("covers", lambda: room.with_whole(lambda one: coverage(one, now)))


def _days(counts: list[DayCount]) -> list[DayLine]:
    """The days, the newest first."""
    found: dict[date, dict[str, int]] = {}
    for one in counts:
        found.setdefault(one.day, {})[one.source] = one.articles
    return [DayLine(day=day, sources=found[day]) for day in sorted(found, reverse=True)]


def _share(steps: list[Step], days: int) -> float | None:
    seen = steps[-1].days if steps else 0
    return next((one.share for one in reversed(steps) if one.days <= days), None) if seen >= days else None


def _delay_lines(found: list[Delay]) -> list[DelayLine]:
    lines = []
    for kind in sorted({one.kind for one in found}):
        hours = [one.hours for one in found if one.kind == kind]
        told = quantiles(hours)
        lines.append(DelayLine(kind=kind, changes=len(hours), median_hours=told["median"], p90_hours=told["p90"]))
    return lines
