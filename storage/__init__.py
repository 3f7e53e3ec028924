"""Keep: exchanges in WARC segments, objects in stores, facts in the catalogue. Knows no Scrapy and no news."""
