"""What the Exchange says of TLS is what was negotiated, and who vouched for it."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from typing import get_args

import pytest

from crawler.guard import Guard
from crawler.wire import Wire, WireLimits
from tests.crawler.scripted_server import Talk, answering, serve_script
from tests.faults import Certificate, FaultSite, paths, serve_faults

GUARD = Guard(["127.0.0.1", "localhost"])
HEADERS = [("User-Agent", "newsark-test")]
NOT_TO_BE_TRUSTED = [kind for kind in get_args(Certificate) if kind != "good"]
LIMITS = WireLimits(timeout_seconds=3, connect_seconds=2)


@pytest.fixture
async def good() -> AsyncIterator[FaultSite]:
    async with serve_faults(tls="good") as site:
        yield site


def wire_for(site: FaultSite) -> Wire:
    assert site.identity is not None
    return Wire(GUARD, LIMITS, trust=site.identity.client())


async def seen_by_another_client(site: FaultSite) -> tuple[str, str, str]:
    """Version, cipher and certificate as a connection of asyncio's own finds them."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    host, _, port = site.url.removeprefix("https://").rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port), ssl=trusting)
    session: ssl.SSLObject = writer.get_extra_info("ssl_object")
    certificate = session.getpeercert(binary_form=True)
    cipher = session.cipher()
    writer.close()
    assert certificate is not None
    assert cipher is not None
    return session.version() or "", cipher[0], hashlib.sha256(certificate).hexdigest()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_facts_are_those_of_the_session(good: FaultSite, version: ssl.TLSVersion) -> None:
    assert good.identity is not None
    good.identity.server.maximum_version = version
    wire = wire_for(good)
    exchange = await wire.fetch(good.url + paths.ARTICLE, HEADERS)
    again = await wire.fetch(good.url + paths.ARTICLE, HEADERS)
    await wire.close()
    tls = exchange.tls
    assert tls is not None
    assert tls.version == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]
    assert (tls.version, tls.cipher, tls.certificate_sha256) == await seen_by_another_client(good)
    assert tls.verified is True
    assert again.tls == tls


@pytest.mark.parametrize(
    "path",
    [paths.ARTICLE, paths.CHUNKED_TRAILERS, paths.EARLY_HINTS, paths.FOLDED_HEADER, paths.NO_CONTENT_LENGTH_CLOSE],
)
async def test_bytes_inside_tls_are_kept_as_they_were_sent(good: FaultSite, path: str) -> None:
    wire = wire_for(good)
    exchange = await wire.fetch(good.url + path, HEADERS)
    await wire.close()
    visit = good.last(path)
    assert exchange.request == visit.head
    assert exchange.failure is None
    assert exchange.truncated is None
    heads = b"".join([*exchange.interim_heads, exchange.response_head])
    assert bytes(visit.sent).startswith(heads)
    if path != paths.CHUNKED_TRAILERS:
        assert bytes(visit.sent) == heads + exchange.body


@pytest.mark.parametrize("kind", NOT_TO_BE_TRUSTED)
async def test_a_certificate_that_nobody_vouches_for_is_a_failure(kind: Certificate) -> None:
    async with serve_faults(tls=kind) as site:
        wire = wire_for(site)
        exchange = await wire.fetch(site.url + paths.ARTICLE, HEADERS)
        await wire.close()
        assert site.visits == []
    assert exchange.failure is not None
    assert exchange.failure.kind == "certificate"
    assert "certificate verify failed" in exchange.failure.message
    assert (exchange.request, exchange.response_head, exchange.tls) == (b"", b"", None)


@pytest.mark.parametrize("kind", NOT_TO_BE_TRUSTED)
async def test_such_a_certificate_is_accepted_where_the_source_permits_and_the_facts_say_so(
    kind: Certificate,
) -> None:
    async with serve_faults(tls=kind) as site:
        wire = wire_for(site)
        exchange = await wire.fetch(site.url + paths.ARTICLE, HEADERS, verify_tls=False)
        verifying = await wire.fetch(site.url + paths.ARTICLE, HEADERS)
        await wire.close()
        assert exchange.tls is not None
        assert exchange.tls.verified is False
        assert exchange.tls.certificate_sha256 == (await seen_by_another_client(site))[2]
        assert [visit.head for visit in site.visits] == [exchange.request]
        assert bytes(site.visits[0].sent) == exchange.response_head + exchange.body
    assert verifying.failure is not None
    assert verifying.failure.kind == "certificate"


async def test_a_good_certificate_stays_verified_where_others_are_permitted(good: FaultSite) -> None:
    wire = wire_for(good)
    exchange = await wire.fetch(good.url + paths.ARTICLE, HEADERS, verify_tls=False)
    await wire.close()
    assert exchange.tls is not None
    assert exchange.tls.verified is True


async def test_without_other_trust_the_systems_authorities_decide(good: FaultSite) -> None:
    wire = Wire(GUARD, LIMITS)
    exchange = await wire.fetch(good.url + paths.ARTICLE, HEADERS)
    await wire.close()
    assert exchange.failure is not None
    assert exchange.failure.kind == "certificate"


async def test_plain_http_where_tls_is_expected_is_a_failure_of_tls() -> None:
    async def script(talk: Talk) -> None:
        await talk.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await talk.hold()

    wire = Wire(GUARD, LIMITS)
    async with serve_script(script) as server:
        exchange = await wire.fetch(f"https://127.0.0.1:{server.port}/", HEADERS, verify_tls=False)
    await wire.close()
    assert exchange.failure is not None
    assert exchange.failure.kind == "tls"


async def test_tls_where_plain_http_is_expected_keeps_what_came(good: FaultSite) -> None:
    wire = wire_for(good)
    exchange = await wire.fetch(good.url.replace("https:", "http:") + paths.ARTICLE, HEADERS)
    await wire.close()
    assert exchange.failure is not None
    assert exchange.failure.kind in ("disconnect", "malformed")
    assert exchange.request.startswith(b"GET /article HTTP/1.1\r\n")


@pytest.mark.parametrize(("holds", "kind"), [(True, "timeout"), (False, "connect")])
async def test_a_handshake_that_gets_nowhere(holds: bool, kind: str) -> None:
    wire = Wire(GUARD, WireLimits(connect_seconds=0.2))
    async with serve_script(answering(then_hold=holds) if holds else _hangs_up) as server:
        exchange = await wire.fetch(f"https://127.0.0.1:{server.port}/", HEADERS)
    await wire.close()
    assert exchange.failure is not None
    assert exchange.failure.kind == kind
    assert (exchange.request, exchange.tls) == (b"", None)


async def _hangs_up(talk: Talk) -> None:
    await talk.reader.read(1)
