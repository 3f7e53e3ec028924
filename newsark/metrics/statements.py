"""How long the catalogue's statements take, measured at the database driver."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Engine, event

from storage.spread import Spread

KINDS = ("select", "insert", "update", "delete", "other")
FASTEST = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)


class Statements:
    """The time of each statement of an engine by its first word, from now on."""

    def __init__(self, engine: Engine) -> None:
        self.seconds = {kind: Spread(FASTEST) for kind in KINDS}
        event.listen(engine, "before_cursor_execute", self._begin)
        event.listen(engine, "after_cursor_execute", self._end)

    def _begin(self, _: Any, __: Any, ___: str, ____: Any, context: Any, _____: bool) -> None:
        if context is not None:
            context._newsark_began = time.perf_counter()

    def _end(self, _: Any, __: Any, statement: str, ___: Any, context: Any, ____: bool) -> None:
        began = getattr(context, "_newsark_began", None)
        if began is not None:
            kind = statement[:6].lower()
            self.seconds[kind if kind in KINDS else "other"].add(time.perf_counter() - began)
