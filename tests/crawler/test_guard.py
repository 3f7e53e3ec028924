from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.guard import Guard
from storage.errors import BadSetting, Refused

NOBODY = Guard(())


def _words(text: str) -> list[str]:
    return text.split()


PRIVATE = _words("""
    0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.1.1 172.16.0.1
    172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.7
    203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::7f00:1 ::8.8.8.8
    ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::8.8.8.8 100::1 2001::1
    2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:808:808::
    3fff::1 4000::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0 fec0::1 ff02::1
""")
PUBLIC = _words("""
    1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.32.0.1 193.0.0.1 2606:4700::1111 2a00:1450::1
    64:ff9b::8.8.8.8
""")
METADATA = _words("""
    169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::254 fd20:ce::254
    ::ffff:169.254.169.254 64:ff9b::169.254.169.254 2002:a9fe:a9fe:: ::a9fe:a9fe
""")


@pytest.mark.parametrize("ip", PRIVATE)
def test_no_connection_is_made_to_an_address_that_is_not_public(ip: str) -> None:
    with pytest.raises(Refused) as caught:
        NOBODY.check_address(ip, "news.example", 443)
    assert caught.value.rule == "private-address"
    assert "--allow-host news.example:443" in str(caught.value)


@pytest.mark.parametrize("ip", PUBLIC)
def test_a_public_address_is_connected_to(ip: str) -> None:
    NOBODY.check_address(ip, "news.example", 443)


@pytest.mark.parametrize("ip", METADATA)
def test_a_metadata_address_is_refused_even_for_an_allowed_name(ip: str) -> None:
    with pytest.raises(Refused) as caught:
        Guard(["news.example"]).check_address(ip, "news.example", 80)
    assert caught.value.rule == "metadata-address"


def test_a_metadata_address_is_reached_only_when_url_and_entry_both_spell_it() -> None:
    guard = Guard(["169.254.169.254:80"])
    guard.check_address("169.254.169.254", "169.254.169.254", 80)
    assert guard.check_url("http://169.254.169.254/x").host == "169.254.169.254"
    with pytest.raises(Refused):
        guard.check_address("169.254.169.254", "169.254.169.254", 81)
    with pytest.raises(Refused):
        guard.check_address("::ffff:169.254.169.254", "169.254.169.254", 80)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://127.0.0.1/", "private-address"),
        ("http://[::ffff:127.0.0.1]/", "private-address"),
        ("http://[0:0:0:0:0:0:0:1]/", "private-address"),
        ("http://169.254.169.254/latest/", "metadata-address"),
        ("http://2130706433/", "bad-url"),
        ("http://0x7f.0.0.1/", "bad-url"),
        ("http://127.1.1.1:80\\@127.2.2.2:80/", "bad-url"),
        ("http://news.example@127.0.0.1/", "bad-url"),
        ("http://127%2e0.0.1/", "bad-url"),
        ("http://localhost/", "local-name"),
        ("http://LOCALHOST./", "local-name"),
        ("http://ｌocalhost/", "local-name"),
        ("http://router/", "local-name"),
        ("http://printer.local/", "local-name"),
        ("http://metadata.cloud.internal/", "local-name"),
        ("http://news.example:25/", "bad-port"),
        ("http://news.example:6667/", "bad-port"),
        ("gopher://127.0.0.1:25/", "scheme"),
    ],
)
def test_a_url_into_the_own_network_is_refused_before_anything_is_asked_for(url: str, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        NOBODY.check_url(url)
    assert caught.value.rule == rule


def test_a_guarded_url_is_canonical() -> None:
    found = NOBODY.check_url(" HTTPS://News.Example:443/a b#c")
    assert (found.url, found.scheme, found.host, found.port) == (
        "https://news.example/a%20b",
        "https",
        "news.example",
        443,
    )
    assert not found.is_address
    assert NOBODY.check_url("http://[2606:4700::1111]/").is_address


@pytest.mark.parametrize(
    ("entry", "url", "ip"),
    [
        ("localhost", "http://localhost:8000/", "127.0.0.1"),
        ("localhost:8000", "http://localhost:8000/", "::1"),
        ("LocalHost.", "http://localhost:8000/", "::1"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000/", "127.0.0.1"),
        ("::1", "http://[::1]:8000/", "::1"),
        ("[::1]:8000", "http://[::1]:8000/", "::1"),
        ("новости.example", "http://xn--b1amnebsh.example/", "10.0.0.1"),
        ("news.example:25", "http://news.example:25/", "10.0.0.1"),
    ],
)
def test_an_allowed_host_may_lead_to_a_private_address(entry: str, url: str, ip: str) -> None:
    guard = Guard([entry])
    found = guard.check_url(url)
    guard.check_address(ip, found.host, found.port)


def test_an_entry_allows_no_other_port_and_no_other_name() -> None:
    guard = Guard(["127.0.0.1:8000"])
    for host, port in (("127.0.0.1", 8001), ("rebound.example", 8000), ("127.0.0.2", 8000)):
        with pytest.raises(Refused):
            guard.check_address("127.0.0.1", host, port)


@pytest.mark.parametrize(
    "entry", ["", "http://localhost", "localhost:", "a b", "*", "user@host", "0x7f.1", "host:port", "a/b"]
)
def test_an_entry_that_is_no_host_is_named(entry: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Guard([entry])
    assert caught.value.where == "allow_hosts"


def test_what_is_no_address_is_refused() -> None:
    for ip in ("", "news.example", "127.1", "0x7f000001"):
        with pytest.raises(Refused):
            NOBODY.check_address(ip, "news.example", 80)


@given(st.ip_addresses())
def test_every_address_that_passes_is_global_in_pythons_eyes_too(ip: object) -> None:
    try:
        NOBODY.check_address(str(ip), "news.example", 80)
    except Refused:
        return
    assert ip.is_global or str(ip).startswith("64:ff9b::")
