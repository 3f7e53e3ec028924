"""Which machine this is, as far as an archive's working state is concerned: a name that goes with that directory."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from storage.durable import flush_directory, make_directories, write_durably

_FILE = "machine"


def machine_of(state: Path) -> str:
    """The name of the machine whose working state that directory is: 32 hex digits, made when it has none.

    It is kept in the directory, so that a disk that moves to another computer is still the same machine.
    """
    path = state / _FILE
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    make_directories(state)
    mine = state / f"{_FILE}.{os.getpid()}"
    write_durably(mine, [f"{uuid4().hex}\n".encode()])
    try:
        # another process may do the same now: one name wins
        path.hardlink_to(mine)
    except FileExistsError:
        pass
    finally:
        mine.unlink()
    flush_directory(state)
    return path.read_text(encoding="ascii").strip()
