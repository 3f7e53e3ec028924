"""robots.txt: what a site asks of crawlers, and which of its lines decided (RFC 9309).

Where the RFC leaves room, Google's published parser is followed, and where both differ the more polite
reading counts. `Crawl-delay` is no part of the RFC; here it belongs to its group like a rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from crawler.pattern import matches
from crawler.weburl import resolve
from storage.errors import Refused
from storage.exchange import Exchange

LIMIT_BYTES = 512_000
"""How much of a file is read: RFC 9309 (2.5) asks for at least 500 KiB; what follows is not looked at."""

MAX_LINE_BYTES = 16_664
"""Longer lines are cut, as Google's parser cuts them: eight times the longest URL that old browsers took."""

CACHE_SECONDS = 86_400
"""An answer is used for at most a day (RFC 9309, 2.4)."""

Directive = Literal["user-agent", "allow", "disallow", "crawl-delay", "sitemap"]
_DIRECTIVES: dict[str, Directive] = {
    "user-agent": "user-agent",
    "allow": "allow",
    "disallow": "disallow",
    "crawl-delay": "crawl-delay",
    "sitemap": "sitemap",
    # Misspellings that are common enough for Google's parser to know them.
    "useragent": "user-agent",
    "user agent": "user-agent",
    "dissallow": "disallow",
    "dissalow": "disallow",
    "disalow": "disallow",
    "diasllow": "disallow",
    "disallaw": "disallow",
    "crawldelay": "crawl-delay",
    "crawl delay": "crawl-delay",
    "site-map": "sitemap",
}

_PRODUCT_TOKEN = re.compile(r"[A-Za-z_-]+|\*(?=\s|$)")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class RobotsVerdict(NamedTuple):
    """Whether a URL may be visited, and the line or the reason that decided, as it goes into the record."""

    allowed: bool
    rule: str


@dataclass(frozen=True, slots=True)
class RobotsRule:
    """One Allow or Disallow line; `plain` is its pattern without needless escapes."""

    allows: bool
    pattern: str
    plain: str
    line_number: int
    line: str


@dataclass(slots=True)
class _Group:
    rules: list[RobotsRule] = field(default_factory=list)
    crawl_delay_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """A parsed robots.txt. `sitemaps` are absolute where they could be resolved, else as written."""

    sitemaps: tuple[str, ...]
    truncated: bool
    _groups: dict[str, _Group]

    @classmethod
    def parse(cls, body: bytes, url: str = "") -> RobotsRules:
        """The rules in a file's bytes; `url` is its address, for relative sitemaps. Reads anything."""
        groups: dict[str, _Group] = {}
        sitemaps: dict[str, None] = {}
        named: list[_Group] = []
        naming = False
        for number, directive, value, line in _directives(body[:LIMIT_BYTES]):
            if directive == "sitemap":
                sitemaps[_absolute(url, value)] = None
            elif directive == "user-agent":
                token = _PRODUCT_TOKEN.match(value)
                named = [*named, *_group(groups, token)] if naming else _group(groups, token)
                naming = True
            elif directive == "crawl-delay":
                naming = False
                _slow_down(named, value)
            else:
                naming = False
                for rule in _rules(directive == "allow", value, number, line):
                    for group in named:
                        group.rules.append(rule)
        return cls(tuple(sitemaps), len(body) > LIMIT_BYTES, groups)

    def allowed(self, url: str, product_token: str) -> RobotsVerdict:
        """Whether a crawler of that product token may visit an absolute URL, and the line that decided.

        Of the patterns that match path and query the longest decides; Allow wins a tie. An Allow counts
        only as it is written; a Disallow counts also when it differs from the URL by needless escapes alone
        (RFC 9309, 2.2.2, which Google's parser leaves out).
        """
        found = self._groups.get(product_token.lower())
        group = found or self._groups.get("*")
        if group is None:
            return RobotsVerdict(True, f"robots.txt has no rules for {product_token}")
        target = _target(url)
        plain = _plain(target)
        best: RobotsRule | None = None
        for rule in group.rules:
            if best and (len(rule.pattern), rule.allows) <= (len(best.pattern), best.allows):
                continue
            if matches(rule.pattern, target) or (not rule.allows and matches(rule.plain, plain)):
                best = rule
        if best is None:
            return RobotsVerdict(True, f"no robots.txt rule for {product_token if found else '*'} matches")
        return RobotsVerdict(best.allows, f"robots.txt line {best.line_number}: {best.line}")

    def crawl_delay(self, product_token: str) -> float | None:
        """Seconds between requests that the site asks of that product token, or None."""
        group = self._groups.get(product_token.lower()) or self._groups.get("*")
        return group.crawl_delay_seconds if group else None


