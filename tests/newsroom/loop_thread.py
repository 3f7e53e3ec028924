"""An asynchronous context manager run in a thread with its own loop, for tests that are not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")

START_SECONDS = 30.0


@contextmanager
def in_thread(serving: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """What `serving` gives, while its loop runs in a thread; both end with the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="served", daemon=True)
    thread.start()
    try:
        served = asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(START_SECONDS)
        try:
            yield served
        finally:
            ending = serving.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(ending, loop).result(START_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_SECONDS)
        loop.close()
