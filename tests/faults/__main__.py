"""Serve everything that goes wrong until interrupted; the first line printed is `listening on http://host:port/`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from typing import get_args

from tests.faults.certificates import Certificate
from tests.faults.server import serve_faults


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081, help="0 takes a free one")
    parser.add_argument("--tls", choices=get_args(Certificate), help="HTTPS with such a certificate")
    parser.add_argument("--robots-status", type=int, default=200)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with serve_faults(options.host, options.port, tls=options.tls, robots_status=options.robots_status) as site:
        print(f"listening on {site.url}/", flush=True)
        await stop.wait()


if __name__ == "__main__":
    main()
