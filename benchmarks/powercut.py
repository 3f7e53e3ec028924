"""Takes back what was not flushed when a process was killed: a power cut without the power cut.

`powercut.c` notes what could be lost; see there. What is taken back is the worst that POSIX allows (everything since
the last flush of each file and each directory), or the newest part of it, chosen at random for each of them.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["kept", "forgets", "shuffles"]
SOURCE = Path(__file__).with_suffix(".c")
_HEAD = struct.Struct("=QQQ")


@dataclass(frozen=True, slots=True)
class Replaced:
    """What stood in a file before a write or a cut: bytes from `offset` on, and how long the file was."""

    offset: int
    data: bytes
    size_before: int


@dataclass(frozen=True, slots=True)
class Medium:
    """A directory that keeps or forgets. Processes that write below `root` are started with `environment()`."""

    kind: Kind
    root: Path
    notes: Path
    library: Path | None

    @classmethod
    @contextmanager
    def made(cls, kind: Kind, directory: Path, name: str) -> Iterator[Medium]:
        """A medium below `directory`, removed at the end. Needs a C compiler unless it keeps everything."""
        base = directory / f"medium-{name}"
        root, notes = base / "disk", base / "notes"
        root.mkdir(parents=True)
        (notes / "keep").mkdir(parents=True)
        try:
            yield cls(kind, root, notes, None if kind == "kept" else _built(directory))
        finally:
            shutil.rmtree(base)

    def environment(self) -> dict[str, str]:
        """The variables that make a process note what it does."""
        if self.library is None:
            return {}
        return {"LD_PRELOAD": str(self.library), "POWERCUT_ROOT": str(self.root), "POWERCUT_LOG": str(self.notes)}

    def cut(self, source: random.Random) -> int:
        """Cut the power; no process may be writing. How many writes and changed names were taken back."""
        if self.library is None:
            return 0
        paths = {path.stat().st_ino: path for path in (self.notes / "keep").iterdir()}
        directories = {self.root.stat().st_ino: self.root}
        for path in self.root.rglob("*"):
            (directories if path.is_dir() else paths)[path.stat().st_ino] = path
        undone = 0
        for note in self.notes.glob("*.bytes"):
            if (file := paths.get(int(note.stem))) is not None:
                undone += self._restore_bytes(file, list(_replaced(note)), source)
        for directory in sorted(directories.values(), key=lambda one: -len(one.parts)):
            note = self.notes / f"{directory.stat().st_ino}.names"
            if note.exists():
                undone += self._restore_names(directory, note.read_text().splitlines(), source)
        for path in self.root.rglob("*-shm"):
            path.unlink()
        self._forget()
        return undone

    def _lost(self, count: int, source: random.Random) -> int:
        return count if self.kind == "forgets" else source.randint(0, count)

    def _restore_bytes(self, path: Path, replaced: list[Replaced], source: random.Random) -> int:
        lost = self._lost(len(replaced), source)
        fd = os.open(path, os.O_RDWR)
        try:
            for one in reversed(replaced[len(replaced) - lost :]):
                os.pwrite(fd, one.data, one.offset)
                os.ftruncate(fd, one.size_before)
        finally:
            os.close(fd)
        return lost

    def _restore_names(self, directory: Path, lines: list[str], source: random.Random) -> int:
        lost = self._lost(len(lines), source)
        for line in reversed(lines[len(lines) - lost :]):
            word, _, rest = line.partition(" ")
            kept, _, name = rest.partition(" ") if word == "K" else ("", "", rest)
            path = directory / name
            if word == "M":
                path.mkdir(exist_ok=True)
            elif path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            if word == "K":
                os.link(self.notes / "keep" / kept, path)
        return lost

    def _forget(self) -> None:
        shutil.rmtree(self.notes)
        (self.notes / "keep").mkdir(parents=True)


def _replaced(note: Path) -> Iterator[Replaced]:
    data = note.read_bytes()
    place = 0
    # The last note may be half: then its deed was not done.
    while place + _HEAD.size <= len(data):
        offset, length, size_before = _HEAD.unpack_from(data, place)
        place += _HEAD.size
        if place + length > len(data):
            return
        yield Replaced(offset, data[place : place + length], size_before)
        place += length


def _built(directory: Path) -> Path:
    library = directory / "powercut.so"
    if not library.exists():
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
        subprocess.run(command, check=True)
    return library
