"""Understand: judge a page, extract its article, compare it with the last version, write its record."""
