"""The two origins of replay: the frame's, and that of archived pages."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the frame and the archived pages are: on two ports, which a proxy may show under two addresses.

    Pages of the origins in `embedders` may show the frame in a frame of their own; nobody else's may.
    """

    frame_port: int
    content_port: int
    frame_url: str | None = None
    content_url: str | None = None
    embedders: tuple[str, ...] = ()

    def of(self, environ: Mapping[str, Any]) -> tuple[str, str]:
        """Frame and content as whoever asks reaches them, without a slash at the end."""
        name = _name(environ)
        frame = self.frame_url or f"http://{name}:{self.frame_port}"
        return frame.rstrip("/"), (self.content_url or f"http://{name}:{self.content_port}").rstrip("/")

    def may_ask(self, environ: Mapping[str, Any]) -> bool:
        """Whether a request is for this machine by address, or comes by way of the proxy.

        Under any other name it may be a website's, whose name server says that it is here (DNS rebinding).
        """
        name = _name(environ).strip("[]")
        if self.frame_url or name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _name(environ: Mapping[str, Any]) -> str:
    host = str(environ.get("HTTP_HOST", "127.0.0.1"))
    return host.rpartition(":")[0] if re.search(r":\d+$", host) else host
