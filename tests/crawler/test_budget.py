"""A daily budget: never exceeded, whatever is under way at once, and remembered over a crash."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from crawler.budget import LEAST_BYTES, Budget, BudgetSpent
from storage.spending import Spent

NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
MB = 1_000_000


class Memory:
    """What was promised, and the time: all that outlives a process."""

    def __init__(self) -> None:
        self.now = NOON
        self.promised: dict[str, Spent] = {}

    async def load(self, day: str) -> Spent:
        return self.promised.get(day, Spent(day))

    async def save(self, spent: Spent) -> None:
        self.promised[spent.day] = spent

    def budget(self, requests: int | None = None, size: int | None = None, most: int = 32 * MB) -> Budget:
        return Budget(requests, size, most_bytes=most, load=self.load, save=self.save, clock=lambda: self.now)


async def asked(budget: Budget, size: int = 0) -> int | None:
    """The most that the request could have brought, or None when it was not allowed."""
    try:
        async with budget.request("a.example") as allowance:
            await asyncio.sleep(0)
            allowance.used = size if allowance.max_bytes is None else min(size, allowance.max_bytes)
            return allowance.max_bytes if allowance.max_bytes is not None else -1
    except BudgetSpent:
        return None


async def test_requests_end_with_the_day_and_begin_with_the_next() -> None:
    memory = Memory()
    budget = memory.budget(requests=3)
    assert [await asked(budget) for _ in range(5)] == [-1, -1, -1, None, None]
    assert budget.is_spent
    assert budget.exhausted == "3 requests"
    memory.now = NOON + timedelta(hours=12)
    assert not budget.is_spent
    assert await asked(budget) == -1


async def test_it_says_when_the_next_day_begins() -> None:
    budget = Memory().budget(requests=1)
    await asked(budget)
    with pytest.raises(BudgetSpent, match=r"begins in 12\.0 h") as caught:
        async with budget.request("a.example"):
            raise AssertionError("nothing may be asked for")
    assert caught.value.seconds == pytest.approx(12 * 3600 + 1)


async def test_many_at_once_do_not_exceed_it() -> None:
    memory = Memory()
    budget = memory.budget(requests=10, size=20 * MB, most=4 * MB)
    results = await asyncio.gather(*(asked(budget, 3 * MB) for _ in range(30)))
    allowed = [most for most in results if most is not None]
    brought = sum(min(3 * MB, most) for most in allowed)
    assert len(allowed) <= 10
    assert 16 * MB < brought <= 20 * MB
    assert memory.promised[f"{NOON:%Y-%m-%d}"].bytes <= 20 * MB


async def test_the_last_body_may_bring_what_is_left_and_no_more() -> None:
    budget = Memory().budget(size=10 * MB, most=8 * MB)
    assert await asked(budget, 8 * MB) == 8 * MB
    assert await asked(budget, 8 * MB) == 2 * MB
    assert await asked(budget) is None


async def test_what_a_crash_left_unused_counts_as_used() -> None:
    memory = Memory()
    before = memory.budget(requests=1000)
    for _ in range(5):
        await asked(before)
    after = memory.budget(requests=1000)
    rest = 0
    while await asked(after) is not None:
        rest += 1
    assert 985 <= rest <= 995


async def test_a_clean_end_takes_back_what_was_not_used() -> None:
    memory = Memory()
    before = memory.budget(requests=1000, size=100 * MB)
    await asked(before, 5 * MB)
    await before.close()
    assert memory.promised[f"{NOON:%Y-%m-%d}"] == Spent(f"{NOON:%Y-%m-%d}", 1, 5 * MB)
    assert LEAST_BYTES < 5 * MB


async def test_without_one_nothing_is_counted_and_nothing_written() -> None:
    memory = Memory()
    assert await asked(memory.budget(), 99 * MB) == -1
    assert memory.promised == {}
