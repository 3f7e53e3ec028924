"""Loaded by the fork server of the readers alone: a worker that is told to start when the pool closes is no news."""

from __future__ import annotations

import sys
from types import TracebackType


def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell of an error as Python does, but not of a worker whose pool was gone before the worker had begun."""
    # multiprocessing.forkserver reports this one: the pool's semaphores are unlinked by then
    if not (isinstance(error, FileNotFoundError) and error.filename is None):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = tell
