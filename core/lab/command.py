"""Running other programs for the lab: no terminal, a deadline, and an error that says what failed.

Blocks the calling thread for as long as the program runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.errors import LabError

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for: an ordinary Debian user's PATH has no sbin, where libvirtd is."""

PLAIN = {"PATH": SEARCH_PATH, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
"""The whole environment of what the lab runs: nothing of the caller's leaks into a daemon."""


def find_program(name: str) -> str | None:
    """The path of an installed program, or None."""
    return shutil.which(name, path=SEARCH_PATH)


def run(
    words: Sequence[str | os.PathLike[str]],
    *,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    deadline: float = 60.0,
    hint: str = "",
) -> str:
    """Run a program and return what it wrote to standard output.

    `deadline` is in seconds; `environment` is added to a plain one. Raises LabError with the
    program's own last lines when it fails, is missing or takes longer.
    """
    name = Path(words[0]).name
    try:
        done = subprocess.run(
            [str(word) for word in words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=PLAIN | dict(environment or {}),
            cwd=cwd,
            timeout=deadline,
            text=True,
            errors="replace",
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as late:
        raise LabError(f"{name} did not finish within {deadline:.0f} s.", hint) from late
    except OSError as problem:
        raise LabError(f"{name} cannot be run: {problem.strerror}.", hint) from problem
    if done.returncode != 0:
        raise LabError(f"{name} failed: {_last_lines(done.stderr or done.stdout)}", hint)
    return done.stdout


def _last_lines(text: str) -> str:
    """The end of a program's complaint as one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-3:]) or "it gave no reason."
