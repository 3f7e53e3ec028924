"""Find and fetch: sources, discovery, the frontier, manners, the guard and the wire."""
