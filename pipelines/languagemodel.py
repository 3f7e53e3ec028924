"""py3langid's identifier, with its model unpacked once and for all: LZMA takes half a second at every start."""

from __future__ import annotations

import contextlib
import lzma
import os
import tempfile
from array import array
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

_UNUSABLE = (OSError, ValueError, KeyError, TypeError, BadZipFile, EOFError)


def load_identifier() -> LanguageIdentifier:
    """The identifier with probabilities from 0 to 1, as `LanguageIdentifier.from_model_file` gives it.

    The unpacked model is kept in the user's cache directory; where it cannot be, it is unpacked at every start.
    """
    kept = unpacked_path()
    for _ in range(2):
        with contextlib.suppress(*_UNUSABLE):
            return _identifier_from(kept)
        with contextlib.suppress(OSError):
            _unpack(kept)
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def unpacked_path() -> Path:
    """Where the unpacked model of this version is kept: 70 MB under XDG_CACHE_HOME, or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "newsark" / f"py3langid-{version('py3langid')}.npz"


def _identifier_from(path: Path) -> LanguageIdentifier:
    with np.load(path, allow_pickle=False) as model:
        rows, moves = _plain(model["nextmove_row"]), _plain(model["nextmove"])
        names, outputs = model["classes"].tolist(), model["out_feat"].tolist()
        return LanguageIdentifier(model["ptc"], model["pc"], names, moves, outputs, norm_probs=True, tk_row=rows)


def _plain(numbers: Any) -> array[int]:
    """The same numbers as an array of Python's own, whose items are taken out faster than numpy's."""
    plain = array({2: "H", 4: "I"}[numbers.dtype.itemsize])
    plain.frombytes(numbers.tobytes())
    return plain


def _unpack(path: Path) -> None:
    """Put the unpacked model there, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        try:
            with lzma.open(MODEL_DIR / MODEL_FILE) as packed:
                while piece := packed.read(1 << 20):
                    file.write(piece)
            file.flush()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
