"""The front door: the command line, and `newsark.open()` for Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from newsark.api import OpenArchive, open  # noqa: A004 - the word that users write

__all__ = ["OpenArchive", "open"]


def __getattr__(name: str) -> Any:
    """`OpenArchive` and `open`, loaded when they are asked for: the command line starts without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from newsark import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
