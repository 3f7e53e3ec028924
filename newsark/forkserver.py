"""Loaded by the fork server of the readers alone, and last: what was loaded before stays as it is."""

from __future__ import annotations

import gc
import sys
from types import TracebackType


def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell of an error as Python does, but not of a worker whose pool was gone before the worker had begun: a worker
    that is told to start when the pool closes is no news."""
    # multiprocessing.forkserver reports this one: the pool's semaphores are unlinked by then
    if not (isinstance(error, FileNotFoundError) and error.filename is None):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = tell
# readers share its memory for as long as nobody looks for garbage there, and it ends without doing so
gc.freeze()
