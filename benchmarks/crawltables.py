"""What `crawl.py` prints: ratios, what each tool costs, the steps, what is stored; and the same as JSON."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.contenders import Run

GIVEN = ("newsark", "trafilatura", "trafilatura+")


@dataclass(slots=True)
class Result:
    """All that one call of `crawl.py` found out."""

    pages: int
    is_corpus: bool
    sizes: list[int]
    rounds: int
    load: float
    runs: dict[str, list[Run]] = field(default_factory=dict)
    does: dict[str, str] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)
    packed: float = 0.0
    missing: int = 0
    remarks: list[str] = field(default_factory=list)

    def cpu_ms(self, name: str, run: Run) -> float:
        """CPU milliseconds for each page that came out; for each that went in where a page may leave no file."""
        return 1000 * run.measured.cpu_seconds / max(1, self.pages if name in GIVEN else run.delivered)

    def speed(self, name: str, run: Run) -> float:
        """Pages a second, of the same pages."""
        return (self.pages if name in GIVEN else run.delivered) / run.measured.wall_seconds

    def ratios(self, one: str, other: str, value: Callable[[str, Run], float]) -> list[float]:
        """What a value of one tool is over that of another, round by round; nothing when one was not run."""
        pairs = zip(self.runs.get(one, ()), self.runs.get(other, ()), strict=False)
        return [value(one, mine) / value(other, theirs) for mine, theirs in pairs if value(other, theirs)]

    def median(self, name: str, value: Callable[[str, Run], float]) -> float:
        """The median of a value over the rounds."""
        return statistics.median(value(name, run) for run in self.runs[name])


def facts(result: Result) -> dict[str, Any]:
    """The figures as a dictionary for JSON; CPU in milliseconds a page, sizes in bytes."""

    def ratio(one: str, other: str, value: Callable[[str, Run], float] = result.cpu_ms) -> float | None:
        found = result.ratios(one, other, value)
        return round(statistics.median(found), 3) if found else None

    return {
        "pages": result.pages,
        "corpus": result.is_corpus,
        "rounds": result.rounds,
        "load": round(result.load, 2),
        "ratio_vs_trafilatura_cli": ratio("newsark", "trafilatura"),
        "ratio_vs_trafilatura_cli_with_metadata": ratio("newsark", "trafilatura+"),
        "ratio_vs_news_please": ratio("newsark", "news-please"),
        "speed_vs_news_please": ratio("newsark", "news-please", result.speed),
        "ratio_vs_newspaper4k": ratio("newsark", "newspaper4k"),
        "ratio_later_vs_wget": ratio("newsark later", "wget"),
        "ratio_later_vs_scrapy_webarchive": ratio("newsark later", "scrapy-webarchive"),
        "tools": {name: _tool(result, name) for name in result.runs},
        "cpu_ms_by_step": {name: round(1000 * took / result.pages, 3) for name, took in result.steps.items()},
        "stored_bytes_per_page": {part: round(size / result.pages) for part, size in result.stored.items()},
        "warc_over_zlib6": round(result.packed, 3),
        "missing": result.missing,
        "remarks": result.remarks,
    }


def _tool(result: Result, name: str) -> dict[str, Any]:
    middles = [run.measured.middle for run in result.runs[name]]
    cores = [middle.cores for middle in middles if middle is not None]
    return {
        "pages_per_second": round(result.median(name, result.speed), 1),
        "cpu_ms_per_page": round(result.median(name, result.cpu_ms), 2),
        "cores": round(result.median(name, lambda _, run: run.measured.cores), 2),
        "cores_in_the_middle": round(statistics.median(cores), 2) if cores else None,
        "peak_bytes": round(result.median(name, lambda _, run: run.measured.peak_bytes)),
        "delivered": min(run.delivered for run in result.runs[name]),
    }


def show(result: Result) -> None:
    """Print the tables."""
    sizes = result.sizes
    kind = "real pages, repeated under unique addresses" if result.is_corpus else "seeded pages"
    middle, high = sizes[len(sizes) // 2], sizes[len(sizes) * 9 // 10]
    print(f"{result.pages} {kind}: median {middle / 1000:.0f} kB, 90th percentile {high / 1000:.0f} kB, "
          f"largest {sizes[-1] / 1000:.0f} kB")  # fmt: skip
    print(f"rounds: {result.rounds}; load of this machine before: {result.load:.1f}, of {os.cpu_count()} processors\n")
    _show_ratios(result)
    _show_tools(result)
    if result.steps:
        _show_steps(result)
    _show_stored(result)
    for remark in dict.fromkeys(result.remarks):
        print(remark)
    if result.missing:
        print(f"NOT ARCHIVED: {result.missing} pages")


def _show_ratios(result: Result) -> None:
    lines = (
        ("CPU a page, newsark's over trafilatura's command line", "newsark", "trafilatura", result.cpu_ms),
        ("... over the same --with-metadata", "newsark", "trafilatura+", result.cpu_ms),
        ("... over news-please", "newsark", "news-please", result.cpu_ms),
        ("... over newspaper4k", "newsark", "newspaper4k", result.cpu_ms),
        ("pages a second, newsark's over news-please", "newsark", "news-please", result.speed),
        ("CPU a page, archive only, newsark's over wget", "newsark later", "wget", result.cpu_ms),
        ("... over scrapy-webarchive", "newsark later", "scrapy-webarchive", result.cpu_ms),
    )
    print("ratios")
    for words, one, other, value in lines:
        found = result.ratios(one, other, value)
        if found:
            spread = f"   ({min(found):.3f} to {max(found):.3f})" if len(found) > 1 else ""
            print(f"  {words:56}{statistics.median(found):>8.3f}{spread}")


def _show_tools(result: Result) -> None:
    heads = f"{'pages/s':>9}{'CPU ms/page':>13}{'cores busy':>12}{'in the middle':>15}{'peak MB':>9}{'pages':>8}"
    print(f"\n{'':19}{heads}")
    for name in result.runs:
        told = _tool(result, name)
        within = "" if told["cores_in_the_middle"] is None else f"{told['cores_in_the_middle']:.2f}"
        print(
            f"{name:19}{told['pages_per_second']:>9.1f}{told['cpu_ms_per_page']:>13.2f}{told['cores']:>12.2f}"
            f"{within:>15}{told['peak_bytes'] / 1e6:>9.0f}{told['delivered']:>8}   {result.does[name]}"
        )


def _show_steps(result: Result) -> None:
    total = sum(result.steps.values())
    print(f"\n{'newsark, by step':38}{'CPU ms/page':>12}{'share':>8}   (a crawl more, whose functions were timed)")
    for name, took in result.steps.items():
        print(f"{name:38}{1000 * took / result.pages:>12.2f}{took / total:>8.1%}")
    print(f"{'all':38}{1000 * total / result.pages:>12.2f}{1:>8.1%}")


def _show_stored(result: Result) -> None:
    parts = ", ".join(f"{part} {size / result.pages:.0f}" for part, size in result.stored.items())
    whole = sum(result.stored.values()) / result.pages
    print(f"\nbytes stored a page: {whole:.0f} ({parts})")
    print(f"the WARC's size over the same records packed by zlib at level 6: {result.packed:.3f}")
