"""How well the shape of links tells articles from sections, on pages of other people's newsrooms.

    python benchmarks/links.py --corpus DIR

DIR holds `news/truth.jsonl` (a line with `id` and `url` for each article) and `news/pages/<id>.html.gz`.
The articles' own URLs are judged by shape alone. Of the links on the pages, those of seven and more words
are taken for links to articles, and those of fewer than 25 characters within <nav> for links to sections:
rough labels, so the last two figures are for comparing one version with the next.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter
from pathlib import Path

from lxml import etree, html

from crawler.links import classify
from crawler.source import Source, source_for_url
from crawler.weburl import resolve
from storage.errors import Refused


def count_links(page: bytes, url: str, source: Source, headlines: Counter[str], menus: Counter[str]) -> None:
    for element in html.document_fromstring(page).iter("a"):
        text = " ".join("".join(map(str, element.itertext())).split())
        try:
            link = str(resolve(url, element.get("href") or ""))
        except Refused:
            continue
        if link == url or not source.in_scope(link).inside:
            continue
        kind = classify(link, text, source).kind
        if len(text) < 25 and any(parent.tag == "nav" for parent in element.iterancestors()):
            menus[kind] += 1
        elif len(text.split()) >= 7:
            headlines[kind] += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    args = parser.parse_args()
    articles, headlines, menus = Counter[str](), Counter[str](), Counter[str]()
    for line in (args.corpus / "news" / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        source = source_for_url(case["url"])
        articles[classify(case["url"], "", source).kind] += 1
        page = gzip.decompress((args.corpus / "news" / "pages" / f"{case['id']}.html.gz").read_bytes())
        try:
            count_links(page, case["url"], source, headlines, menus)
        except etree.ParserError as error:
            print(f"{case['id']}: not read: {error}")
    for name, counts in (("articles' URLs", articles), ("long links", headlines), ("menu links", menus)):
        shares = ", ".join(f"{kind} {count} ({count / counts.total():.1%})" for kind, count in counts.most_common())
        print(f"{name}: {shares}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
