"""A Ray cluster of several machines on this one, and newsrooms on loopback that note when each page was asked for.

Each machine is a node of Ray with a working state of its own; `kill` ends it as a power cut does, with all its
processes, and its disk may go with it. Everything listens on loopback alone.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.pipelines.judged_pages import ARTICLE_HEAD, page, paragraphs

ALONE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_health_check_initial_delay_ms": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "4",
}
"""The environment of all: loopback, and a machine that is gone is missed within seconds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the server saw it: monotonic seconds at its head and after its answer."""

    host: str
    path: str
    began: float
    ended: float


class Newsrooms:
    """Newsrooms, each at a loopback address of its own, with so many articles; answers take `latency_seconds`."""

    def __init__(self, count: int, articles: int, *, latency_seconds: float = 0.0) -> None:
        self.hosts = [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(count)]
        self.articles = articles
        self.asked: list[Asked] = []
        self.port = 0
        self._latency_seconds = latency_seconds
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    def url(self, host: str) -> str:
        """The address of a newsroom's home page, without its slash."""
        return f"http://{host}:{self.port}"

    def pages(self) -> set[str]:
        """The addresses of all articles."""
        return {f"{self.url(host)}/p/{number}" for host in self.hosts for number in range(self.articles)}

    def write_files(self, directory: Path, *, delay_seconds: float, more: str = "") -> None:
        """A source file for each newsroom: one request at a time, so that two at once are two visitors."""
        directory.mkdir(parents=True, exist_ok=True)
        for number, host in enumerate(self.hosts):
            name, url = f"room-{number:03d}", self.url(host)
            (directory / f"{name}.toml").write_text(
                f'id = "{name}"\nname = "Room {number}"\nhome = "{url}/"\ndiscover = "listed"\n'
                f'sitemaps = ["{url}/sitemap.xml"]\nrequisites = "none"\nmax_concurrency = 1\n'
                f'delay_seconds = {delay_seconds}\nallow_hosts = ["{host}:{self.port}"]\n{more}'
            )

    def close(self) -> None:
        """Stop serving."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    # what they showed

    def overlaps(self) -> list[tuple[Asked, Asked]]:
        """Pairs of requests of one host that were under way at the same time."""
        return [(one, two) for one, two in self._following() if two.began < one.ended]

    def shortest_gap(self) -> float:
        """The least time between the starts of two requests to one host."""
        return min((two.began - one.began for one, two in self._following()), default=0.0)

    def times_asked(self) -> dict[str, int]:
        """How often each article was asked for."""
        counts = dict.fromkeys(self.pages(), 0)
        for one in self.asked:
            if one.path.startswith("/p/"):
                counts[f"http://{one.host}:{self.port}{one.path}"] += 1
        return counts

    def _following(self) -> Iterator[tuple[Asked, Asked]]:
        of_host: dict[str, list[Asked]] = {}
        for one in sorted(self.asked, key=lambda asked: asked.began):
            of_host.setdefault(one.host, []).append(one)
        for these in of_host.values():
            yield from itertools.pairwise(these)

    # serving

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        ready.set()
        self._loop.run_forever()

    async def _listen(self) -> None:
        for host in self.hosts:
            server = await asyncio.start_server(self._connection, host, self.port, backlog=64)
            self.port = server.sockets[0].getsockname()[1]

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = writer.get_extra_info("sockname")[0]
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                began = time.monotonic()
                path = head.split(b" ", 2)[1].decode()
                await asyncio.sleep(self._latency_seconds)
                # noted before the answer is sent: whoever has it may ask again at once
                self.asked.append(Asked(host, path, began, time.monotonic()))
                writer.write(self._answer(host, path))
                await writer.drain()
        writer.close()

    def _answer(self, host: str, path: str) -> bytes:
        url = self.url(host)
        if path.startswith("/p/"):
            return _response(200, "text/html; charset=utf-8", article(host, int(path[3:])))
        if path == "/sitemap.xml":
            urls = "".join(f"<url><loc>{url}/p/{n}</loc></url>" for n in range(self.articles))
            space = "http://www.sitemaps.org/schemas/sitemap/0.9"
            return _response(200, "application/xml", f'<urlset xmlns="{space}">{urls}</urlset>')
        if path == "/":
            return _response(200, "text/html", "<html><body><h1>News</h1></body></html>")
        return _response(404, "text/plain", "not here")


def article(host: str, number: int) -> str:
    """A page whose sentences stand on no other one."""
    told = [
        f"On day {number} the council of {host} heard sentence {line} about the bridge over river {number * 7 + line}."
        for line in range(12)
    ]
    return page(
        f"Bridge {number} of {host}", f"<article><h1>Bridge {number}</h1>{paragraphs(*told)}</article>", ARTICLE_HEAD
    )


def _response(status: int, kind: str, text: str) -> bytes:
    body = text.encode()
    return f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class RayMachine:
    """A machine of the cluster: `state` is its disk."""

    node: Any
    state: Path

    def kill(self, *, with_disk: bool) -> None:
        """End all its processes at once, and take its disk away."""
        raylet = psutil.Process(self.node.all_processes["raylet"][0].process.pid)
        for process in [raylet, *raylet.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        if with_disk:
            shutil.rmtree(self.state)


@dataclass
class RayCluster:
    """A cluster whose head has no room for workers. `environment` is what a command needs to use it."""

    cluster: Any
    directory: Path
    common: dict[str, str]
    machines: list[RayMachine] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The address of its head, as --cluster takes it."""
        return str(self.cluster.gcs_address)

    @property
    def environment(self) -> dict[str, str]:
        """What the driver needs in its environment: a working state of its own, too."""
        return {**ALONE, **self.common, "XDG_STATE_HOME": str(self.directory / "driver")}

    def add(self, cpus: int = 1) -> RayMachine:
        """One machine more."""
        state = self.directory / f"machine-{len(self.machines)}"
        state.mkdir()
        node = self.cluster.add_node(
            num_cpus=cpus, env_vars={**ALONE, **self.common, "XDG_STATE_HOME": str(state)}, wait=True, **_small()
        )
        self.machines.append(RayMachine(node, state))
        return self.machines[-1]


@contextmanager
def ray_cluster(machines: Sequence[int], environment: dict[str, str]) -> Iterator[RayCluster]:
    """A cluster with so many processors on each of its machines, gone at the end."""
    before = dict(os.environ)
    # the path of a socket may not be long
    directory = Path(tempfile.mkdtemp(prefix="nsray", dir="/tmp"))
    (directory / "ray").mkdir()
    os.environ.update(ALONE | {"RAY_TMPDIR": str(directory)})
    from ray.cluster_utils import Cluster

    cluster = None
    try:
        head = {"num_cpus": 0, "include_dashboard": False, **_small()}
        cluster = Cluster(initialize_head=True, connect=False, head_node_args=head)
        made = RayCluster(cluster, directory, environment)
        for cpus in machines:
            made.add(cpus)
        yield made
    finally:
        if cluster is not None:
            cluster.shutdown()
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(directory, ignore_errors=True)


def _small() -> dict[str, Any]:
    return {"object_store_memory": 80_000_000}
