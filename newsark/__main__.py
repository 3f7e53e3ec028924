"""`python -m newsark`: the same command line."""

from __future__ import annotations

from newsark.cli import main

if __name__ == "__main__":
    main()
