"""What may be visited: every URL before it is asked for, and every address before it is connected to.

A newsroom's page chooses the links, redirects and DNS answers that a crawler follows; none of them may make
it talk to a private address. `check_url` sees names and literal addresses; `check_address` must see the
address of every connection, since a name may resolve to anything, and to something else a second later.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass

from crawler.weburl import parse_host, parse_web_url
from storage.errors import BadSetting, Refused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Python's `is_global` is no guide: it is true for 64:ff9b::/96, 2002::/16, multicast and fec0::/10.
# IANA IPv4 Special-Purpose Address Registry, and RFC 5771 for multicast.
_REFUSED_IPV4 = [
    ("0.0.0.0/8", "this network (RFC 791)"),
    ("10.0.0.0/8", "private use (RFC 1918)"),
    ("100.64.0.0/10", "shared by carriers (RFC 6598)"),
    ("127.0.0.0/8", "loopback (RFC 1122)"),
    ("169.254.0.0/16", "link-local (RFC 3927)"),
    ("172.16.0.0/12", "private use (RFC 1918)"),
    ("192.0.0.0/24", "protocol assignments (RFC 6890)"),
    ("192.0.2.0/24", "documentation (RFC 5737)"),
    ("192.88.99.0/24", "6to4 relay (RFC 7526)"),
    ("192.168.0.0/16", "private use (RFC 1918)"),
    ("198.18.0.0/15", "benchmarking (RFC 2544)"),
    ("198.51.100.0/24", "documentation (RFC 5737)"),
    ("203.0.113.0/24", "documentation (RFC 5737)"),
    ("224.0.0.0/4", "multicast (RFC 5771)"),
    ("240.0.0.0/4", "reserved (RFC 1112)"),
]
# Of IPv6 only global unicast, 2000::/3, is ever visited (RFC 4291, 2.4); these parts of it are not.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_REFUSED_IPV6 = [
    ("2001::/32", "a Teredo tunnel (RFC 4380)"),
    ("2001::/23", "protocol assignments (RFC 2928)"),
    ("2001:db8::/32", "documentation (RFC 3849)"),
    ("2002::/16", "a 6to4 tunnel (RFC 3056)"),
    ("3fff::/20", "documentation (RFC 9637)"),
]
_OTHER_IPV6 = [
    ("::/128", "unspecified (RFC 4291)"),
    ("::1/128", "loopback (RFC 4291)"),
    ("::ffff:0:0/96", "an IPv4-mapped address (RFC 4291)"),
    ("::/96", "an IPv4-compatible address (RFC 4291)"),
    ("64:ff9b:1::/48", "local-use NAT64 (RFC 8215)"),
    ("fc00::/7", "private use (RFC 4193)"),
    ("fe80::/10", "link-local (RFC 4291)"),
    ("fec0::/10", "site-local (RFC 3879)"),
    ("ff00::/8", "multicast (RFC 4291)"),
]
# An IPv6-only network reaches IPv4 through this prefix (RFC 6052), so what such an address carries decides.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

# Where clouds hand credentials to whoever asks from inside. Most are link-local, Azure's is a public address.
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        [
            "169.254.169.254",  # AWS, Azure, Google, Oracle, DigitalOcean, Hetzner, OpenStack
            "169.254.170.2",  # AWS container credentials
            "169.254.170.23",  # AWS EKS pod identity
            "169.254.42.42",  # Scaleway
            "100.100.100.200",  # Alibaba
            "168.63.129.16",  # Azure's host, outside of every private range
            "192.0.0.192",  # Oracle, older
            "fd00:ec2::254",  # AWS
            "fd00:ec2::23",  # AWS EKS pod identity
            "fd00:42::42",  # Scaleway
            "fd20:ce::254",  # Google
        ],
    )
)

# RFC 6761, 6762, 7686, 8375 and ICANN's resolution on .internal: never a name of the public web.
_LOCAL_SUFFIXES = ("localhost", "local", "internal", "home.arpa", "onion")

# The Fetch standard's bad ports: other protocols listen there, and a request line can be made to speak them.
# fmt: off
_BAD_PORTS = frozenset({
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103,
    104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513,
    514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719,
    1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679,
    6697, 10080,
})
# fmt: on

_ALLOW = re.compile(r"(?P<host>\[[^\]]+\]|[^:/\s]+)(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class GuardedUrl:
    """A URL that may be asked for; `url` is rebuilt from its parts, so that every reader finds this host.

    `host` is a lower-case ASCII name or a literal address without brackets; `is_address` tells which.
    """

    url: str
    scheme: str
    host: str
    port: int
    is_address: bool


class Guard:
    """Decides what may be visited; `allow_hosts` are hosts of URLs that may lead to private addresses.

    An entry is `host` or `host:port`, a name or a literal address; IPv6 with a port needs brackets. It is
    compared with the host that the URL names, so allowing `127.0.0.1` lets no other name resolve there. A
    cloud's metadata address is reached only by a URL and an entry that both spell it out. An entry of another
    form raises BadSetting.
    """

    def __init__(self, allow_hosts: Collection[str] = ()) -> None:
        self._allowed = frozenset(map(_parse_allowed, allow_hosts))

    def check_url(self, url: str) -> GuardedUrl:
        """The URL as it may be asked for. Raises Refused: do not visit it, and record its `rule`."""
        parsed = parse_web_url(url)
        text, host, port = str(parsed), parsed.host, parsed.port
        if port in _BAD_PORTS and (_bare(host), port) not in self._allowed:
            raise Refused("bad-port", text, f"port {port} belongs to another protocol than HTTP")
        if parsed.is_address:
            self.check_address(host, host, port)
        elif _is_local(host) and not self._allows(host, port):
            raise Refused("local-name", text, f"{host} is no name of the public web; {_cure(host, port)}")
        return GuardedUrl(text, parsed.scheme, host, port, parsed.is_address)

    def check_address(self, ip: str, host: str, port: int) -> None:
        """Nothing, when a connection to `ip` for a URL of `host` and `port` may be made; else raises Refused.

        To be called with the very address of each connection, after DNS, also for literal addresses.
        """
        try:
            address = ipaddress.ip_address(ip.strip("[]"))
        except ValueError:
            raise Refused("bad-url", ip, "it is not an IP address") from None
        carried = _carried_ipv4(address)
        if not _METADATA.isdisjoint((_without_zone(address), *carried)):
            if not (_same_address(host, address) and self._allows(host, port)):
                raise Refused("metadata-address", ip, f"{host} leads to where a cloud hands out its credentials")
            return
        reason = _why_refused(address)
        if reason and not self._allows(host, port):
            raise Refused("private-address", ip, f"{host} leads to it and it is {reason}; {_cure(host, port)}")

    def _allows(self, host: str, port: int) -> bool:
        name = _bare(host)
        return (name, None) in self._allowed or (name, port) in self._allowed


def _why_refused(address: Address) -> str | None:
    """The sentence part that says what kind of address it is, or None when it is public."""
    if isinstance(address, ipaddress.IPv4Address):
        return _first_match(address, _IPV4_TABLE)
    if address in _NAT64:
        carried = _why_refused(_carried_ipv4(address)[0])
        return f"NAT64 for an IPv4 address that is {carried}" if carried else None
    return _first_match(address, _IPV6_TABLE) or (
        None if address in _GLOBAL_UNICAST else "not global unicast (RFC 4291)"
    )


def _carried_ipv4(address: Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address carries: mapped, compatible, NAT64, 6to4 and Teredo."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    if address.teredo:
        return list(address.teredo)
    if address.sixtofour:
        return [address.sixtofour]
    return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)] if int(address) >> 32 in _CARRYING_PREFIXES else []


def _first_match(address: Address, table: list[tuple[_Network, str]]) -> str | None:
    return next((reason for network, reason in table if address in network), None)


def _without_zone(address: Address) -> Address:
    return ipaddress.IPv6Address(int(address)) if isinstance(address, ipaddress.IPv6Address) else address


def _same_address(host: str, address: Address) -> bool:
    try:
        return ipaddress.ip_address(_bare(host)) == address
    except ValueError:
        return False


def _is_local(host: str) -> bool:
    name = _bare(host)
    return "." not in name or name.endswith(tuple(f".{suffix}" for suffix in _LOCAL_SUFFIXES))


def _bare(host: str) -> str:
    return host.lower().strip("[]").removesuffix(".")


def _cure(host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"if that is meant, allow it with --allow-host {shown}:{port}"


def _parse_allowed(entry: str) -> tuple[str, int | None]:
    spelled = f"[{entry}]" if entry.count(":") > 1 and not entry.startswith("[") else entry
    match = _ALLOW.fullmatch(spelled)
    if not match:
        raise BadSetting("allow_hosts", entry, "write a host or host:port, such as localhost:8080 or [::1]:8080")
    try:
        host = parse_host(match["host"], entry)
    except Refused as error:
        raise BadSetting("allow_hosts", entry, error.problem) from None
    return _bare(host), int(match["port"]) if match["port"] else None


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_IPV4_TABLE: list[tuple[_Network, str]] = [(ipaddress.ip_network(net), why) for net, why in _REFUSED_IPV4]
_IPV6_TABLE: list[tuple[_Network, str]] = [(ipaddress.ip_network(net), why) for net, why in _REFUSED_IPV6 + _OTHER_IPV6]
_CARRYING_PREFIXES = frozenset(int(ipaddress.IPv6Address(net)) >> 32 for net in ("::", "::ffff:0:0", "64:ff9b::"))
