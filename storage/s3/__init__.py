"""The store that is a bucket behind any S3-compatible server."""
