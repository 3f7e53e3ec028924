"""What came of showing a page in a browser."""

from __future__ import annotations

from dataclasses import dataclass

from storage.capture import Capture
from storage.conversion import Conversion


class NotRendered(Exception):
    """The browser made no document of the page: that costs the text of this visit, and nothing else."""

    kind = "not-rendered"


class NoBrowser(NotRendered):
    """There is no browser that shows pages: it does not start, or not answer. The page is not to blame."""

    kind = "no-browser"


@dataclass(slots=True)
class Rendered:
    """The document that a browser made of a page, HTML in UTF-8, and what it was made from.

    `capture` is where it is kept, once it is: only a document that a record is read from.
    """

    document: bytes
    browser: str
    answered_by: tuple[str, ...] = ()
    told: tuple[tuple[str, str], ...] = ()
    capture: Capture | None = None

    @property
    def emptiness(self) -> str:
        """A page that shows nothing, in words: what it was not given may be why."""
        declined = [value for name, value in self.told if name == "declined"]
        why = f"; {len(declined)} of its requests were not made, such as {declined[0]}" if declined else ""
        return f"the page shows nothing, in a browser either{why}"

    def conversion(self, page: Capture) -> Conversion:
        """What is kept of it beside the page's own exchange."""
        return Conversion(page, self.document, self.browser, self.answered_by, self.told)
