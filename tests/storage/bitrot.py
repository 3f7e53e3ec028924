"""Damage as disks, people and burglars do it, done to an archive at random; and what of it a verification must name."""

from __future__ import annotations

import gzip
import hashlib
import random
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from storage.names import manifest_name, parse_key

SEGMENT_ROOMS = ("warc", "records", "index", "events")


class Damager:
    """Damages the objects of one directory store; every method gives the keys that it damaged."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root = root
        self.chance = chance
        files = (path for path in root.rglob("*") if path.is_file())
        keys = (path.relative_to(root).as_posix() for path in files)
        self.keys = sorted(key for key in keys if not key.startswith("."))

    # bytes

    def flip_bit(self) -> set[str]:
        """One bit of one object."""
        key = self._any()
        data = bytearray(self._read(key))
        data[self.chance.randrange(len(data))] ^= 1 << self.chance.randrange(8)
        return self._write(key, bytes(data))

    def cut(self) -> set[str]:
        """An object without its end."""
        key = self._any()
        data = self._read(key)
        return self._write(key, data[: self.chance.randrange(len(data))])

    def extend(self) -> set[str]:
        """An object with more at its end."""
        key = self._any()
        return self._write(key, self._read(key) + self.chance.randbytes(self.chance.randrange(1, 5000)))

    def swap(self) -> set[str]:
        """Two objects of one room under each other's names."""
        first, second = self._two()
        one, other = self._read(first), self._read(second)
        return self._write(first, other) | self._write(second, one)

    def replace_by_older(self) -> set[str]:
        """An object as another, older one of its room is."""
        first, second = self._two()
        return self._write(second, self._read(first))

    # names

    def delete(self) -> set[str]:
        """An object that is gone."""
        return self._delete(self._any())

    def delete_manifest(self) -> set[str]:
        """A manifest that is gone."""
        return self._delete(self._any("manifests"))

    # meaning

    def alter_manifest(self) -> set[str]:
        """Another digest in a manifest, which is still one."""
        key = self._any("manifests")
        facts = orjson.loads(self._read(key))
        facts["objects"][0]["sha256"] = hashlib.sha256(self.chance.randbytes(8)).hexdigest()
        return self._write(key, orjson.dumps(facts, option=orjson.OPT_SORT_KEYS))

    def forge_record(self) -> set[str]:
        """Another text in a record, with a manifest that was made to agree: only the chain tells."""
        key = self._any("records")
        return self._forge(key, self._with_changed_record(key))

    def forge_index(self) -> set[str]:
        """An index without one line, with a manifest that was made to agree."""
        key = self._any("index")
        return self._forge(key, self._without_line(key))

    def remove_index_line(self) -> set[str]:
        """An index without one line."""
        key = self._any("index")
        return self._write(key, self._without_line(key))

    def change_record(self) -> set[str]:
        """Another text in a record."""
        key = self._any("records")
        return self._write(key, self._with_changed_record(key))

    # how

    def _any(self, room: str | None = None) -> str:
        return self.chance.choice([key for key in self.keys if room is None or key.startswith(f"{room}/")])

    def _two(self) -> tuple[str, str]:
        """Two different objects of one room, the older one first."""
        room = self.chance.choice([*SEGMENT_ROOMS, "manifests"])
        keys = [key for key in self.keys if key.startswith(f"{room}/")]
        first, second = sorted(self.chance.sample(keys, 2))
        return first, second

    def _read(self, key: str) -> bytes:
        return (self.root / key).read_bytes()

    def _write(self, key: str, data: bytes) -> set[str]:
        path = self.root / key
        if path.read_bytes() == data:
            return set()
        # A new file: copies of an archive may be hard links.
        path.unlink()
        path.write_bytes(data)
        return {key}

    def _delete(self, key: str) -> set[str]:
        (self.root / key).unlink()
        return {key}

    def _lines(self, key: str) -> list[bytes]:
        return gzip.decompress(self._read(key)).splitlines(keepends=True)

    def _without_line(self, key: str) -> bytes:
        lines = self._lines(key)
        del lines[self.chance.randrange(len(lines))]
        return gzip.compress(b"".join(lines), mtime=0)

    def _with_changed_record(self, key: str) -> bytes:
        lines = self._lines(key)
        place = self.chance.randrange(len(lines))
        record = orjson.loads(lines[place])
        field = "articleBody" if record.get("articleBody") else "url"
        record[field] = f"{record[field]} It never happened."
        lines[place] = orjson.dumps(record) + b"\n"
        return gzip.compress(b"".join(lines), mtime=0)

    def _forge(self, key: str, data: bytes) -> set[str]:
        manifest = manifest_name(parse_key(key).stem).key
        facts = orjson.loads(self._read(manifest))
        for one in facts["objects"]:
            if one["key"] == key:
                one |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        self._write(manifest, orjson.dumps(facts, option=orjson.OPT_SORT_KEYS))
        return self._write(key, data) | {manifest}


DAMAGES: Mapping[str, Callable[[Damager], set[str]]] = {
    "a bit flipped": Damager.flip_bit,
    "cut": Damager.cut,
    "extended": Damager.extend,
    "two swapped": Damager.swap,
    "replaced by an older one": Damager.replace_by_older,
    "deleted": Damager.delete,
    "a manifest deleted": Damager.delete_manifest,
    "a manifest altered": Damager.alter_manifest,
    "a record forged": Damager.forge_record,
    "an index forged": Damager.forge_index,
    "an index line removed": Damager.remove_index_line,
    "a record changed": Damager.change_record,
}
"""Each way of damaging, by its name in reports."""


def objects_of(root: Path) -> dict[str, bytes]:
    """Every object of a directory store."""
    files = (path for path in root.rglob("*") if path.is_file())
    named = ((path.relative_to(root).as_posix(), path) for path in files)
    return {key: path.read_bytes() for key, path in named if not key.startswith(".")}
