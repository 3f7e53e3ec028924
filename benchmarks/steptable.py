"""The CPU time of a crawl by step, from the files that its processes wrote (`benchmarks/steptimes.py`)."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from benchmarks.steptimes import FUNCTIONS

START_UP = "start-up: the command"
READERS = "start-up: the readers' fork server"
LOOP = "Scrapy and the event loop"
KEEPER = "the keeper thread, between"
HANDING = "pages to readers and back"
REST = "other processes, and ends"


def step_times(times: Path, cpu_seconds: float) -> tuple[dict[str, float], list[str]]:
    """CPU seconds by step, adding up to `cpu_seconds`; and which functions are not there any more."""
    found: defaultdict[str, float] = defaultdict(float)
    missing: set[str] = set()
    for path in times.glob("*.json"):
        facts = json.loads(path.read_text())
        missing.update(facts["missing"])
        steps = {step: took / 1e9 for step, took in facts["steps"].items()}
        process = facts["process"] / 1e9
        if facts["role"] == "fork server":
            found[READERS] += process
            continue
        for step, took in steps.items():
            found[_place(step, facts["role"])] += took
        found[HANDING if facts["role"] in ("main", "reader") else REST] += max(0.0, process - sum(steps.values()))
    found[REST] += cpu_seconds - sum(found.values())
    order = [*FUNCTIONS, LOOP, KEEPER, HANDING, START_UP, READERS, REST]
    return {name: found[name] for name in order}, sorted(missing)


def _place(step: str, role: str) -> str:
    if step in FUNCTIONS:
        return step
    if role == "reader":
        return HANDING
    if role != "main":
        return REST
    if step == "start-up":
        return START_UP
    return LOOP if step == "thread MainThread" else KEEPER if step.startswith("thread keeper") else HANDING
