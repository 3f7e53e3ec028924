"""Who we say we are: the product token of robots.txt and the User-Agent with someone to write to."""

from __future__ import annotations

from importlib.metadata import version

PRODUCT_TOKEN = "newsark"  # noqa: S105 - a name, no secret
ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
# Only what pipelines.decode can undo; asking for more would keep bytes that nobody here can read.
ACCEPT_ENCODING = "gzip, br, zstd, deflate"


def user_agent(contact: str | None) -> str:
    """The default User-Agent (RFC 9110, 10.1.5), with the contact that `newsark init` asks for."""
    where = contact or "no contact set"
    return f"Newsark/{version('newsark')} (news archiving; +{where})"


def request_headers(agent: str, contact: str | None) -> dict[str, str]:
    """The header fields that every request carries."""
    headers = {"User-Agent": agent, "Accept": ACCEPT, "Accept-Encoding": ACCEPT_ENCODING}
    if contact and "@" in contact and "/" not in contact:
        headers["From"] = contact
    return headers
