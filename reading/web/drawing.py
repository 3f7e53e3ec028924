"""Figures as SVG: Altair describes them, vl-convert draws them in this process; nothing is fetched."""

from __future__ import annotations

import re
import threading
from typing import Any

import altair as alt
import vl_convert

from reading.figures import Cover, DayCount, Delay, Step
from reading.wording import plain

WIDTH, HEIGHT = 640, 260
_INK = {"light": "#3a3a36", "dark": "#c9c6bd"}
_LINES = {"light": "#dedbd2", "dark": "#3a3934"}
# distinguishable for most eyes on both grounds (Okabe and Ito 2008, blue and orange first)
COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8c7f3f", "#999999"]
_NO_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")
_drawing = threading.Lock()


def by_day(counts: list[DayCount], names: dict[str, str], theme: str) -> str:
    """Articles a day, a colour for each source; of many sources the seven that brought most, and the rest as one."""
    totals: dict[str, int] = {}
    for one in counts:
        totals[one.source] = totals.get(one.source, 0) + one.articles
    first = sorted(totals, key=lambda source: -totals[source])[: len(COLOURS) - 1]
    merged: dict[tuple[str, str], int] = {}
    for one in counts:
        label = _label(names.get(one.source, one.source)) if one.source in first else "others"
        key = one.day.isoformat(), label
        merged[key] = merged.get(key, 0) + one.articles
    rows = [{"day": day, "source": label, "articles": count} for (day, label), count in merged.items()]
    chart = (
        alt.Chart(_values(rows))
        .mark_bar()
        .encode(
            x=alt.X("day:T", title="day of the first capture"),
            y=alt.Y("articles:Q", title="articles"),
            color=alt.Color("source:N", title="source", scale=alt.Scale(range=COLOURS)),
        )
    )
    return _svg(chart, theme)


def survival(steps: list[Step], theme: str) -> str:
    """The share of articles that are still up, by days since their first capture."""
    rows = [{"days": one.days, "share": one.share} for one in steps]
    lowest = min([one.share for one in steps], default=0.0)
    chart = (
        alt.Chart(_values(rows))
        .mark_line(interpolate="step-after", color=COLOURS[0], strokeWidth=2)
        .encode(
            x=alt.X(
                "days:Q",
                title="days since the first capture",
                scale=alt.Scale(domain=[0, max(1.0, steps[-1].days if steps else 1.0)]),
            ),
            y=alt.Y(
                "share:Q",
                title="share of articles still up",
                axis=alt.Axis(format="%"),
                scale=alt.Scale(domain=[max(0.0, lowest - 0.02), 1]),
            ),
        )
    )
    return _svg(chart, theme)


def delays(found: list[Delay], theme: str) -> str:
    """The share of changes that were seen within so many hours, for each kind."""
    rows: list[dict[str, Any]] = []
    for kind in sorted({one.kind for one in found}):
        ordered = sorted(one.hours for one in found if one.kind == kind)
        rows += [
            {"hours": max(hours, 0.1), "share": place / len(ordered), "kind": kind}
            for place, hours in enumerate(ordered, 1)
        ]
    chart = (
        alt.Chart(_values(rows))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X("hours:Q", title="hours at most until it was seen", scale=alt.Scale(type="log")),
            y=alt.Y("share:Q", title="share of changes", axis=alt.Axis(format="%")),
            color=alt.Color("kind:N", title="change", scale=alt.Scale(range=COLOURS)),
        )
    )
    return _svg(chart, theme)


def coverage(covers: list[Cover], names: dict[str, str], theme: str) -> str:
    """How much of each month is saved, a line for each source."""
    rows = [
        {"source": _label(names.get(one.source, one.source)), "month": one.month, "share": one.saved / one.known}
        for one in covers
    ]
    lines = len({row["source"] for row in rows})
    chart = (
        alt.Chart(_values(rows))
        .mark_rect()
        .encode(
            x=alt.X("month:O", title="month of publication"),
            y=alt.Y("source:N", title=None),
            color=alt.Color(
                "share:Q",
                title="saved",
                legend=alt.Legend(format="%"),
                scale=alt.Scale(domain=[0, 1], scheme="viridis"),
            ),
        )
        .properties(height=max(60, 22 * lines))
    )
    return _svg(chart, theme)


def _label(name: str) -> str:
    """A name as it may stand in a plot: what XML has no way to write would end the whole process in what draws."""
    return _NO_XML.sub("\ufffd", plain(name))[:40]


def _values(rows: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=rows)


def _svg(chart: alt.Chart, theme: str) -> str:
    ink, lines = _INK[theme], _LINES[theme]
    axis = {
        "labelColor": ink,
        "titleColor": ink,
        "gridColor": lines,
        "domainColor": lines,
        "tickColor": lines,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    }
    legend = {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12, "labelLimit": 220}
    spec = {"width": WIDTH, "height": HEIGHT, **chart.to_dict()}
    spec["config"] = {"background": "transparent", "axis": axis, "legend": legend, "view": {"stroke": None}}
    # one at a time: it is a JavaScript engine that draws
    with _drawing:
        return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
