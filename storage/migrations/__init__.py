"""The catalogue's versions: which one a database is of, and the steps from each to the next."""
