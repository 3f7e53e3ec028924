"""Spacing per host, Crawl-delay and Retry-After, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from crawler.manners import Manners, retry_after_seconds

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


async def starts(manners: Manners, host: str, count: int) -> list[float]:
    """The loop times at which `count` requests to one host may start, asked for at once."""
    loop = asyncio.get_running_loop()

    async def one() -> float:
        await manners.turn(host)
        return loop.time()

    return sorted(await asyncio.gather(*(one() for _ in range(count))))


async def test_requests_to_one_host_start_apart() -> None:
    manners = Manners(0.05, asyncio.get_running_loop().time)
    times = await starts(manners, "a.example", 4)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert all(gap >= 0.049 for gap in gaps)


async def test_hosts_do_not_wait_for_each_other() -> None:
    manners = Manners(10.0, asyncio.get_running_loop().time)
    async with asyncio.timeout(1):
        await asyncio.gather(*(manners.turn(f"{name}.example") for name in "abc"))


async def test_crawl_delay_is_obeyed_when_it_is_longer() -> None:
    manners = Manners(0.0, asyncio.get_running_loop().time)
    manners.crawl_delay("a.example", 0.1)
    times = await starts(manners, "a.example", 2)
    assert times[1] - times[0] >= 0.099


async def test_a_shorter_crawl_delay_changes_nothing() -> None:
    manners = Manners(0.1, asyncio.get_running_loop().time)
    manners.crawl_delay("a.example", 0.001)
    times = await starts(manners, "a.example", 2)
    assert times[1] - times[0] >= 0.099


async def test_retry_after_holds_the_whole_host() -> None:
    manners = Manners(0.0, asyncio.get_running_loop().time)
    manners.hold("a.example", 0.15)
    begun = asyncio.get_running_loop().time()
    await manners.turn("a.example")
    assert asyncio.get_running_loop().time() - begun >= 0.149


async def test_a_stopped_crawl_waits_for_nobody() -> None:
    manners = Manners(0.0, asyncio.get_running_loop().time)
    manners.hold("a.example", 60)
    waiting = asyncio.create_task(manners.turn("a.example"))
    await asyncio.sleep(0.01)
    manners.stop()
    await asyncio.wait_for(waiting, 1)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Thu, 12 Mar 2026 12:00:30 GMT", 30.0),
        ("Thu, 12 Mar 2026 11:00:00 GMT", 0.0),
        ("999999999", 86400.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, NOW) == seconds
