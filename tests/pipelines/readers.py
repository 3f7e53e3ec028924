"""Readers that do to a worker what pages may do to it; a pool imports them by name."""

from __future__ import annotations

import os
import time

from pipelines.page import PageInput, ReadLimits
from pipelines.read import Reading
from storage.errors import BodyUndecodable


def misbehave(page: PageInput, _limits: ReadLimits) -> Reading:
    """What the page's body says: hang, die, fail, or answer with the worker's process id."""
    if page.body == b"hang":
        time.sleep(600)
    if page.body == b"spin":
        while True:
            pass
    if page.body == b"die":
        os._exit(9)
    if page.body == b"fail":
        raise ZeroDivisionError("a fault of the reader")
    return Reading(page.url, "article", str(os.getpid()))


def refuse(encoding: str) -> None:
    """Raises an error whose class needs two arguments."""
    raise BodyUndecodable(encoding, "broken")
