"""What making an instance comes to: its XML, its volumes, whether it is started. Pure values."""

from __future__ import annotations

from typing import Literal

from core.model.base import Value

How = Literal["empty", "over", "copy", "file", "seed"]
"""An empty volume; one over an image; a copy of one; a file of this machine; a cloud-init seed."""


class NewVolume(Value, frozen=True):
    """A volume that is made for an instance."""

    pool: str
    name: str
    how: How
    capacity: int = 0
    """Bytes; 0: as the image has them."""
    format: str = "qcow2"
    image: str = ""
    """POOL/NAME of the image it is made from, or the file of this machine."""
    target: str = ""
    """The target of the disk that it is for: `vda`."""


class InstancePlan(Value, frozen=True):
    """All that is made, in this order: the volumes, the definition, and what runs."""

    name: str
    xml: str
    """Without passwords."""
    volumes: tuple[NewVolume, ...] = ()
    start: bool = True
    autostart: bool = False
    given: bool = False
    """Its UUID was not chosen here: another may define one of the same meanwhile."""
