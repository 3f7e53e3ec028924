"""Where an archive is: its stores, and the directory on this machine that holds its working state."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from storage.directory import INCOMING, DirectoryStore
from storage.durable import make_directories, write_durably
from storage.errors import BadSetting, NotAnArchive, ObjectExists, ObjectMissing
from storage.holdings import Holdings
from storage.objects import ObjectStore

FORMAT = 1
HEAD = "newsark.json"
STATE_DIRECTORY = ".newsark"


@dataclass(frozen=True, slots=True)
class Place:
    """An archive's place: `stores` begins with the one that gives it its name; `state` is always on this machine."""

    stores: tuple[ObjectStore, ...]
    state: Path

    @property
    def name(self) -> str:
        """The archive's name: the last part of where its first store is."""
        return self.stores[0].place.rstrip("/").rpartition("/")[2] or self.stores[0].place

    @property
    def is_one_directory(self) -> bool:
        """Whether a sealed file only has to be given its name: one store, on this machine."""
        return len(self.stores) == 1 and isinstance(self.stores[0], DirectoryStore)

    @property
    def _has_state_inside(self) -> bool:
        """Whether the state is part of the archive's own directory, and goes where that goes."""
        store = self.stores[0]
        return isinstance(store, DirectoryStore) and self.state.is_relative_to(store.root)

    @property
    def open_segments(self) -> Path:
        """Open segments, and sealed ones until the stores have them; a directory for each source."""
        return self.state / "open"

    @property
    def outbox(self) -> Path:
        """Single objects on their way to the stores, each under its key."""
        return self.state / "outbox"

    @property
    def catalogue_url(self) -> str:
        """The embedded catalogue."""
        return f"sqlite:///{self.state / 'catalogue.sqlite'}"

    @property
    def holdings(self) -> Holdings:
        """The archive's objects, wherever they are now."""
        return Holdings(self.open_segments, self.outbox, self.stores)

    def head(self) -> dict[str, Any] | None:
        """What newsark.json says, or None when there is none. Raises NotAnArchive when it cannot be read.

        The copy on this machine answers first, so that a crawl can begin while its store cannot be reached.
        """
        copy = self.state / HEAD
        if copy.is_file() and not self.is_one_directory:
            return _parsed_head(copy.read_bytes(), str(copy))
        try:
            data = self.stores[0].get(HEAD)
        except ObjectMissing:
            return None
        parsed = _parsed_head(data, f"{self.stores[0].place}/{HEAD}")
        if not self.is_one_directory and self.state.is_dir():
            write_durably(copy, [data])
        return parsed

    def open(self, clock: Callable[[], datetime], *, create: bool, public_key: dict[str, str] | None = None) -> None:
        """Return when an archive is here, made when the place is vacant and `create` is set.

        Raises NotAnArchive when the place holds something else, or nothing and `create` is not set.
        """
        store = self.stores[0]
        self._refuse_state_of_another()
        # Before the head is looked for: another process may be making the archive now, and the head comes first.
        other = self.first_other()
        head = self.head()
        if head is None and (other is not None or not create):
            raise NotAnArchive(store.place, f"it holds {other!r} and no {HEAD}" if other else _nothing(store))
        if head is not None and head.get("format") != FORMAT:
            found = head.get("format")
            raise NotAnArchive(store.place, f"its store format is {found!r}, this is for format {FORMAT}")
        make_directories(self.state)
        self._mark_state()
        if head is None:
            self._make_head(clock, public_key)

    def _refuse_state_of_another(self) -> None:
        mark = self.state / "archive"
        if self._has_state_inside or not mark.exists():
            return
        owner = mark.read_text(encoding="utf-8").strip()
        if owner != self.stores[0].place:
            raise BadSetting("settings", "state", f"{self.state} belongs to {owner}; give every archive its own")

    def _mark_state(self) -> None:
        """Note whose state this is; two archives with one catalogue would lose each other's segments."""
        mark = self.state / "archive"
        if not mark.exists():
            write_durably(mark, [f"{self.stores[0].place}\n".encode()])

    def _make_head(self, clock: Callable[[], datetime], public_key: dict[str, str] | None) -> None:
        facts: dict[str, Any] = {"format": FORMAT, "name": self.name, "created": clock().isoformat()}
        if public_key:
            facts["publicKey"] = public_key
        # Another process may have made the archive in this moment; then its head is the one.
        with suppress(ObjectExists):
            self.stores[0].put_bytes(HEAD, orjson.dumps(facts, option=orjson.OPT_INDENT_2))
        self.head()

    def first_other(self) -> str | None:
        """The name of something that is no part of an archive's beginning, or None; a head alone is none."""
        store = self.stores[0]
        if isinstance(store, DirectoryStore):
            return _other_in_directory(store.root)
        if (self.state / HEAD).is_file():
            return None
        return next((info.key for info in store.list() if info.key != HEAD), None)


def state_directory(name: str) -> Path:
    """Where this machine keeps the working state of an archive in a bucket: below XDG_STATE_HOME."""
    base = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
    return base / "newsark" / f"{readable}-{hashlib.sha256(name.rstrip('/').encode()).hexdigest()[:8]}"


def _nothing(store: ObjectStore) -> str:
    missing = isinstance(store, DirectoryStore) and not store.root.exists()
    return "it does not exist" if missing else "it is empty"


def _other_in_directory(root: Path) -> str | None:
    if not root.exists():
        return None
    if not root.is_dir():
        raise NotAnArchive(str(root), "it is a file")
    names = {entry.name for entry in root.iterdir()} - {STATE_DIRECTORY, INCOMING}
    return None if HEAD in names else min(names, default=None)


def _parsed_head(data: bytes, where: str) -> dict[str, Any]:
    try:
        head = json.loads(data)
    except ValueError as problem:
        raise NotAnArchive(where, f"its {HEAD} is damaged: {problem}") from problem
    if not isinstance(head, dict):
        raise NotAnArchive(where, f"its {HEAD} is damaged: it is no JSON object")
    return head
