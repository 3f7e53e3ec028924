"""`newsark replay` over a bucket: records by range, nothing copied; and what is said when the server is away."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.pressroom import Newsroom, crawl, sent
from tests.s3proxy import Fault, Passed, Proxy, running_proxy
from tests.seaweed import shared_seaweed
from tests.test_replay import NOW, Replayed, replaying

BUCKET = "replayed"


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Replayed, Proxy]]:
    """A newsroom that was crawled into a bucket, and a replay that reaches it by way of a proxy only."""
    home, server = tmp_path_factory.mktemp("bucket"), shared_seaweed()
    place = f"s3://{server.make_bucket(BUCKET)}/paper"
    with pytest.MonkeyPatch.context() as patched, running_proxy(server) as proxy:
        for name, value in server.environment.items():
            patched.setenv(name, value)
        patched.setenv("NEWSARK_STORE_PATIENCE_SECONDS", "1")
        patched.setenv("NEWSARK_STATE", str(home / "state"))
        with Newsroom() as newsroom:
            crawl(newsroom, home, archive=place)
            site = newsroom.url
        patched.delenv("AWS_ENDPOINT_URL_S3")
        # what the catalogue is not: sealed and open segments, and objects on their way
        for part in ("open", "outbox"):
            shutil.rmtree(home / "state" / part, ignore_errors=True)
        with replaying("--archive", place, "--endpoint-url", proxy.endpoint_url) as running:
            yield site, running, proxy


def reads(proxy: Proxy, since: int) -> list[Passed]:
    return [one for one in proxy.passed[since:] if one.method == "GET" and "/warc/" in one.path]


@pytest.mark.parametrize("path", ["/img/one.png", "/img/one-big.png", "/css/more.css", "/app.js", "/news/one"])
def test_bytes_come_by_range_and_are_those_that_came(bucket: tuple[str, Replayed, Proxy], path: str) -> None:
    site, running, proxy = bucket
    before = len(proxy.passed)
    status, _, body = running.get(f"/archive/{NOW}id_/{site}{path}")
    assert status == 200
    assert body == sent(path)
    asked = reads(proxy, before)
    assert asked
    listed = shared_seaweed().client().list_objects_v2(Bucket=BUCKET, Prefix="paper/warc/")
    (segment,) = [one["Size"] for one in listed["Contents"]]
    ranges = [(one.range or "").removeprefix("bytes=").partition("-") for one in asked]
    assert sum(int(last) - int(first) + 1 for first, _, last in ranges) < segment / 2


@pytest.mark.parametrize(
    ("fault", "cure"),
    [(Fault.RESET_BEFORE_BODY, "check the network"), (Fault.SILENCE, "check"), (Fault.STATUS_403, "credentials")],
)
def test_a_store_that_cannot_be_had_is_named_and_the_next_request_works(
    bucket: tuple[str, Replayed, Proxy], fault: Fault, cure: str
) -> None:
    site, running, proxy = bucket
    rule = proxy.script(fault, "GET", "/warc/", times=1000)
    status, _, body = running.get(f"/archive/{NOW}mp_/{site}/news/two")
    text = body.decode()
    assert status == 503
    assert "s3://replayed/paper" in text
    assert cure in text
    assert "Traceback" not in text
    rule.times = 0
    assert running.get(f"/archive/{NOW}mp_/{site}/news/two")[0] == 200
