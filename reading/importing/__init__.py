"""Import: files that others made, taken into an archive as they are, with what can be read from them."""
