"""A web address read the way a browser reads it, or refused where readers of URLs are known to disagree.

Two programs that find different hosts in one URL are how a page makes a crawler visit a private address. So
every URL is read here once, strictly, and rebuilt from its parts; nothing downstream sees the first spelling.
Follows the WHATWG URL standard, narrowed: what it merely tolerates in an authority is refused.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urljoin

import idna

from storage.errors import Refused

MAX_URL_LENGTH = 8000
"""Characters; RFC 9110 (4.1) asks for at least 8000 octets and longer ones are traps or data."""

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_HOST_LENGTH = 253

_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_TAB_AND_NEWLINE = {9: None, 10: None, 13: None}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_QUERY_OR_FRAGMENT = re.compile(r"[?#]")
_AUTHORITY_END = re.compile(r"[/?#\\]")
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::([0-9]{0,5}))?")
_FORBIDDEN_IN_AUTHORITY = re.compile(r"[\x00-\x20\x7f%@]")
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_NUMBER_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DOTTED_QUAD = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")

_UNSAFE_IN_PATH = re.compile(r"[^!$-;=@-\]_a-z|~]")  # WHATWG path percent-encode set, less / and \
_UNSAFE_IN_QUERY = re.compile(r"[^!$-&(-;=?-~]")  # WHATWG special-query percent-encode set
_DOT = re.compile(r"\.|%2e", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WebUrl:
    """An http or https URL in parts; `str()` of it is ASCII, canonical in its authority, and has no fragment.

    `host` is a lower-case ASCII name, a dotted IPv4 address or an IPv6 address without brackets; `path`
    begins with a slash and has no dot segments; `query` is None when there is no question mark.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str | None

    @property
    def is_address(self) -> bool:
        """True when the host is a literal address rather than a name."""
        return ":" in self.host or _DOTTED_QUAD.fullmatch(self.host) is not None

    @property
    def authority(self) -> str:
        """Host and port as in a Host header: brackets around IPv6, no default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme and authority, such as `https://news.example:8443`."""
        return f"{self.scheme}://{self.authority}"

    @property
    def target(self) -> str:
        """Path and query, as in a request line."""
        return self.path if self.query is None else f"{self.path}?{self.query}"

    def __str__(self) -> str:
        return f"{self.origin}{self.target}"


def parse_web_url(text: str) -> WebUrl:
    """The URL in parts. Raises Refused (`scheme` or `bad-url`): do not visit it and record the rule.

    Refused beyond the standard's own failures: credentials, a backslash, escapes or white space in the
    authority, missing slashes after the scheme, and IPv4 addresses in any but the dotted decimal form.
    """
    if len(text) > MAX_URL_LENGTH:
        raise _too_long(text)
    url = text.strip(_C0_AND_SPACE)
    scheme, rest = _split_scheme(url)
    end = _AUTHORITY_END.search(rest)
    authority, tail = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    if tail.startswith("\\"):
        raise _bad(url, "a backslash after the host is read in two ways")
    host, port = _split_authority(authority, scheme, url)
    tail = tail.translate(_TAB_AND_NEWLINE).partition("#")[0]
    path, question, query = tail.partition("?")
    try:
        path = _UNSAFE_IN_PATH.sub(_escape, _without_dot_segments(path.replace("\\", "/")))
        query = _UNSAFE_IN_QUERY.sub(_escape, query)
    except UnicodeEncodeError:
        raise Refused("bad-url", _shown(url), "it holds half of a surrogate pair, which is no character") from None
    if len(path) + len(query) > MAX_URL_LENGTH:
        raise _too_long(text)
    return WebUrl(scheme, host, port, path, query if question else None)


