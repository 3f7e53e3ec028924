"""Killed in the middle of a round of visits, again and again: the ledger misses nothing and tells nothing twice."""

from __future__ import annotations

import random
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from tests.articlesite import OTHER, Site, article
from tests.cli import newsark
from tests.crawling import Crawling, start_site, wait_until
from tests.in_process import asked

KILLS = 20
LONGEST_SECONDS = 0.9
"""A round of visits takes about so long after its first request."""


def change(site: Site) -> None:
    """Everything that can happen to an article."""
    site.pages["edited"] = article("edited", "Hall edited sold", "This is the report called edited, and it was mended.")
    site.pages["renamed"] = article("renamed", "Hall renamed is not sold")
    site.pages |= {"gone": 410, "home": (302, "/"), "busy": 403}
    site.pages |= {"moved": (301, "/news/here-now"), "here-now": article("moved", "Hall moved sold")}
    site.pages |= {"replaced": (302, "/news/other"), "other": OTHER}


def _has_begun(site: Site, before: int, crawling: Crawling) -> bool:
    return len(site.asked) > before or crawling.process.poll() is not None


EXPECTED = Counter(
    {
        ("edited", "edited"): 1,
        ("renamed", "headline"): 1,
        ("gone", "removed"): 1,
        ("home", "removed"): 1,
        ("busy", "blocked"): 1,
        ("moved", "moved"): 1,
        ("replaced", "removed"): 1,
    }
)


@pytest.mark.timeout(600)
def test_twenty_kills_change_nothing_in_the_ledger(site: Site, tmp_path: Path) -> None:
    first = start_site(site.url + "/", tmp_path).ended()
    assert first.code == 0, first.err
    change(site)
    chance, killed_under_way = random.Random(20261124), 0
    for _ in range(KILLS):
        seen = len(site.asked)
        crawling = start_site(site.url + "/", tmp_path, "--again")
        wait_until(partial(_has_begun, site, seen, crawling))
        time.sleep(chance.random() * LONGEST_SECONDS)
        killed_under_way += crawling.process.poll() is None
        crawling.kill()
    assert killed_under_way >= KILLS / 2
    last = start_site(site.url + "/", tmp_path, "--again").ended()
    assert last.code in (0, 1), last.err
    entries = newsark("ledger", "--json", "--archive", "archive", cwd=tmp_path).lines
    assert Counter((one["url"].rpartition("/")[2], one["kind"]) for one in entries) == EXPECTED
    assert asked("verify", "--deep", "--archive", "archive", cwd=tmp_path).code == 0
