"""The front door: the command line, and `newsark.open()` for Python."""

from __future__ import annotations

from newsark.api import OpenArchive, open  # noqa: A004

__all__ = ["OpenArchive", "open"]
