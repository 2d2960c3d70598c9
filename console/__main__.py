"""`virtdeck`, or `python -m console`: the console and the command line."""

from __future__ import annotations

import sys

from console.cli.root import run
from console.stderr import take_stderr


def main() -> None:
    """Run the command line and leave with its exit status."""
    take_stderr()
    sys.exit(run())


if __name__ == "__main__":
    main()
