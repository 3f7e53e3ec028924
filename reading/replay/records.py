"""The archive's bytes as pywb loads them: ranges of objects, wherever they are now."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from storage.errors import StorageError
from storage.holdings import Holdings

SCHEME = "newsark"


class RecordLoader:
    """Reads one record at a time from the disk or the stores; nothing is copied."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    @classmethod
    def over(cls, holdings: Holdings) -> Callable[..., RecordLoader]:
        """What pywb calls to make a loader; it gives options that none of this needs."""
        return lambda **_: cls(holdings)

    def load(self, url: str, offset: int | str = 0, length: int | str = -1) -> Any:
        """The bytes as a file. Raises OSError, which pywb takes for a record that cannot be had now."""
        key = url.removeprefix(f"{SCHEME}://")
        if int(length) < 0:
            raise OSError(f"{key}: the index does not say how long the record is")
        try:
            return BytesIO(self._holdings.get_range(key, int(offset), int(length)))
        except StorageError as problem:
            raise OSError(str(problem)) from problem
