"""One file a step: `revision` is the version that it leads to."""
