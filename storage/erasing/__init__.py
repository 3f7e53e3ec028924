"""Erasing: records taken out of stored objects for good, with a tombstone in their place and in the chain."""
