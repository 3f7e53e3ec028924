"""Which URLs belong to a newsroom: those of its site, less what its source file leaves out."""

from __future__ import annotations

from typing import NamedTuple

import tldextract

from crawler.weburl import WebUrl

# The list that ships with the package: no network, the same answer everywhere. Private suffixes count, so
# that two newsrooms on one hosting service are two sites.
_SUFFIXES = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


class ScopeVerdict(NamedTuple):
    """Whether a URL belongs to a source, and the rule that decided, as it goes into the record."""

    inside: bool
    rule: str


def site_of(url: WebUrl) -> str:
    """The site that a URL is part of: its registrable domain.

    Addresses and names without a dot have none; there the site is host and port, since another port is as
    good as another machine.
    """
    host = url.host.removesuffix(".")
    if url.is_address or "." not in host:
        return f"{host}:{url.port}"
    parts = _SUFFIXES.extract_str(host)
    if parts.suffix:
        return parts.top_domain_under_public_suffix or host
    return ".".join(host.split(".")[-2:])  # the list's own default rule: an unknown last label is the suffix