def resolve(base: str, href: str) -> WebUrl:
    """The URL that a link on a page means to a browser; `base` is the page's address or its <base>.

    Raises Refused as `parse_web_url` does. Backslashes before the query count as slashes, but after a scheme
    they are refused.
    """
    link = href.strip(_C0_AND_SPACE).translate(_TAB_AND_NEWLINE)
    scheme = _SCHEME.match(link)
    if not scheme:
        cut = _QUERY_OR_FRAGMENT.search(link)
        front = link[: cut.start()] if cut else link
        link = re.sub(r"^///+", "//", front.replace("\\", "/")) + link[len(front) :]
    elif link.startswith("\\", scheme.end()):
        raise _bad(link, "a backslash before the host is read in two ways")
    elif scheme[1].lower() in DEFAULT_PORTS and link.startswith("//", scheme.end()):
        return parse_web_url(link)
    try:
        joined = urljoin(base, link)
    except ValueError as error:
        raise _bad(link, str(error)) from None
    return parse_web_url(joined)


def parse_host(text: str, what: str) -> str:
    """The canonical form of a host name or literal address; `what` is named in the Refused it may raise."""
    if text.startswith("["):
        try:
            return ipaddress.IPv6Address(text[1:-1]).compressed
        except ValueError as error:
            raise _bad(what, str(error)) from None
    host = text.lower() if text.isascii() else _to_ascii(text, what)
    labels = host.removesuffix(".").split(".")
    if _NUMBER_LABEL.fullmatch(labels[-1]):
        # WHATWG reads a host that ends in a number as IPv4, in octal, hex and short forms; others differ.
        if not text.isascii() or not _DOTTED_QUAD.fullmatch(host) or max(map(int, labels)) > 255:
            raise _bad(what, f"{text!r} is not an IPv4 address in its plain dotted form")
        return host
    if len(host) > MAX_HOST_LENGTH or not all(map(_LABEL.fullmatch, labels)):
        raise _bad(what, f"{text!r} is not a host name")
    if any(label.startswith("xn--") for label in labels):
        _check_punycode(labels, what)
    return host


def _split_scheme(url: str) -> tuple[str, str]:
    match = _SCHEME.match(url)
    if not match:
        raise _bad(url, "it has no scheme; write http:// or https:// before it")
    scheme = match[1].lower()
    if scheme not in DEFAULT_PORTS:
        raise Refused("scheme", _shown(url), f"only http and https are visited, not {scheme}")
    rest = url[match.end() :]
    if not rest.startswith("//"):
        raise _bad(url, f"two slashes are missing after {scheme}:")
    return scheme, rest[2:]


def _split_authority(authority: str, scheme: str, url: str) -> tuple[str, int]:
    if _FORBIDDEN_IN_AUTHORITY.search(authority):
        cure = "credentials, escapes and white space do not belong before the path"
        raise _bad(url, f"{authority!r} is read in two ways; {cure}")
    match = _HOST_PORT.fullmatch(authority)
    if not match or not match[1]:
        raise _bad(url, f"{authority!r} is not a host with an optional port")
    port = int(match[2]) if match[2] else DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        raise _bad(url, f"{port} is not a port")
    return parse_host(match[1], url), port


def _to_ascii(host: str, what: str) -> str:
    try:
        return idna.encode(host, uts46=True, transitional=False).decode("ascii")
    except UnicodeError as error:  # idna.IDNAError is one
        raise _bad(what, f"{host!r} is not a host name: {error}") from None


def _check_punycode(labels: list[str], what: str) -> None:
    for label in labels:
        if label.startswith("xn--"):
            try:
                idna.ulabel(label)
            except UnicodeError as error:
                raise _bad(what, f"{label!r} is not a host name: {error}") from None


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for place, segment in enumerate(segments):
        dots = _DOT.sub(".", segment) if len(segment) <= 6 else segment
        if dots == "..":
            del kept[-1:]
        elif dots != ".":
            kept.append(segment)
            continue
        if place == len(segments) - 1:
            kept.append("")
    return "/" + "/".join(kept)


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())


def _too_long(url: str) -> Refused:
    return Refused("bad-url", f"{_shown(url[:80])}…", f"longer than {MAX_URL_LENGTH} characters")


def _bad(url: str, problem: str) -> Refused:
    return Refused("bad-url", _shown(url), problem)


def _shown(text: str) -> str:
    """The text with everything escaped that a terminal or a log could not show."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
