"""A newsroom's year on a fake clock, watched by the real crawler: the ledger tells what was scripted, no more."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.year.comparison import LATEST, SOURCES
from tests.year.script import DAY, REMOVALS, START, written

ROOT = Path(__file__).parent.parent
ARTICLES, DAYS = 48, 365


@pytest.mark.timeout(900)
def test_everything_that_happened_in_a_year_is_in_the_ledger_and_nothing_else() -> None:
    command = [sys.executable, "benchmarks/year.py", "--articles", f"{ARTICLES}", "--days", f"{DAYS}", "--json"]
    # a reactor cannot start twice in a process
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = json.loads(done.stdout)
    scripted = Counter(
        f"{one.kind} {one.how}".strip()
        for article in written(ARTICLES, DAYS)
        for one in article.happenings
        if one.at < START + DAYS * DAY - LATEST
    )
    assert {f"removed {how}" for how in REMOVALS} <= set(scripted)
    assert Counter(told["found"]) >= scripted
    assert (told["missed"], told["false"]) == (0, {})
    assert sorted(told["sources"]) == sorted(SOURCES)
    # twelve months: nothing that grows with the visits
    early, late = told["memory_mb_and_files_by_month"][1], told["memory_mb_and_files_by_month"][-1]
    assert late[0] < 1.2 * early[0]
    assert late[1] <= early[1] + 5
