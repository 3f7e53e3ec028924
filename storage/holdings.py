"""Where the bytes of an object can be had now: from this disk while it is on its way, else from the stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from storage.errors import ObjectMissing, StorageError
from storage.importnames import is_imported, waiting_name
from storage.names import parse_key
from storage.objects import ObjectStore, check_key

T = TypeVar("T")
_READ_BYTES = 1024 * 1024


class Holdings:
    """Reads an object wherever it is whole: `waiting` is the directory of sealed segments, by source.

    A store that fails is passed over; its error is raised only when no other place has the object.
    """

    def __init__(self, waiting: Path, outbox: Path, stores: Sequence[ObjectStore]) -> None:
        self._waiting = waiting
        self._outbox = outbox
        self._stores = stores

    def get(self, key: str) -> bytes:
        """All bytes of an object. Raises ObjectMissing when no place has it, else the first store's error."""
        return self._from_anywhere(key, Path.read_bytes, lambda store: store.get(key))

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on; fewer, or none, where the object ends before. Raises as `get` does."""

        def cut(path: Path) -> bytes:
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(length)

        return self._from_anywhere(key, cut, lambda store: store.get_range(key, offset, length))

    def chunks(self, key: str) -> Iterator[bytes]:
        """All bytes of an object in pieces. Raises as `get` does."""
        return self._from_anywhere(key, _opened_chunks, lambda store: store.chunks(key))

    def local_path(self, key: str) -> Path | None:
        """The file on this disk that will be that object, as long as it is on its way."""
        for path in self._candidates(key):
            if path.is_file():
                return path
        return None

    def _candidates(self, key: str) -> Iterator[Path]:
        yield self._outbox / check_key(key)
        if is_imported(key):
            yield from self._waiting.glob(f"*/*.{waiting_name(key)}")
            return
        try:
            name = parse_key(key)
        except ValueError:
            return
        yield self._waiting / name.stem.source / name.filename

    def _from_anywhere(self, key: str, local: Callable[[Path], T], remote: Callable[[ObjectStore], T]) -> T:
        path = self.local_path(key)
        if path is not None:
            try:
                return local(path)
            except FileNotFoundError:
                # Delivered in this moment: the stores have it.
                pass
        problem: StorageError | OSError | None = None
        for store in self._stores:
            try:
                return remote(store)
            except ObjectMissing as missing:
                problem = problem or missing
            except (StorageError, OSError) as error:
                problem = error if problem is None or isinstance(problem, ObjectMissing) else problem
        assert problem is not None
        raise problem


def _opened_chunks(path: Path) -> Iterator[bytes]:
    # Opened now and not at the first piece: a file that is delivered meanwhile can still be read to its end.
    file = path.open("rb")

    def pieces() -> Iterator[bytes]:
        with file:
            while chunk := file.read(_READ_BYTES):
                yield chunk

    return pieces()
