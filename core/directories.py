"""Where the files of a user lie (XDG base directory specification); none of them need exist.

The library is loaded when it is asked: a command that names its journal and settings needs none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

_NAME = "virtdeck"


def config() -> Path:
    """Return the directory of configuration and themes."""
    import platformdirs

    return _found(platformdirs.user_config_path, ".config")


def state() -> Path:
    """Return the directory of the journal and the log."""
    import platformdirs

    return _found(platformdirs.user_state_path, ".local/state")


def cache() -> Path:
    """Return the directory of what can be made anew."""
    import platformdirs

    return _found(platformdirs.user_cache_path, ".cache")


def runtime() -> Path:
    """Return the directory of what goes with the session; without one, what can be made anew."""
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(session, _NAME) if session.startswith("/") else cache()


def _found(path_of: Callable[[str], Path], usual: str) -> Path:
    try:
        return path_of(_NAME)
    except RuntimeError:  # neither HOME nor an entry in the password database: a container's user
        return Path("/", usual, _NAME)
