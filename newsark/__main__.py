"""The command `newsark`, and `python -m newsark`."""

from __future__ import annotations


def main() -> None:
    """Run the command line.

    It is imported here and not before: the fork server of the reader processes loads the main module too.
    """
    from newsark.cli import main

    main()


if __name__ == "__main__":
    main()
