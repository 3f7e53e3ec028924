"""The checks of `newsark doctor`, by what they look at."""
