"""Answers that send a client elsewhere, or ask it to come back."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.faults import bodies, paths
from tests.faults.registry import answers
from tests.faults.wire import Wire

CHAIN_LENGTH = 30
RETRY_AFTER_SECONDS = 2
PRIVATE_ADDRESS = "127.0.0.2"
METADATA_URL = "http://169.254.169.254/latest/meta-data/"


@answers(paths.REDIRECT_LOOP)
async def redirect_loop(wire: Wire) -> None:
    await wire.redirect(f"{wire.base_url}{paths.REDIRECT_LOOP}/back", "301 Moved Permanently")


@answers(f"{paths.REDIRECT_LOOP}/")
async def redirect_loop_back(wire: Wire) -> None:
    await wire.redirect(f"{wire.base_url}{paths.REDIRECT_LOOP}", "301 Moved Permanently")


@answers(paths.REDIRECT_CHAIN)
async def redirect_chain(wire: Wire) -> None:
    left = int(wire.visit.query("n") or CHAIN_LENGTH)
    if left <= 0:
        await wire.answer(bodies.article(paths.REDIRECT_CHAIN, wire.base_url))
        return
    await wire.redirect(f"{paths.REDIRECT_CHAIN}?n={left - 1}" if left > 1 else f"{paths.REDIRECT_CHAIN}/end")


@answers(f"{paths.REDIRECT_CHAIN}/")
async def redirect_chain_end(wire: Wire) -> None:
    await wire.answer(bodies.article(paths.REDIRECT_CHAIN, wire.base_url))


@answers(paths.REDIRECT_PRIVATE)
async def redirect_private(wire: Wire) -> None:
    port = urlsplit(wire.base_url).port
    await wire.redirect(f"http://{PRIVATE_ADDRESS}:{port}/admin")


@answers(paths.REDIRECT_METADATA)
async def redirect_metadata(wire: Wire) -> None:
    await wire.redirect(METADATA_URL)


@answers(paths.REFUSE_PATH)
async def refuse_path(wire: Wire) -> None:
    await wire.redirect(f"{wire.refusing_url}/")


@answers(paths.RETRY_AFTER)
async def retry_after(wire: Wire) -> None:
    if wire.number > 1:
        await wire.answer(bodies.article(paths.RETRY_AFTER, wire.base_url))
        return
    fields = [("Retry-After", str(RETRY_AFTER_SECONDS))]
    await wire.answer(b"Slow down, please.\n", "text/plain", "429 Too Many Requests", fields)
