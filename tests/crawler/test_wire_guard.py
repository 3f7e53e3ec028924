"""No connection is ever made to an address that the guard refuses, whichever way leads there."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from crawler import wire as wire_module
from crawler.guard import Guard, GuardedUrl
from crawler.weburl import parse_web_url
from crawler.wire import Wire, WireLimits
from storage.errors import Refused
from tests.crawler.scripted_server import ScriptedServer, answering, serve_script

HEADERS = [("User-Agent", "newsark-test")]
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
BYE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbye"
METADATA = "169.254.169.254"


class Names(AbstractResolver):
    """Answers each question about a name with the next of its lists, the last one again and again."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with serve_script(answering(HELLO, HELLO)) as server:
        yield server


def wire_to(names: Names, *allowed: str) -> Wire:
    return Wire(Guard(allowed), WireLimits(timeout_seconds=3), resolver=names)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "127.0.0.2", METADATA])
async def test_a_literal_address_that_is_not_public_is_refused(server: ScriptedServer, host: str) -> None:
    wire = Wire(Guard(), WireLimits())
    with pytest.raises(Refused):
        await wire.fetch(f"http://{host}:{server.port}/", HEADERS)
    await wire.close()
    assert server.connections == 0


class ForgetsLiterals(Guard):
    """A guard whose first half lets every URL through; the second half sees the address of the connection."""

    def check_url(self, url: str) -> GuardedUrl:
        parsed = parse_web_url(url)
        return GuardedUrl(str(parsed), parsed.scheme, parsed.host, parsed.port, parsed.is_address)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
async def test_a_literal_address_is_checked_again_when_the_connection_is_made(
    server: ScriptedServer, host: str
) -> None:
    wire = Wire(ForgetsLiterals(), WireLimits())
    with pytest.raises(Refused) as caught:
        await wire.fetch(f"http://{host}:{server.port}/", HEADERS)
    await wire.close()
    assert caught.value.rule == "private-address"
    assert server.connections == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "0.0.0.0"])
async def test_a_name_that_leads_to_a_private_address_is_refused(server: ScriptedServer, address: str) -> None:
    wire = wire_to(Names([address]))
    with pytest.raises(Refused) as caught:
        await wire.fetch(f"http://news.test:{server.port}/", HEADERS)
    await wire.close()
    assert (caught.value.rule, caught.value.what) == ("private-address", address)
    assert server.connections == 0


async def test_an_allowed_ipv6_address_is_reached() -> None:
    wire = Wire(Guard(["[::1]"]), WireLimits())
    try:
        async with serve_script(answering(HELLO), "::1") as server:
            exchange = await wire.fetch(server.url, HEADERS)
    except OSError:
        pytest.skip("this machine has no IPv6")
    finally:
        await wire.close()
    assert (exchange.body, exchange.peer_address, exchange.peer_port) == (b"hello", "::1", server.port)
    assert exchange.request.startswith(f"GET / HTTP/1.1\r\nHost: [::1]:{server.port}\r\n".encode())


@pytest.mark.parametrize(
    "addresses", [[METADATA, "127.0.0.1"], ["127.0.0.1", METADATA], ["fd00:ec2::254", "127.0.0.1"]]
)
async def test_of_several_addresses_only_those_that_may_be_visited_are(
    server: ScriptedServer, addresses: list[str]
) -> None:
    wire = wire_to(Names(addresses), "news.test")
    exchange = await wire.fetch(f"http://news.test:{server.port}/", HEADERS)
    await wire.close()
    assert (exchange.body, exchange.peer_address, exchange.failure) == (b"hello", "127.0.0.1", None)


async def test_when_an_address_is_refused_and_the_others_are_dead_the_host_is_out_of_reach() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        wire = wire_to(Names([METADATA, "127.0.0.1"]), "news.test")
        exchange = await wire.fetch(f"http://news.test:{deaf.getsockname()[1]}/", HEADERS)
        await wire.close()
    assert exchange.failure is not None
    assert exchange.failure.kind == "connect"


async def test_a_name_that_changes_to_a_refused_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "DNS_SECONDS", 0)
    names = Names(["127.0.0.1"], [METADATA])
    wire = wire_to(names, "news.test")
    async with serve_script(answering(BYE)) as server:
        url = f"http://news.test:{server.port}/"
        assert (await wire.fetch(url, HEADERS)).body == b"bye"
        with pytest.raises(Refused) as caught:
            await wire.fetch(url, HEADERS)
        assert (server.connections, len(names.asked)) == (1, 2)
    await wire.close()
    assert (caught.value.rule, caught.value.what) == ("metadata-address", METADATA)


async def test_a_remembered_address_is_checked_at_each_connection() -> None:
    names = Names(["127.0.0.1"], [METADATA])
    wire = wire_to(names, "news.test")
    async with serve_script(answering(BYE)) as server:
        url = f"http://news.test:{server.port}/"
        for _ in range(2):
            assert (await wire.fetch(url, HEADERS)).body == b"bye"
        wire.guard = Guard()
        with pytest.raises(Refused) as caught:
            await wire.fetch(url, HEADERS)
        assert (server.connections, len(names.asked)) == (2, 1)
    await wire.close()
    assert (caught.value.rule, caught.value.what) == ("private-address", "127.0.0.1")


async def test_proxies_of_the_environment_are_not_used(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve_script(answering(BYE)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        wire = wire_to(Names(["127.0.0.1"]), "news.test")
        exchange = await wire.fetch(f"http://news.test:{server.port}/", HEADERS)
        await wire.close()
        assert exchange.body == b"hello"
        assert (proxy.connections, server.connections) == (0, 1)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("ftp://news.test/", "scheme"),
        ("http://user:word@news.test/", "bad-url"),
        ("http://localhost/", "local-name"),
        ("http://news.test:25/", "bad-port"),
        ("http://2130706433/", "bad-url"),
    ],
)
async def test_a_url_that_the_guard_refuses_is_not_even_looked_up(url: str, rule: str) -> None:
    names = Names(["127.0.0.1"])
    wire = wire_to(names)
    with pytest.raises(Refused) as caught:
        await wire.fetch(url, HEADERS)
    await wire.close()
    assert (caught.value.rule, names.asked) == (rule, [])
