"""Where the sockets of processes that work together lie: in a directory with a short name, whatever TMPDIR says."""

from __future__ import annotations

import os
import tempfile
from multiprocessing.util import get_temp_dir

from storage.errors import WrongUse

MOST_BYTES = 103
"""The longest path of a socket where it may be shortest (macOS; Linux takes 107)."""
NAMES_BYTES = len("/pymp-12345678/listener-12345678")
"""What Python puts behind the directory."""
SHORT_PLACES = ("/tmp", "/var/tmp")  # noqa: S108 - mkdtemp makes a directory there that only this user may enter


def shorten_sockets() -> None:
    """Let what multiprocessing makes from now on lie where a socket's path is not too long; nothing where it is not.

    Raises WrongUse when no such directory can be made: the cure is another TMPDIR.
    """
    usual = tempfile.gettempdir()
    if len(os.fsencode(usual)) + NAMES_BYTES <= MOST_BYTES:
        return
    for place in SHORT_PLACES:
        tempfile.tempdir = place
        try:
            # made once, and remembered by Python for as long as the process lives
            get_temp_dir()
            return
        except OSError:
            continue
        finally:
            tempfile.tempdir = usual
    told = f"{usual} is too long for the path of a socket, and nothing can be made in {' or '.join(SHORT_PLACES)}"
    raise WrongUse(f"{told}: set TMPDIR to a directory of at most {MOST_BYTES - NAMES_BYTES} bytes")
