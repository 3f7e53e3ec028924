"""Places of exports: where `-o` says that one goes, and where an earlier one is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from newsark.archiveplace import is_bucket, settings_beside, store_settings
from newsark.home import Home
from storage.errors import NotAFile, ObjectMissing, WrongUse

if TYPE_CHECKING:
    from reading.exports.earlier import Earlier
    from reading.exports.target import Target
    from storage.s3.store import S3Store


def target_file(home: Home, output: str) -> tuple[Target, str]:
    """Where a file goes, and its name there. Raises WrongUse when it cannot be written."""
    from reading.exports.target import BucketTarget, DirectoryTarget

    if is_bucket(output):
        parent, _, name = output.rpartition("/")
        if output.count("/") < 3:
            raise WrongUse(f"{output} is a bucket; name a file in it, or {output}/ for an export that describes itself")
        store = _store(home, parent)
        _refuse_inside(home, output)
        with suppress(ObjectMissing):
            store.head(name)
            raise WrongUse(f"{output} is there already and stays as it is; name another")
        return BucketTarget(store), name
    path = Path(output)
    if path.is_dir():
        raise WrongUse(f"{path} is a directory; name a file in it, or {path}/ for an export that describes itself")
    if not path.parent.is_dir():
        raise WrongUse(f"{path} cannot be written: there is no directory {path.parent}")
    _refuse_inside(home, output)
    return DirectoryTarget(path.parent), path.name


def target_directory(home: Home, output: str) -> Target:
    """Where the files of a directory or a prefix go. Raises WrongUse when something is there."""
    from reading.exports.target import BucketTarget, DirectoryTarget

    if is_bucket(output):
        store = _store(home, output)
        _refuse_inside(home, output)
        if (other := next(store.list(), None)) is not None:
            raise WrongUse(f"{output} is not empty, it has {other.key}; an export gets a prefix of its own")
        return BucketTarget(store)
    path = Path(output)
    if path.is_dir() and any(path.iterdir()):
        raise WrongUse(f"{path} is not empty; an export gets a directory of its own")
    _refuse_inside(home, output)
    return DirectoryTarget(path)


def earlier_export(home: Home, place: str) -> Earlier:
    """The export in a directory, at a prefix, or beside a datapackage.json. Raises NotAFile when there is none."""
    from reading.exports.earlier import read_earlier
    from reading.exports.package import PACKAGE

    directory = place.removesuffix(PACKAGE)
    store = _store(home, directory) if is_bucket(place) else None

    def get(name: str) -> bytes:
        try:
            return store.get(name) if store else (Path(directory) / name).read_bytes()
        except (OSError, ObjectMissing) as problem:
            raise NotAFile(place, f"there is no {name}; name the directory of an export") from problem

    return read_earlier(place, get)


def _store(home: Home, place: str) -> S3Store:
    from storage.s3.store import S3Store
    from storage.stores import S3Place

    return S3Store(S3Place.parse(place), settings_beside(place, home.settings))


def _refuse_inside(home: Home, output: str) -> None:
    """Raise WrongUse for what would stand among the archive's own objects."""
    for store in _stores_around(home, output):
        raise WrongUse(f"{output} is inside the archive at {store}; an export goes elsewhere")


def _stores_around(home: Home, output: str) -> Iterator[str]:
    from storage.stores import S3Place

    server = settings_beside(output, home.settings).endpoint_url
    for store in store_settings(home.settings):
        if is_bucket(output) != is_bucket(store.place):
            continue
        if not is_bucket(output):
            if Path(output).resolve().is_relative_to(Path(store.place).resolve()):
                yield store.place
            continue
        around, here = S3Place.parse(store.place), S3Place.parse(output)
        if (around.bucket, store.endpoint_url) == (here.bucket, server) and here.prefix.startswith(around.prefix):
            yield store.place
