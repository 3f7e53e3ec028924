"""news-please over a site's pages; run by its own Python: SITE COUNT OUTPUT.

`NewsPlease.from_urls` is what its README shows, and costs less than its crawler with the Download class. Two arguments
make it work: without `request_args` every answer is empty, and with its default `fetch_images` it asks for every
picture of every page. It opens a thread for each URL, therefore it is called with 250 at a time.
"""

import json
import logging
import sys
from pathlib import Path

from newsplease import NewsPlease

AT_ONCE = 250


def main(site: str, count: int, output: Path) -> None:
    logging.disable(logging.WARNING)
    urls = [f"{site}/p/{number}" for number in range(count)]
    with output.open("w") as lines:
        for start in range(0, count, AT_ONCE):
            some = urls[start : start + AT_ONCE]
            for article in NewsPlease.from_urls(some, request_args={}, fetch_images=False).values():
                if article and article.maintext:
                    lines.write(json.dumps(article.get_dict(), default=str) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
