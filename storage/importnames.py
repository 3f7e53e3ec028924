"""Keys of what others made: `imports/<sha256 of the file>/<its name>`, with provenance and derived files beside it."""

from __future__ import annotations

import re

ROOM = "imports/"
PROVENANCE = "provenance.json"
DERIVED = "records.warc.gz"
"""The records of a file in which they cannot be pointed at: each a gzip member of its own."""

MAX_NAME_CHARS = 150
_KEY = re.compile(r"imports/(?P<sha256>[0-9a-f]{64})/(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")
_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]+")


def is_imported(key: str) -> bool:
    """Whether the key is that of an imported file, or of what lies beside one."""
    return key.startswith(ROOM)


def import_key(sha256: str, name: str) -> str:
    """The key under which a file of that digest and name is kept; its last part is fit for any store."""
    return f"{ROOM}{sha256}/{import_name(name)}"


def import_name(name: str) -> str:
    """A file's name as it fits into a key: unusual characters as hyphens, never that of a file beside it."""
    fit = _UNUSUAL.sub("-", name.rpartition("/")[2]).strip("-.")[-MAX_NAME_CHARS:].lstrip("-._") or "file"
    return f"file-{fit}" if fit in (PROVENANCE, DERIVED) else fit


def sha256_of(key: str) -> str:
    """The digest of the imported file that a key belongs to. Raises ValueError for any other key."""
    found = _KEY.fullmatch(key)
    if found is None:
        raise ValueError(f"{key!r} is not the key of an imported file")
    return found["sha256"]


def waiting_name(key: str) -> str:
    """How the name ends that the file has on this disk as long as it is on its way: no other file's name does."""
    return f"{sha256_of(key)[:16]}.{key.rpartition('/')[2]}.imported"


def index_filename(key: str) -> str:
    """What an index calls the file: its key below `imports/`, since names of files alone may come twice."""
    return key.removeprefix(ROOM)
