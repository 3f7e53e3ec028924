"""Waiting for room: who is told of a pause is told of its end, and of nothing after it."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest

from crawler import diskspace
from crawler.diskspace import DiskLimits, DiskSpace


async def test_nobody_is_told_of_a_pause_that_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diskspace, "FIRST_WAIT_SECONDS", 0.02)
    told: list[str | None] = []
    space = DiskSpace(tmp_path, DiskLimits(reserve_bytes=0))
    space.listen(told.append)
    attempts = 0

    async def attempt() -> str:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "x"))
        return "kept"

    assert await space.kept(attempt, asyncio.Event()) == "kept"
    assert not space.is_paused
    await asyncio.sleep(0.2)
    assert told[0] is not None
    assert told[-1] is None
    assert told.count(None) == 1
