"""Serve the sample newsroom until interrupted; the first line printed is `listening on http://host:port/`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
from datetime import datetime
from pathlib import Path

from tests.newsroom.clock import DAY_SECONDS, OPENING, Clock
from tests.newsroom.server import serve_newsroom


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.newsroom", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--public-url", help="what the pages call the site, where that is not host and port")
    parser.add_argument("--now", type=datetime.fromisoformat, help="where the clock starts, with an offset")
    parser.add_argument("--state", type=Path, help="file that remembers the clock; each start moves it on")
    parser.add_argument("--step", type=float, default=DAY_SECONDS, help="how many seconds it moves on")
    parser.add_argument("--copies", type=int, default=1, help="each story this often, for measurements")
    parser.add_argument("--robots-extra", default="", help="further lines of robots.txt")
    parser.add_argument("--busy-once", action="append", default=[], help="path that answers 503 at first")
    parser.add_argument("--retry-after", default="1", help="what those answers say")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))


async def _serve(options: argparse.Namespace) -> None:
    clock = _clock(options.now, options.state, options.step)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with serve_newsroom(
        clock,
        options.host,
        options.port,
        public_url=options.public_url,
        copies=options.copies,
        robots_extra=options.robots_extra,
        busy_once=options.busy_once,
        retry_after=options.retry_after,
    ) as site:
        # the address that answers, not the one that pages name: scripts wait for this line
        print(f"listening on {site.address}/", flush=True)
        print(f"the newsroom's time is {site.clock.now.isoformat()}", flush=True)
        await stop.wait()


def _clock(now: datetime | None, state: Path | None, step_seconds: float) -> Clock:
    """A clock at `now`, else a step after the remembered moment, else at the opening; it notes each move."""

    def remember(moment: datetime) -> None:
        if state is not None:
            state.write_text(json.dumps({"now": moment.isoformat()}) + "\n", encoding="utf-8")

    clock = Clock(OPENING, remember)
    if now is not None:
        clock.set(now)
    elif state is not None and state.exists():
        clock.set(datetime.fromisoformat(json.loads(state.read_text(encoding="utf-8"))["now"]))
        clock.advance(step_seconds)
    else:
        remember(clock.now)
    return clock


if __name__ == "__main__":
    main()
