"""Many machines: a crawl and batch work on Ray. Ray is imported here alone, and only when it is asked for."""
