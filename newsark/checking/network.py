"""Whether the names of newsrooms are known here."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from newsark.checking.finding import Finding
from newsark.home import Home

MOST_HOSTS = 20
RESOLVING_SECONDS = 4.0


def check_names(home: Home) -> Iterator[Finding]:
    """Whether the resolver knows the sources' hosts; the first MOST_HOSTS are asked for, all at once."""
    hosts = {urlsplit(known.source.home).hostname or "" for known in home.source_files()}
    names = sorted(host for host in hosts if host and not _is_address(host))[:MOST_HOSTS]
    if not names:
        return
    unknown = unresolved(names)
    for name, why in unknown.items():
        cure = "look at /etc/resolv.conf, or at `home` in its source file"
        yield Finding("names", "warning", f"{name} is not resolved here: {why}; {cure}")
    if len(unknown) < len(names):
        yield Finding("names", "ok", f"{len(names) - len(unknown)} of {len(names)} hosts of sources are resolved")


def unresolved(names: list[str], seconds: float = RESOLVING_SECONDS) -> dict[str, str]:
    """Those of the names that are not resolved within so many seconds, with why."""
    told: dict[str, str] = dict.fromkeys(names, f"no answer within {seconds:g} s")

    def ask(name: str) -> None:
        try:
            socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
            told.pop(name, None)
        except (OSError, UnicodeError) as problem:
            told[name] = getattr(problem, "strerror", None) or str(problem)

    # the resolver has no time limit of its own that could be set here
    threads = [threading.Thread(target=ask, args=(name,), daemon=True) for name in names]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(end - time.monotonic(), 0))
    return dict(told)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
