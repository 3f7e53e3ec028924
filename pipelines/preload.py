"""What every reader process needs, loaded once in the fork server: importing it takes a second."""

from __future__ import annotations

import pipelines.read  # noqa: F401 - imported for the sake of its imports
from pipelines import language

language.preload()
