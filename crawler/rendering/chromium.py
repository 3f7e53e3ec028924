"""A Chromium that has no way out: every request that is made in it is stopped, and answered by who shows a page."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, CDPSession, Error, Playwright

from crawler.rendering.needs import chromium_path
from crawler.rendering.pagerequests import Asked, Declined, Reply
from storage.log import Log

log = Log(__name__)

FLAGS = (
    # no name and no address resolves, and the only proxy is one that cannot be reached, also not for loopback
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=socks5://127.0.0.1:1",
    "--proxy-bypass-list=<-loopback>",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--js-flags=--max-old-space-size=512",
)
START_SECONDS = 30.0
CLOSE_SECONDS = 10.0

Replying = Callable[[Asked], Awaitable[Reply]]


class Chromium:
    """A running browser for one page at a time. `replying` answers the requests of the page that is shown."""

    def __init__(self, browser: Browser, protocol: CDPSession, pid: int) -> None:
        self.browser = browser
        self.pages_shown = 0
        self.replying: Replying | None = None
        self._protocol = protocol
        self._pid = pid
        self._answering: set[asyncio.Task[None]] = set()

    @classmethod
    async def launch(cls, playwright: Playwright) -> Chromium:
        """A new browser. Raises playwright's Error when it does not start."""
        # root has no sandbox: Chromium refuses to start with it
        browser = await playwright.chromium.launch(
            executable_path=chromium_path(),
            args=list(FLAGS),
            # a window over the page would stop it from being drawn
            ignore_default_args=["--disable-popup-blocking"],
            chromium_sandbox=os.geteuid() != 0,
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
            timeout=START_SECONDS * 1000,
        )
        protocol = await browser.new_browser_cdp_session()
        processes = await protocol.send("SystemInfo.getProcessInfo")
        pid = next(one["id"] for one in processes["processInfo"] if one["type"] == "browser")
        chromium = cls(browser, protocol, pid)
        protocol.on("Fetch.requestPaused", chromium._stopped)
        # of the whole browser: frames, workers and redirects too, which a page's own interception does not see
        await protocol.send("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})
        return chromium

    @property
    def name(self) -> str:
        """Its name and version."""
        return f"Chromium/{self.browser.version}"

    @property
    def is_alive(self) -> bool:
        """Whether it can show a page."""
        return self.browser.is_connected()

    def _stopped(self, event: dict[str, Any]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(event))
        self._answering.add(task)
        task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answering.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("request-not-answered", "a request of a page was not answered", problem)

    async def _answer(self, event: dict[str, Any]) -> None:
        told = event["request"]
        asked = Asked(told["url"], told["method"], event["resourceType"], told["headers"], event["frameId"])
        answer: dict[str, Any] = {"requestId": event["requestId"]}
        try:
            if self.replying is None:
                raise Declined("no page is shown", ends_navigation=True)
            reply = await self.replying(asked)
        except Declined as declined:
            reason = "Aborted" if declined.ends_navigation else "BlockedByClient"
            command, answer = "Fetch.failRequest", answer | {"errorReason": reason}
        else:
            command, answer = "Fetch.fulfillRequest", answer | _as_protocol(reply)
        await self._send(command, answer)

    async def _send(self, command: str, parameters: dict[str, Any]) -> None:
        try:
            await self._protocol.send(command, parameters)
        except Error as problem:
            # The page that asked is gone, or it is an answer that no browser takes, such as one with a broken header.
            log.debug("browser-declined", command=command, problem=str(problem))
            if command == "Fetch.fulfillRequest":
                failed = {"requestId": parameters["requestId"], "errorReason": "Failed"}
                await self._send("Fetch.failRequest", failed)

    async def memory_bytes(self) -> int:
        """What its processes have to themselves, as Linux tells it; 0 where that is not to be had."""
        with contextlib.suppress(Error):
            processes = await self._protocol.send("SystemInfo.getProcessInfo")
            return sum(_own_bytes(one["id"]) for one in processes["processInfo"])
        return 0

    async def close(self) -> None:
        """End it, by force when it does not listen. What was asked for meanwhile is kept when it comes."""
        with contextlib.suppress(Error, TimeoutError):
            await asyncio.wait_for(self.browser.close(), CLOSE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End all of its processes at once."""
        # playwright gives the browser a process group of its own
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(self._pid) == self._pid:
                os.killpg(self._pid, signal.SIGKILL)


def _own_bytes(pid: int) -> int:
    try:
        resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[1:3]
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def _as_protocol(reply: Reply) -> dict[str, Any]:
    # As bytes, since a header may hold any: the protocol's other form takes text.
    lines = "\0".join(f"{name}: {value}" for name, value in reply.headers).encode("latin-1", "replace")
    return {
        "responseCode": reply.status,
        "binaryResponseHeaders": base64.b64encode(lines).decode(),
        "body": base64.b64encode(reply.body).decode(),
    }
