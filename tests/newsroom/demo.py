"""The demo: crawl the sample newsroom into an archive and show what came of it; each run is a day later there."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

from tests.newsroom.server import newsroom_process

PORT = 8317


def main() -> int:
    """Run the demo; the crawl's exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.newsroom.demo", description=__doc__)
    parser.add_argument("--archive", type=Path, default=Path("./archive"))
    archive: Path = parser.parse_args().archive
    state = archive / ".newsark" / "demo"
    again = (state / "clock.json").exists()
    state.mkdir(parents=True, exist_ok=True)
    port = _port(state / "port")
    with newsroom_process("--port", str(port), "--state", str(state / "clock.json")) as newsroom:
        _say(
            f"The sample newsroom is at {newsroom.url}/"
            + (", a day later than at the last demo." if again else "; it is an invented newspaper in three languages.")
        )
        command = [
            "crawl",
            f"{newsroom.url}/",
            "--archive",
            str(archive),
            "--allow-host",
            f"127.0.0.1:{port}",
        ]
        code = _newsark(*command, "--delay", "0", "--contact", "demo@localhost")
    if code not in (0, 1):
        return code
    _show_one(archive)
    _say("Try next:")
    tools = os.path.relpath(Path(sys.executable).parent)
    for line in (
        f"{tools}/newsark status --archive {archive}",
        f"{tools}/newsark show {newsroom.url}/de/2026/03/12/radweg-endet-im-nichts --archive {archive}",
        f"{tools}/newsark export --archive {archive} -o articles.jsonl",
        f"{tools}/warcio index {archive}/warc/*/*/*/*.warc.gz",
        "make demo" + ("" if str(archive) == "archive" else f" ARCHIVE={archive}") + "    # a day later there",
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


def _newsark(*arguments: str) -> int:
    command = [str(Path(sys.executable).with_name("newsark")), *arguments]
    _say("$ newsark " + shlex.join(arguments))
    return subprocess.run(command, check=False).returncode


def _show_one(archive: Path) -> None:
    """The newest record that has everything, as it would be exported."""
    command = [str(Path(sys.executable).with_name("newsark")), "export", "--archive", str(archive), "-o", "-"]
    lines = subprocess.run(command, check=True, capture_output=True).stdout.splitlines()
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
