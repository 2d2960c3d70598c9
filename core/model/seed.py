"""A cloud-init seed: what a guest is told at its first boot. Pure values."""

from __future__ import annotations

from core.model.base import Value


class Seed(Value, frozen=True):
    """What a NoCloud seed says (cloud-init's documentation of its datasource)."""

    instance_id: str
    """Another one for each instance: cloud-init does once what it does for each."""
    hostname: str
    user: str = ""
    """Whom it is for; empty: the image's own user."""
    ssh_keys: tuple[str, ...] = ()
    user_data: str = ""
    """Instead of user and keys."""
    network_config: str = ""
    """Empty: DHCP on the first interface, as cloud-init does by itself."""


FRAME = 1 << 19
"""Bytes that an ISO image takes for less than it says, with room to spare (70 KB are measured)."""


def seed_capacity(seed: Seed) -> int:
    """Return bytes that the image of a seed fits into."""
    texts = (seed.user_data, seed.network_config, *seed.ssh_keys)
    return FRAME + 2 * sum(len(text.encode(errors="replace")) for text in texts)


def seed_name(name: str, uuid: str) -> str:
    """Return what the volume of an instance's seed is called: nobody else's is."""
    return f"{name}-seed-{uuid[:8]}.iso"


def is_seed(path: str, uuid: str) -> bool:
    """Whether a path, or `POOL/VOLUME`, is that of an instance's seed."""
    return path.endswith(f"-seed-{uuid[:8]}.iso")
