"""Where the files of a user lie, by the XDG base directory specification."""

from __future__ import annotations

import os
from pathlib import Path


def config() -> Path:
    """Return the directory of configuration and themes; it need not exist."""
    return _of("XDG_CONFIG_HOME", ".config")


def state() -> Path:
    """Return the directory of the journal and the log; it need not exist."""
    return _of("XDG_STATE_HOME", ".local/state")


def cache() -> Path:
    """Return the directory of what can be made anew; it need not exist."""
    return _of("XDG_CACHE_HOME", ".cache")


def _of(variable: str, usual: str) -> Path:
    given = os.environ.get(variable, "")
    # the specification has relative paths ignored
    base = Path(given) if given.startswith("/") else _home() / usual
    return base / "virtdeck"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # neither HOME nor an entry in the password database
        return Path("/")
