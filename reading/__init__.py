"""Give back: what is known, one article with its provenance, exports."""
