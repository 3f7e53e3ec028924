"""Who holds a lease: a process, by a name that says on which machine it is, so that it is known when it is gone."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from uuid import getnode


def is_dead(holder: str, me: str) -> bool:
    """Whether the holder of a lease was a process of this machine that is gone; after a kill nobody should wait."""
    host, _, pid = holder.rpartition(":")
    if host != me.rpartition(":")[0] or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def owner_name(*, shared: bool = False) -> str:
    """This process, as written into leases: host and process id.

    Where the catalogue is `shared` by machines, also which start of which machine, and which container on it: hosts may
    have one name, and only where processes are numbered together does a missing number say that one is dead.
    """
    host = socket.gethostname()
    return f"{host}/{_numbering()}:{os.getpid()}" if shared else f"{host}:{os.getpid()}"


def _numbering() -> str:
    """What processes have in common that see each other's ids."""
    try:
        facts = Path("/proc/sys/kernel/random/boot_id").read_text() + str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        # not Linux: the machine's network address, as far as it can be found
        facts = str(getnode())
    return hashlib.sha256(facts.encode()).hexdigest()[:8]
