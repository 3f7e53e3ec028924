"""Articles are kept with what they need to look right, within their budgets, and each shared file once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from tests.pressroom import PICTURE, TYPES, Newsroom, crawl


@pytest.fixture
def newsroom() -> Iterator[Newsroom]:
    with Newsroom() as made:
        yield made


def kept(home: Path) -> dict[str, tuple[str, bytes]]:
    found = {}
    for warc in (home / "archive" / "warc").rglob("*.warc.gz"):
        with warc.open("rb") as stream:
            for record in ArchiveIterator(stream):
                if record.rec_type in ("response", "revisit"):
                    url = record.rec_headers.get_header("WARC-Target-URI")
                    found[url] = (record.rec_type, record.content_stream().read())
    return found


def test_a_page_is_kept_with_what_it_needs(newsroom: Newsroom, tmp_path: Path) -> None:
    source = crawl(newsroom, tmp_path, 'block = ["/banner/"]')
    found = {url.removeprefix(newsroom.url): one for url, one in kept(tmp_path).items()}
    files = ["one.png", "one-big.png", "two.png", "two-big.png", "logo.png", "paper.png"]
    for path in ["/css/site.css", "/css/more.css", "/a.woff2", "/app.js", *(f"/img/{name}" for name in files)]:
        assert path in found, path
    assert found["/img/one.png"][1] == PICTURE
    assert not any("analytics" in path or "/banner/" in path or "secret" in path for path in found)
    assert max(Counter(newsroom.asked).values()) == 1
    assert newsroom.referers["/img/one.png"] == f"{newsroom.url}/news/one"
    assert source["kinds"]["resource"] == {"captured": 10, "failed": 1, "refused": 3}
    assert source["kinds"]["article"] == {"captured": 2}
    assert not source["problems"]


def test_only_pictures(newsroom: Newsroom, tmp_path: Path) -> None:
    crawl(newsroom, tmp_path, 'requisites = "images"')
    asked = set(newsroom.asked)
    assert {"/img/one.png", "/img/one-big.png", "/img/logo.png", "/banner/ad.png"} <= asked
    assert not asked & {"/css/site.css", "/app.js", "/img/paper.png"}


def test_nothing_but_the_page(newsroom: Newsroom, tmp_path: Path) -> None:
    source = crawl(newsroom, tmp_path, 'requisites = "none"')
    assert sorted(newsroom.asked) == ["/news/one", "/news/two", "/robots.txt", "/sitemap.xml"]
    assert "resource" not in source["kinds"]


def test_a_page_may_bring_only_so_many_files(newsroom: Newsroom, tmp_path: Path) -> None:
    source = crawl(newsroom, tmp_path, "page_requests = 2")
    files = [path for path in newsroom.asked if Path(path).suffix in TYPES]
    assert len(files) == 4
    assert source["kinds"]["resource"]["refused"] >= 5


def test_a_page_may_bring_only_so_many_bytes(newsroom: Newsroom, tmp_path: Path) -> None:
    crawl(newsroom, tmp_path, "page_bytes = 10000", "max_concurrency = 1")
    files = [path for path in newsroom.asked if path.endswith((".png", ".js", ".woff2"))]
    assert 2 <= len(files) <= 4


def test_a_second_crawl_asks_for_no_file_again(newsroom: Newsroom, tmp_path: Path) -> None:
    crawl(newsroom, tmp_path)
    newsroom.asked.clear()
    crawl(newsroom, tmp_path)
    assert not [path for path in newsroom.asked if Path(path).suffix in TYPES]
