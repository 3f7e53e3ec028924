"""What to do about a reason in a report; `docs/operations.md` has the same in full."""

from __future__ import annotations

_BLOCKED = "the server refuses or wants less: raise the delay, set a contact, write to the newsroom"
_UNREACHABLE = "no answer came: try again, or look with newsark sources check"

_CURES = {
    "http-401": _BLOCKED,
    "http-402": _BLOCKED,
    "http-403": _BLOCKED,
    "http-429": _BLOCKED,
    "http-404": "its last version, if there was one, is kept",
    "http-410": "its last version, if there was one, is kept",
    "timeout": _UNREACHABLE,
    "dns": "its name is not known: check the address and this machine's network",
    "connect": _UNREACHABLE,
    "disconnect": _UNREACHABLE,
    "tls": _UNREACHABLE,
    "certificate": "nobody vouches for the server: check it; insecure_tls = true in the source file keeps it anyway",
    "truncated-length": "what came is kept and marked: raise max_body_bytes to get all of it",
    "truncated-time": "what came is kept and marked: raise fetch_timeout_seconds to get all of it",
    "truncated-disconnect": "what came is kept and marked",
    "scope": "another site: add it to hosts in the source file if it belongs to the newsroom",
    "too-large": "the bytes are kept",
    "reading-timed-out": "the bytes are kept",
    "reader-crashed": "the bytes are kept",
    "not-rendered": "the bytes are kept; render_seconds in the source file gives such pages more time",
    "no-browser": "Chromium does not run here: look with newsark doctor",
    "home-moved": "remove the source and add the other address",
    "not-a-feed": "correct `feeds` in the source file",
    "not-a-sitemap": "correct `sitemaps` in the source file",
    "unread": "newsark reextract reads it",
    "lost-with-machine": "they are visited again; if the machine is repaired, its disk brings them back",
    "worker-died": "look at that machine's memory and at the log of Ray there",
    "storage": "make room or repair the database, then run the same command again",
    "internal-error": "a fault of Newsark: please report it with this detail",
}


def cure(reason: str) -> str | None:
    """What to do about it in a few words, or None where there is nothing to do or the detail says it."""
    return _CURES.get(reason.partition(":")[0])
