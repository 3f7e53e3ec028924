"""Replay: the archive behind pywb, which rewrites pages so that they work; its index is the catalogue."""
