"""Conformance: WARC 1.0 and 1.1 and WACZ 1.1.1 files held to every rule of their standards."""
