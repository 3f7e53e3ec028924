"""A sample newsroom: an invented newspaper in three languages whose clock can be moved, on a loopback port.

    async with serve_newsroom() as site:     in a test's own event loop
    with running_newsroom() as site:         in a thread
    with newsroom_process() as process:      in a process, for measurements
    python -m tests.newsroom --port 8080     by hand and for the demo

At the opening moment 34 stories are out. Each of the two next days brings one more in every language. On the
first, one story's headline and third paragraph are edited and another story is removed (410); on the second,
a story gets a new date of modification and no other change; on the fourth, the removed story is back.
"""

from __future__ import annotations

from tests.newsroom.clock import DAY_SECONDS, OPENING, Clock
from tests.newsroom.edition import Edition, load_editions
from tests.newsroom.newsroom import Newsroom
from tests.newsroom.server import (
    NewsroomProcess,
    Site,
    newsroom_process,
    running_newsroom,
    serve_newsroom,
)
from tests.newsroom.story import Story
from tests.newsroom.visit import RequestSeen

__all__ = [
    "DAY_SECONDS",
    "OPENING",
    "Clock",
    "Edition",
    "Newsroom",
    "NewsroomProcess",
    "RequestSeen",
    "Site",
    "Story",
    "load_editions",
    "newsroom_process",
    "running_newsroom",
    "serve_newsroom",
]
