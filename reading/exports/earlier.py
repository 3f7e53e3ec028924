"""An export that was made before: what was asked for, and what whoever has it holds."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from reading.exports.package import IDS, PACKAGE
from storage.errors import NotAFile


@dataclass(frozen=True, slots=True)
class Earlier:
    """`ids` are the ids of the rows that its query chose then; `ids_sha256` is that of their list, in hex."""

    what: str
    form: str
    split: str
    query: Mapping[str, Any]
    created: str
    archive_created: str | None
    ids: frozenset[str]
    ids_sha256: str


def read_earlier(place: str, get: Callable[[str], bytes]) -> Earlier:
    """The export at a place; `get` reads one of its files. Raises NotAFile when it does not tell what it holds."""
    try:
        package = orjson.loads(get(PACKAGE))
        told = package["newsark"]
        listed = next(one for one in package["resources"] if one["path"] == IDS)
        query = dict(told["query"])
        split = query.pop("split")
        facts = (told["what"], told["format"], split, query, package["created"], told["archiveCreated"])
    except (ValueError, KeyError, TypeError, StopIteration) as problem:
        raise NotAFile(place, f"its {PACKAGE} is not that of a whole export by this version of Newsark") from problem
    packed = get(IDS)
    sha256 = hashlib.sha256(packed).hexdigest()
    if listed.get("hash") != f"sha256:{sha256}":
        raise NotAFile(
            place, f"its {IDS} is not the one that its {PACKAGE} names; take the export from where it is whole"
        )
    return Earlier(*facts, frozenset(gzip.decompress(packed).decode().split()), sha256)
