"""Disks in use: copied, kept as images, their chains merged; block jobs steered."""

from __future__ import annotations

from core.verbs.block.commit import COMMIT
from core.verbs.block.copy import COPY
from core.verbs.block.image import IMAGE
from core.verbs.block.pull import PULL
from core.verbs.block.steering import ABORT, PIVOT, SPEED
from core.verbs.block.swap import SWAP

VERBS = (IMAGE, COPY, SWAP, PULL, COMMIT, SPEED, PIVOT, ABORT)
