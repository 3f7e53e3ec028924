"""Several stores read as one: an object is there when any of them has it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import NoReturn, TypeVar

from storage.errors import ObjectMissing, StorageError
from storage.objects import ObjectInfo, ObjectStore

T = TypeVar("T")


class UnionStore(ObjectStore):
    """What all the stores hold together, for reading: a replica may have what the first one never confirmed."""

    def __init__(self, stores: Sequence[ObjectStore]) -> None:
        self._stores = stores

    @property
    def place(self) -> str:
        """Every store's place."""
        return ", ".join(store.place for store in self._stores)

    def get(self, key: str) -> bytes:
        """All bytes of an object, of the first store that has it and answers."""
        return self._first(lambda store: store.get(key))

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on, of the first store that has the object and answers."""
        return self._first(lambda store: store.get_range(key, offset, length))

    def chunks(self, key: str) -> Iterator[bytes]:
        """All bytes of an object in pieces, of the first store that has it and answers."""
        return self._first(lambda store: store.chunks(key))

    def head(self, key: str) -> ObjectInfo:
        """What the first store that has the object says of it."""
        return self._first(lambda store: store.head(key))

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every object that any store has, once, in byte order. Raises when a store cannot be listed."""
        listings = [store.list(prefix) for store in self._stores]
        merged = heapq.merge(*listings, key=lambda info: info.key.encode())
        for _, same in groupby(merged, key=lambda info: info.key):
            yield next(same)

    def _first(self, ask: Callable[[ObjectStore], T]) -> T:
        problems: list[StorageError | OSError] = []
        for store in self._stores:
            try:
                return ask(store)
            except (StorageError, OSError) as problem:
                problems.append(problem)
        raise next((one for one in problems if not isinstance(one, ObjectMissing)), problems[0])

    def put_bytes(self, key: str, data: bytes) -> None:
        """Not for writing."""
        self._refuse(key, data)

    def put_file(self, key: str, path: Path, sha256: str, *, move: bool = False) -> None:
        """Not for writing."""
        self._refuse(key, path, sha256, move)

    def restore(self, key: str, path: Path, sha256: str) -> None:
        """Not for writing."""
        self._refuse(key, path, sha256)

    def replace(self, key: str, path: Path, sha256: str, *, bypass_governance: bool = False) -> None:
        """Not for writing."""
        self._refuse(key, path, sha256, bypass_governance)

    def sweep(self, before: datetime) -> int:
        """Not for writing."""
        self._refuse(before)

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("several stores as one are for reading; each is written to by itself")
