"""Where the project and the tests' data are."""

from __future__ import annotations

import os
from pathlib import Path

ROOT_DIRECTORY = Path(__file__).resolve().parents[1]
DATA_DIRECTORY = ROOT_DIRECTORY / "tests" / "data"


def lab_name(more: str = "") -> str:
    """Return the name of this process's lab, or of one more of it.

    It is short: libvirt makes a socket for each guest's agent below the lab's directory, and Linux
    takes no path of a socket that is longer than 107 bytes.
    """
    return f"t{os.getpid():06x}{more}"
