"""The spider of one newsroom."""
