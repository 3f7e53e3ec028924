"""The newsroom's clock: it stands still until it is moved, so that pages have the same bytes each time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

OPENING = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
"""Where the clock starts: 34 stories are out, and three more appear on each of the next two days."""

DAY_SECONDS = 86_400.0


class Clock:
    """A moment that moves only when told to; `on_move` is called with the new moment."""

    def __init__(self, now: datetime = OPENING, on_move: Callable[[datetime], None] | None = None) -> None:
        if now.tzinfo is None:
            raise ValueError(f"{now.isoformat()} has no offset; write it as {now.isoformat()}+00:00")
        self._now = now.astimezone(UTC)
        self._on_move = on_move

    @property
    def now(self) -> datetime:
        """The moment the newsroom believes it is, in UTC."""
        return self._now

    def advance(self, seconds: float = DAY_SECONDS) -> datetime:
        """The new moment, `seconds` later; a day when nothing is said."""
        return self.set(self._now + timedelta(seconds=seconds))

    def set(self, moment: datetime) -> datetime:
        """The new moment in UTC, earlier ones included; raises ValueError when it has no offset."""
        self._now = Clock(moment).now
        if self._on_move is not None:
            self._on_move(self._now)
        return self._now
