"""What a snapshot or a checkpoint may be called, and where a snapshot may be kept."""

from __future__ import annotations

from typing import Literal

Where = Literal["internal", "external"]

NAME_PATTERN = r"[^./\x00-\x1f\x7f-\x9f][^/\x00-\x1f\x7f-\x9f]*"
"""libvirt refuses the others: the name becomes part of a file's."""
NAME_SHAPE = "one that begins with no dot, without / and control characters"

CHECKPOINT_PATTERN = r"[a-zA-Z0-9_-][a-zA-Z0-9_.-]*"
"""libvirt's schema (domaincheckpoint.rng, checkpointName) has no others."""
CHECKPOINT_SHAPE = "one of the letters a to z and A to Z, digits, -, _ and ., with no . first"