@dataclass(frozen=True, slots=True)
class RobotsAnswer:
    """What asking for robots.txt came to: rules, allow-all or disallow-all, and the reason for the record."""

    verdict: Literal["rules", "allow-all", "disallow-all"]
    reason: str
    rules: RobotsRules | None = None

    @classmethod
    def of(cls, exchange: Exchange, body: bytes) -> RobotsAnswer:
        """The answer in the last exchange of a redirect chain; `body` is its body without content-encoding.

        RFC 9309, 2.3.1: 2xx is parsed, 4xx and an endless redirect allow all, 5xx and an unreachable server
        disallow all. 429, which asks to come back later, and a cut body, which may miss rules, count as
        unreachable. A 304 is not for here: the answer that it confirms still holds.
        """
        status = exchange.status
        if exchange.failure or status is None:
            return cls.unreachable(exchange.failure.message if exchange.failure else "no readable answer came")
        if status in (304, 429) or not 200 <= status < 500:
            return cls.unreachable(f"it answered {status}")
        if status >= 300:
            what = "only redirects" if status < 400 else str(status)
            return cls("allow-all", f"robots.txt does not exist for crawlers: it answered {what} (RFC 9309, 2.3.1)")
        if exchange.truncated and exchange.truncated != "length":
            return cls.unreachable(f"its body was cut short ({exchange.truncated})")
        rules = RobotsRules.parse(body, exchange.url)
        return cls(
            "rules",
            f"robots.txt answered {status}" + (" and was read in part" if rules.truncated else ""),
            rules,
        )

    @classmethod
    def unreachable(cls, problem: str) -> RobotsAnswer:
        """The answer when no file could be had: nothing is visited until it can (RFC 9309, 2.3.1.4)."""
        return cls("disallow-all", f"robots.txt is unreachable: {problem}; nothing is visited until it answers")

    def allowed(self, url: str, product_token: str) -> RobotsVerdict:
        """Whether that product token may visit an absolute URL, and what decided."""
        if self.rules is None:
            return RobotsVerdict(self.verdict == "allow-all", self.reason)
        return self.rules.allowed(url, product_token)

    def crawl_delay(self, product_token: str) -> float | None:
        """Seconds between requests that the site asks of that product token, or None."""
        return self.rules.crawl_delay(product_token) if self.rules else None

    @property
    def sitemaps(self) -> tuple[str, ...]:
        """The sitemaps that the file names."""
        return self.rules.sitemaps if self.rules else ()


def _directives(body: bytes) -> Iterator[tuple[int, Directive, str, str]]:
    """Line number, directive, value and line for each line that says something."""
    lines = re.split(rb"\r\n|\r|\n", body.removeprefix(b"\xef\xbb\xbf"))
    for number, raw in enumerate(lines, 1):
        line = raw[: MAX_LINE_BYTES - 1].decode("utf-8", "surrogateescape").partition("#")[0].strip(" \t\v\f\0")
        key, colon, value = line.partition(":")
        if not colon:
            words = line.split()
            if len(words) != 2:  # a forgotten colon is forgiven when nothing else can be meant
                continue
            key, value = words
        directive = _DIRECTIVES.get(key.strip().lower())
        if directive:
            yield (
                number,
                directive,
                value.strip(" \t\v\f\0"),
                line.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
            )


def _group(groups: dict[str, _Group], token: re.Match[str] | None) -> list[_Group]:
    return [groups.setdefault(token[0].lower(), _Group())] if token else []


def _slow_down(named: list[_Group], value: str) -> None:
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]*)?|\.[0-9]+", value):
        for group in named:
            group.crawl_delay_seconds = max(float(value), group.crawl_delay_seconds or 0.0)


def _rules(allows: bool, value: str, number: int, line: str) -> Iterator[RobotsRule]:
    if not value:
        return
    pattern = _escape(value if value[0] in "/*$" else f"/{value}")
    yield RobotsRule(allows, pattern, _plain(pattern), number, line)
    folder, slash, name = pattern.rpartition("/")
    if allows and slash and name.startswith("index.htm"):  # allowing a folder's index allows the folder itself
        yield RobotsRule(allows, f"{folder}/$", f"{folder}/$", number, line)


def _target(url: str) -> str:
    """Path and query of an absolute URL, its escapes in capitals."""
    after_scheme = url.partition("#")[0].partition("//")[2]
    slash = re.search(r"[/?]", after_scheme)
    target = after_scheme[slash.start() :] if slash else ""
    return _upper(target if target.startswith("/") else f"/{target}")


def _escape(text: str) -> str:
    """The text in ASCII: other octets as escapes, and all escapes in capitals."""
    octets = text.encode("utf-8", "surrogateescape")
    return _upper("".join(chr(octet) if octet < 0x80 else f"%{octet:02X}" for octet in octets))


def _upper(text: str) -> str:
    return _ESCAPED.sub(lambda escape: escape[0].upper(), text)


def _plain(text: str) -> str:
    """The text with escapes only where RFC 3986 needs them."""
    return _ESCAPED.sub(_unescape, _escape(text))


def _unescape(escape: re.Match[str]) -> str:
    character = chr(int(escape[0][1:], 16))
    return character if character in _UNRESERVED else escape[0]


def _absolute(base: str, value: str) -> str:
    try:
        return str(resolve(base, value))
    except Refused:
        return value  # kept as it is written, so that its refusal is recorded when it is to be visited
