"""A server of everything that goes wrong, on a loopback port; `paths.FAULTS` is the table of what does.

async with serve_faults() as site:       in a test's own event loop
with running_faults() as site:           in a thread
python -m tests.faults --port 8081       by hand
"""

from __future__ import annotations

from tests.faults import paths
from tests.faults.certificates import Certificate, Identity
from tests.faults.paths import FAULTS
from tests.faults.server import FaultSite, running_faults, serve_faults
from tests.faults.visit import Visit

__all__ = [
    "FAULTS",
    "Certificate",
    "FaultSite",
    "Identity",
    "Visit",
    "paths",
    "running_faults",
    "serve_faults",
]
