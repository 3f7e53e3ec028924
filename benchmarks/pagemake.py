"""How pages are built: the seeded ones beside real ones, so that anybody can see whether they are alike.

    python benchmarks/pagemake.py [--corpus DIR] [--pages 265]

For every figure the tenth, the median and the ninetieth percentile, and the mean. Shares are of a page's bytes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lxml import etree, html

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.pages import pages

COUNTED = "div p a li ul span img section article figure h2 h3 svg path meta link script style button form".split()  # noqa: SIM905  a list of words reads better so
SILENT = frozenset({"script", "style", "noscript", "template", "svg"})


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="directory with pages/<id>.html.gz")
    parser.add_argument("--pages", type=int, default=265)
    options = parser.parse_args()
    kinds = {"seeded": [make_of(page) for page in pages(options.pages, None)]}
    if options.corpus:
        kinds["real"] = [make_of(page) for page in pages(options.pages, options.corpus)]
    print(f"{'':26}" + "".join(f"{kind + ':':>10}{'10 %':>9}{'50 %':>9}{'90 %':>9}{'mean':>9}" for kind in kinds))
    for name in kinds["seeded"][0]:
        print(f"{name:26}" + "".join(_columns([make[name] for make in makes]) for makes in kinds.values()))
    return 0


def _columns(values: Sequence[float]) -> str:
    ordered = sorted(values)
    told = (*(ordered[int(len(ordered) * share)] for share in (0.1, 0.5, 0.9)), statistics.mean(ordered))
    return f"{'':10}" + "".join(f"{value:>9.0f}" if value >= 100 else f"{value:>9.2f}" for value in told)


def make_of(page: bytes) -> dict[str, float]:
    """The figures of one page, by name."""
    tree = html.document_fromstring(page, parser=html.HTMLParser(encoding="utf-8", huge_tree=True))
    elements = [element for element in tree.iter() if isinstance(element.tag, str)]
    tags = Counter(element.tag for element in elements)
    return {
        "bytes": len(page),
        "elements": len(elements),
        **_nesting(elements),
        **_attributes(elements, len(page)),
        **_silent(tree, len(page)),
        **_words(tree, len(page)),
        "comments": sum(1 for _ in tree.iter(etree.Comment)),
        **{f"<{tag}>": tags[tag] for tag in COUNTED},
    }


def _nesting(elements: Sequence[html.HtmlElement]) -> dict[str, float]:
    depth: dict[html.HtmlElement | None, int] = {None: 0}
    for element in elements:
        depth[element] = depth.get(element.getparent(), 0) + 1
    return {"depth, deepest": max(depth.values()), "depth, mean": sum(depth.values()) / len(elements)}


def _attributes(elements: Sequence[html.HtmlElement], size: int) -> dict[str, float]:
    both = [(name, value) for element in elements for name, value in element.attrib.items()]
    names = [element.get("class", "").split() for element in elements]
    return {
        "attributes an element": len(both) / len(elements),
        "class names an element": sum(map(len, names)) / len(elements),
        "attributes, share": sum(len(name) + len(value) + 4 for name, value in both) / size,
    }


def _silent(tree: html.HtmlElement, size: int) -> dict[str, float]:
    scripts = list(tree.iter("script"))
    facts = [script for script in scripts if "ld+json" in (script.get("type") or "").lower()]
    drawn = sum(len(etree.tostring(element)) for element in tree.iter("svg"))
    told = sum(len(script.text or "") for script in facts)
    return {
        "scripts, share": (sum(len(script.text or "") for script in scripts) - told) / size,
        "styles, share": sum(len(style.text or "") for style in tree.iter("style")) / size,
        "SVG, share": drawn / size,
        "JSON-LD, bytes": told,
        "JSON-LD, scripts": len(facts),
    }


def _words(tree: html.HtmlElement, size: int) -> dict[str, float]:
    paragraphs = [len(" ".join(element.itertext()).split()) for element in tree.iter("p")]
    links = sum(len(" ".join(element.itertext()).split()) for element in tree.iter("a"))
    seen = [
        text
        for element in tree.iter()
        if isinstance(element.tag, str) and not _is_silent(element)
        for text in (element.text, *(child.tail for child in element))
        if text
    ]
    shown = " ".join(" ".join(seen).split())
    return {
        "words to be seen": len(shown.split()),
        "words in paragraphs": sum(paragraphs),
        "words a paragraph": statistics.mean(paragraphs) if paragraphs else 0.0,
        "words in links": links,
        "text, share": len(shown.encode()) / size,
        "white space, share": (sum(map(len, seen)) - len(shown)) / size,
    }


def _is_silent(element: html.HtmlElement) -> bool:
    return element.tag in SILENT or any(parent.tag in SILENT for parent in element.iterancestors())


if __name__ == "__main__":
    sys.exit(main())
