"""scrapy-webarchive over a site's pages; run by its own Python: SITE COUNT OUTPUT (a .wacz file)."""

import sys

import scrapy
from scrapy.crawler import CrawlerProcess


class Archive(scrapy.Spider):
    name = "archive"

    def start_requests(self):
        for number in range(self.count):
            yield scrapy.Request(f"{self.site}/p/{number}")

    def parse(self, response):  # noqa: ARG002 - the signature is Scrapy's
        return None


def main(site: str, count: int, output: str) -> None:
    process = CrawlerProcess(
        {
            "EXTENSIONS": {"scrapy_webarchive.extensions.WaczExporter": 543},
            "SW_EXPORT_URI": output,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
            "LOG_LEVEL": "WARNING",
            "TELNETCONSOLE_ENABLED": False,
        }
    )
    process.crawl(Archive, site=site, count=count)
    process.start()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
