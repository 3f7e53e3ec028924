"""The command `newsark`, and `python -m newsark`."""

from __future__ import annotations

import gc

# Nearly all that a start loads stays: to look for garbage in it again and again took a tenth of the time. Python's own
# setting is 700, 10, 10. The fork server of the readers loads this module too.
gc.set_threshold(50_000, 20, 100)


def main() -> None:
    """Run the command line.

    It is imported here and not before: the fork server of the reader processes loads the main module too.
    """
    from newsark.cli import main

    try:
        main()
    finally:
        # the process ends: to look for garbage once more takes longer than many a command
        gc.freeze()


if __name__ == "__main__":
    main()
