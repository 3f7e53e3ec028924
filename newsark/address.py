"""Addresses as people type them: a whole URL, or a plain word about what is missing."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from storage.errors import Refused, WrongUse

if TYPE_CHECKING:
    from crawler.source import Source

USUAL_DELAY_SECONDS = 1.0


def source_at(url: str, *, allow_hosts: tuple[str, ...] = (), delay_seconds: float | None = None) -> Source:
    """A source made on the fly for a URL. Raises WrongUse when it is none that can be visited."""
    from crawler.source import source_for_url

    if "://" not in url:
        raise WrongUse(f"{url!r} is not a whole address; write https://{url.lstrip('/')}")
    delay = USUAL_DELAY_SECONDS if delay_seconds is None else delay_seconds
    try:
        return source_for_url(url, allow_hosts=allow_hosts, delay_seconds=delay)
    except Refused as problem:
        raise WrongUse(f"{url} cannot be visited: {problem.problem}") from None


def looks_like_host(text: str) -> bool:
    """Whether a word that is no source's name is probably an address without its scheme."""
    host = text.partition("/")[0]
    return "." in host.strip(".") and " " not in host


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def normal_spelling(needle: str) -> str | None:
    """The normal spelling of a URL under which its article is known, or None for what is no URL to visit."""
    from crawler.links import normalise

    try:
        return normalise(needle)
    except Refused:
        return None
