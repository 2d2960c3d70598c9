"""`virtdeck`, or `python -m console`: the console and the command line."""

from __future__ import annotations

import sys

from console.cli.root import run


def main() -> None:
    """Run the command line and leave with its exit status."""
    sys.exit(run())


if __name__ == "__main__":
    main()
