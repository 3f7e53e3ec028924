"""HTML as pywb rewrites it, also where it can say more than the page's own encoding."""

from __future__ import annotations

from pywb.rewrite.html_rewriter import HTMLRewriter


class _Text(str):
    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "xmlcharrefreplace") -> bytes:
        """As bytes; characters that the encoding lacks become references (HTML, 13.5)."""
        return super().encode(encoding, errors)


class MarkupRewriter(HTMLRewriter):  # type: ignore[misc]  # pywb publishes no types
    """pywb writes a page of no certain encoding byte by byte, but knows the characters of some of its attributes.

    At the first that is no byte it would break off.
    """

    def rewrite(self, string: str) -> str:
        """The next part of the page."""
        return _Text(super().rewrite(string))

    def final_read(self) -> str:
        """What is left at the end."""
        return _Text(super().final_read())
