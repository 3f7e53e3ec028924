"""How often one visitor may search and build exports: what costs much must not keep others out."""

from __future__ import annotations

import math
import time
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from reading.web.door import WHO

LOGINS_PER_MINUTE = 10


class Pace:
    """Counts for each visitor; raises HTTPException 429 with Retry-After where it is too often. 0 is no bound."""

    def __init__(self, searches_per_minute: int, exports_per_hour: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._items = {
            "searches": RateLimitItemPerMinute(searches_per_minute) if searches_per_minute else None,
            "exports": RateLimitItemPerHour(exports_per_hour) if exports_per_hour else None,
            "logins": RateLimitItemPerMinute(LOGINS_PER_MINUTE),
        }

    def take(self, what: str, who: str) -> None:
        """Count one."""
        item = self._items[what]
        if item is None or self._limiter.hit(item, what, who):
            return
        reset = self._limiter.get_window_stats(item, what, who).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        raise HTTPException(429, f"that were too many {what}; ask again in {wait} s", {"Retry-After": str(wait)})


def _visitor(request: Request) -> str:
    return str(request.scope.get(WHO) or (request.client.host if request.client else ""))


def take_search(request: Request) -> None:
    """Count a search of whoever asks."""
    request.app.state.pace.take("searches", _visitor(request))


def take_export(request: Request) -> None:
    """Count an export of whoever asks."""
    request.app.state.pace.take("exports", _visitor(request))


def take_login(request: Request) -> None:
    """Count a try to log in."""
    request.app.state.pace.take("logins", request.client.host if request.client else "")


Searching = Annotated[None, Depends(take_search)]
Exporting = Annotated[None, Depends(take_export)]
LoggingIn = Annotated[None, Depends(take_login)]
