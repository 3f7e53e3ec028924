"""The list of what follows readers around."""

from __future__ import annotations

import pytest

from crawler.trackers import HOSTS, tracker


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("https://www.google-analytics.com/ga.js", "google-analytics.com"),
        ("https://securepubads.g.doubleclick.net/tag/js/gpt.js", "doubleclick.net"),
        ("https://mc.yandex.ru/metrika/tag.js", "mc.yandex.ru"),
        ("https://yandex.ru/logo.png", None),
        ("https://notdoubleclick.net/a.png", None),
        ("https://news.example/doubleclick.net/a.png", None),
        ("http://127.0.0.1:8000/a.png", None),
    ],
)
def test_a_tracker_is_known_by_its_host(url: str, entry: str | None) -> None:
    assert tracker(url) == entry


def test_entries_are_hosts() -> None:
    assert all("." in host and host == host.lower() and "/" not in host for host in HOSTS)
