"""Fixity: whether every object in every store is what its manifest says, and what can be put right."""
