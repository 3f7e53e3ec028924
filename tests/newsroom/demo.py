"""The demo: crawl the sample newsroom into an archive and show what came of it; each run is a day later there.

With `--store s3` the archive is in a bucket of a real S3 server on loopback, with versions and Object Lock on.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.newsroom.server import newsroom_process

PORT = 8317
BUCKET = "newsark-demo"


@dataclass(frozen=True)
class DemoArchive:
    """Where the demo's archive is, what commands need in their environment for it, and where the demo keeps notes."""

    place: str
    notes: Path
    environment: dict[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()


def main() -> int:
    """Run the demo; the crawl's exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.newsroom.demo", description=__doc__)
    parser.add_argument("--archive", type=Path, default=Path("./archive"))
    parser.add_argument("--store", choices=["directory", "s3"], default="directory")
    parser.add_argument("--serve", action="store_true", help="start the S3 server of earlier demos, and nothing else")
    options = parser.parse_args()
    if options.store == "s3" or options.serve:
        with _in_bucket(options.archive.with_name(f"{options.archive.name}-s3")) as archive:
            return _serve(archive) if options.serve else _run(archive)
    tools = os.path.relpath(Path(sys.executable).parent)
    again = "make demo" + ("" if str(options.archive) == "archive" else f" ARCHIVE={options.archive}")
    after = (f"{tools}/warcio index {options.archive}/warc/*/*/*/*.warc.gz", f"{again}    # a day later there")
    return _run(DemoArchive(str(options.archive), options.archive / ".newsark" / "demo", after=after))


@contextmanager
def _in_bucket(directory: Path) -> Iterator[DemoArchive]:
    """An archive in a bucket; server, state and notes are in a directory, on the same ports every time."""
    from tests.seaweed import Seaweed, free_ports

    directory.mkdir(parents=True, exist_ok=True)
    ports = directory / "ports.json"
    if not ports.exists():
        ports.write_text(json.dumps(free_ports()))
    server = Seaweed((directory / "server").absolute(), json.loads(ports.read_text()))
    server.start()
    try:
        if BUCKET not in [bucket["Name"] for bucket in server.client().list_buckets()["Buckets"]]:
            server.make_bucket(BUCKET, versioned=True, object_lock=True)
        locked = {"NEWSARK_OBJECT_LOCK_MODE": "GOVERNANCE", "NEWSARK_OBJECT_LOCK_DAYS": "1"}
        state = {"NEWSARK_STATE": str((directory / "state").absolute())}
        python = Path(os.path.relpath(Path(sys.executable).parent)) / "python"
        notes = (
            "make demo STORE=s3    # a day later there",
            f"{python} -m tests.newsroom.demo --serve    # the server again, for the commands above; says what to set",
        )
        _say(f"An S3 server is at {server.endpoint_url}; its bucket {BUCKET} has versions and Object Lock.")
        yield DemoArchive(f"s3://{BUCKET}/sample", directory / "notes", server.environment | locked | state, notes)
    finally:
        server.kill()


def _serve(archive: DemoArchive) -> int:
    """Say what commands need in their environment, and keep the server until Ctrl-C."""
    for name, value in archive.environment.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f"# newsark status --archive {archive.place}; Ctrl-C ends the server", flush=True)
    with suppress(KeyboardInterrupt):
        signal.pause()
    return 0


def _run(archive: DemoArchive) -> int:
    again = (archive.notes / "clock.json").exists()
    archive.notes.mkdir(parents=True, exist_ok=True)
    port = _port(archive.notes / "port")
    with newsroom_process("--port", str(port), "--state", str(archive.notes / "clock.json")) as newsroom:
        _say(
            f"The sample newsroom is at {newsroom.url}/"
            + (", a day later than at the last demo." if again else "; it is an invented newspaper in three languages.")
        )
        where = ["--archive", archive.place]
        allowed = ["--allow-host", f"127.0.0.1:{port}", "--delay", "0", "--contact", "demo@localhost"]
        code = _newsark(archive, "crawl", f"{newsroom.url}/", *where, *allowed)
    if code not in (0, 1):
        return code
    _show_one(archive)
    code = _newsark(archive, "verify", "--deep", *where) or code
    _say("Try next:")
    tools = os.path.relpath(Path(sys.executable).parent)
    for line in (
        f"{tools}/newsark status --archive {archive.place}",
        f"{tools}/newsark show {newsroom.url}/de/2026/03/12/radweg-endet-im-nichts --archive {archive.place}",
        f"{tools}/newsark search Schiff OR пароход --archive {archive.place}",
        f"{tools}/newsark serve --archive {archive.place}    # the reading room, in a browser",
        f"{tools}/newsark export --archive {archive.place} -o articles.jsonl",
        *archive.after,
    ):
        print(f"  {line}")
    return code


def _port(memory: Path) -> int:
    """The port of the earlier runs, since addresses are what an archive remembers; a free one at first."""
    if memory.exists():
        return int(memory.read_text())
    for wanted in (PORT, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            port = int(probe.getsockname()[1])
            memory.write_text(str(port))
            return port
    raise SystemExit("no port is free on 127.0.0.1")


def _newsark(archive: DemoArchive, *arguments: str) -> int:
    command = [str(Path(sys.executable).with_name("newsark")), *arguments]
    _say("$ newsark " + shlex.join(arguments))
    return subprocess.run(command, check=False, env=os.environ | archive.environment).returncode


def _show_one(archive: DemoArchive) -> None:
    """The newest record that has everything, as it would be exported."""
    command = [str(Path(sys.executable).with_name("newsark")), "export", "--archive", archive.place, "-o", "-"]
    environment = os.environ | archive.environment
    lines = subprocess.run(command, check=True, capture_output=True, env=environment).stdout.splitlines()
    if not lines:
        return
    records = [json.loads(line) for line in lines]
    best = max(records, key=lambda record: (bool(record.get("author")), str(record.get("datePublished") or "")))
    body = best.get("articleBody")
    if body and len(body) > 400:
        best["articleBody"] = body[:400] + " … (shortened here)"
    for name in ("sections", "image"):
        best.pop(name, None)
    _say("One of the records (its text shortened here):")
    print(
        json.dumps(
            {name: value for name, value in best.items() if value not in (None, [], {})},
            indent=2,
            ensure_ascii=False,
        )
    )


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
