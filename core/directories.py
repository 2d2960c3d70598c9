"""Where the files of a user lie (XDG base directory specification); none of them need exist."""

from __future__ import annotations

import os
from pathlib import Path

_NAME = "virtdeck"


def config() -> Path:
    """Return the directory of configuration and themes."""
    return _of_user("XDG_CONFIG_HOME", ".config")


def state() -> Path:
    """Return the directory of the journal and the log."""
    return _of_user("XDG_STATE_HOME", ".local/state")


def cache() -> Path:
    """Return the directory of what can be made anew."""
    return _of_user("XDG_CACHE_HOME", ".cache")


def _of_user(variable: str, usual: str) -> Path:
    configured = os.environ.get(variable, "")
    if configured.startswith("/"):  # the specification has relative ones ignored
        return Path(configured, _NAME)
    home = os.path.expanduser("~")  # noqa: PTH111 - it raises nothing where there is no home
    return Path(home if home.startswith("/") else "/", usual, _NAME)
