"""Where an export goes: a directory or a prefix of a bucket; its files are there when the export is, or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self, cast

from storage.durable import make_directories, whole_file

if TYPE_CHECKING:
    from storage.s3.store import S3Store
    from storage.s3.streamed import StreamedObject


class Target(ABC):
    """Use it in a `with` statement: when that raises, nothing of what was written in it stays."""

    @abstractmethod
    def file(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file to write, one after the other; it is whole when the block ends, or not there when it raises."""

    @abstractmethod
    def finish(self) -> None:
        """Make all files be there."""

    @abstractmethod
    def drop(self) -> None:
        """Leave nothing of them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        done = False
        try:
            if kind is None:
                self.finish()
                done = True
        finally:
            if not done:
                self.drop()


class DirectoryTarget(Target):
    """A directory, made where it is missing. A file that is there already is replaced when the new one is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_made = not path.exists()
        self._written: list[Path] = []

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """A file of it."""
        make_directories(self._path)
        with whole_file(self._path / name) as file:
            yield file
        self._written.append(self._path / name)

    def finish(self) -> None:
        """Each has its name already."""

    def drop(self) -> None:
        """Remove them, and the directory when it was made for them."""
        for path in self._written:
            path.unlink(missing_ok=True)
        if self._is_made:
            with suppress(OSError):
                self._path.rmdir()


class BucketTarget(Target):
    """A bucket or a prefix of one. Everything is sent as it is made, and all objects appear at the end.

    Raises ObjectExists, at the end, when another put an object of such a name meanwhile.
    """

    def __init__(self, store: S3Store) -> None:
        self._store = store
        self._objects: list[StreamedObject] = []

    @contextmanager
    def file(self, name: str) -> Iterator[IO[bytes]]:
        """An object of it."""
        made = self._store.stream(name)
        self._objects.append(made)
        yield cast("IO[bytes]", made)
        made.end()

    def finish(self) -> None:
        """Complete them, in the order in which they were written."""
        for one in self._objects:
            one.complete()

    def drop(self) -> None:
        """Give the uploads up; what is an object already goes too."""
        for one in self._objects:
            one.drop()
