"""Exports: a selection of what is kept, streamed in the forms that researchers open, with a description of it."""
