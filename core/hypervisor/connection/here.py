"""Whether a host is this machine, by its name."""

from __future__ import annotations

import socket


def is_ours(hostname: str) -> bool:
    """Whether a host's name is that of this machine, with or without its domain."""
    ours = socket.gethostname().partition(".")[0].lower()
    return hostname.partition(".")[0].lower() == ours
