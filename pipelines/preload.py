"""What every reader process needs, loaded once in the fork server: loading it takes a second."""

from __future__ import annotations

from pipelines.page import PageInput, ReadLimits
from pipelines.read import read_page

# The language model loads at its first use.
read_page(PageInput("https://example.org/", b"<h1>Ferry</h1><p>" + b"The old ferry will sail. " * 20), ReadLimits())
