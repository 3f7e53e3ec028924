"""What a crawl costs with its catalogue in SQLite, in PostgreSQL on this machine, and in PostgreSQL some way off.

    python benchmarks/catalogue.py [--pages 1000] [--rounds 3] [--away-ms 1]

The same pages are crawled with each, interleaved, and medians are printed. CPU is user and system time of every process
of the command; that of the database's server is told beside it. Round trips are counted, and `--away-ms` is added to
each, by a relay between the crawl and the server. The server is Debian's, as it is for the tests.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.crawl import BIN
from benchmarks.measure import Measured, adopt_orphans, measure
from benchmarks.pages import pages
from benchmarks.pageserver import page_server
from tests.postgresql import USER, Server, missing, new_server


@dataclass
class Relay:
    """A way to a server's socket that takes some time; counts how often somebody asked and waited for an answer."""

    server: Server
    seconds: float
    port: int = 0
    trips: int = 0
    _ready: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Serve in a thread of its own, until the process ends."""
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait()

    async def _serve(self) -> None:
        listening = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = listening.sockets[0].getsockname()[1]
        self._ready.set()
        await listening.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(str(self.server.directory / ".s.PGSQL.5432"))
        answered = [True]

        async def there() -> None:
            while data := await reader.read(1 << 20):
                if answered[0]:
                    answered[0] = False
                    self.trips += 1
                    await asyncio.sleep(self.seconds)
                far_writer.write(data)
                await far_writer.drain()
            far_writer.close()

        async def back() -> None:
            while data := await far_reader.read(1 << 20):
                answered[0] = True
                writer.write(data)
                await writer.drain()
            writer.close()

        await asyncio.gather(there(), back())


@dataclass
class Run:
    """One crawl: what it cost, what the server cost, how many round trips there were."""

    crawl: Measured
    server_seconds: float = 0.0
    trips: int = 0


def main() -> int:
    """Print the table; exit code 1 when there is no PostgreSQL."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--away-ms", type=float, default=1.0)
    options = parser.parse_args()
    if why := missing():
        print(why)
        return 1
    adopt_orphans()
    server = new_server()
    try:
        with tempfile.TemporaryDirectory(prefix="newsark-bench-") as directory:
            _bench(Path(directory), server, options)
    finally:
        server.remove()
    return 0


def _bench(directory: Path, server: Server, options: argparse.Namespace) -> None:
    saved = directory / "pages"
    saved.mkdir()
    for number, page in enumerate(pages(options.pages, None)):
        (saved / f"{number:06d}.html").write_bytes(page)
    relay = Relay(server, options.away_ms / 1000)
    relay.start()
    away = f"{options.away_ms:g} ms away"
    runs: dict[str, list[Run]] = {"SQLite": [], "PostgreSQL": [], away: []}
    for number in range(options.rounds):
        for name, done in runs.items():
            work = directory / f"{number}-{len(done)}-{name.replace(' ', '')}"
            work.mkdir()
            url = None
            if name == "PostgreSQL":
                url = server.url(server.create())
            elif name == away:
                url = f"postgresql://{USER}@127.0.0.1:{relay.port}/{server.create()}"
            before = relay.trips
            with page_server(saved) as site, _spent(server) as spent:
                run = Run(_crawl(work, site, url))
            if run.crawl.exit_code:
                raise SystemExit((work / "newsark.log").read_text())
            run.server_seconds, run.trips = spent[0], relay.trips - before
            done.append(run)
    _print(runs, options.pages)


@contextmanager
def _spent(server: Server) -> Iterator[list[float]]:
    """How much CPU time the server took while the block ran, once it has ended; in the list that is given."""
    postmaster = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))

    def total() -> float:
        living = [one.cpu_times() for one in postmaster.children()]
        mine = postmaster.cpu_times()
        return sum(one.user + one.system for one in (*living, mine)) + mine.children_user + mine.children_system

    before, spent = total(), [0.0]
    yield spent
    spent[0] = total() - before


def _crawl(work: Path, site: str, url: str | None) -> Measured:
    host = site.removeprefix("http://")
    (work / "newsark.toml").write_text(f'catalogue = "{url}"\n' if url else "")
    (work / "bench.toml").write_text(
        f'id = "bench"\nname = "bench"\nhome = "{site}/"\ndelay_seconds = 0\nmax_concurrency = 16\n'
        f'allow_hosts = ["{host}"]\ndiscover = "listed"\nrequisites = "none"\nsitemaps = ["{site}/sitemap.xml"]\n'
    )
    command = [str(BIN / "newsark"), "crawl", "--source-file", "bench.toml", "--archive", "archive", "--no-progress"]
    return measure(command, cwd=work, log=work / "newsark.log")


def _print(runs: dict[str, list[Run]], count: int) -> None:
    def median(name: str, value: Callable[[Run], float]) -> float:
        return statistics.median(value(run) for run in runs[name])

    print(f"{count} pages")
    print(f"{'':14}{'pages/s':>10}{'CPU ms/page':>14}{'server ms/page':>16}{'round trips/page':>18}")
    for name in runs:
        print(
            f"{name:14}{count / median(name, lambda run: run.crawl.wall_seconds):>10.1f}"
            f"{1000 * median(name, lambda run: run.crawl.cpu_seconds) / count:>14.2f}"
            f"{1000 * median(name, lambda run: run.server_seconds) / count:>16.2f}"
            f"{median(name, lambda run: run.trips) / count:>18.2f}"
        )


if __name__ == "__main__":
    sys.exit(main())
