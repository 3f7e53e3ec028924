"""newspaper4k over a site's pages; run by its own Python: SITE COUNT OUTPUT.

Each article alone, since one page whose language lacks its data ends `fetch_news` for all. Eight threads.
"""

import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import newspaper

THREADS = 8


def one(url: str) -> str | None:
    try:
        article = newspaper.article(url, fetch_images=False)
        return article.to_json(as_string=True) if article.text else None
    except (newspaper.ArticleException, LookupError, ImportError, ValueError) as problem:
        print(f"{url}: {type(problem).__name__}: {str(problem)[:200]}", file=sys.stderr)
        return None


def main(site: str, count: int, output: Path) -> None:
    logging.disable(logging.WARNING)
    urls = [f"{site}/p/{number}" for number in range(count)]
    with ThreadPoolExecutor(THREADS) as pool, output.open("w") as lines:
        for article in pool.map(one, urls):
            if article is not None:
                lines.write(json.dumps(json.loads(article)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
