"""`newsark replay` as a process beside the reading room: pages as they were, on an origin of their own."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

STOP_SECONDS = 5.0
START_SECONDS = 30.0
_PORT = re.compile(r" at http://[^/]*:(\d+)/?\s*$")


@dataclass(frozen=True, slots=True)
class Replaying:
    """Where it answers: the port of the frame. Without one `problem` is why there is none."""

    port: int | None
    problem: str = ""


@contextmanager
def replaying(host: str, port: int, words: Sequence[str]) -> Iterator[Replaying]:
    """Run it until the block ends; `words` are further options of the command."""
    command = [sys.executable, "-m", "newsark", "replay", "--host", host, "--port", str(port), "--beside", *words]
    # A session of its own: Ctrl-C in the terminal ends the room, which then ends this. Its standard input ends with the
    # room too, whatever ended it.
    pipe = subprocess.PIPE
    process = subprocess.Popen(  # noqa: S603 - our own program, its words no shell reads
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )
    try:
        yield _started(process)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _started(process: subprocess.Popen[str]) -> Replaying:
    """Wait until it says where it is, or ends."""
    assert process.stdout is not None
    assert process.stderr is not None
    late = threading.Timer(START_SECONDS, process.kill)
    late.start()
    try:
        found = _PORT.search(process.stdout.readline())
    finally:
        late.cancel()
    if found is None:
        told = process.stderr.read().strip().removeprefix("newsark: ").splitlines()
        return Replaying(None, told[-1] if told else f"newsark replay did not begin within {START_SECONDS:.0f} s")
    for stream in (process.stdout, process.stderr):
        # what nobody reads would fill its pipe and stop it
        threading.Thread(target=stream.read, daemon=True).start()
    return Replaying(int(found[1]))
