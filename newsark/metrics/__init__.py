"""Metrics for Prometheus: what they are called, where they come from, and where they are shown."""
