"""What a cold migration leaves on both hosts until it is confirmed or reverted."""

from __future__ import annotations

from typing import Literal

from core.model.base import Value


class MovedVolume(Value, frozen=True):
    """A volume that a cold migration copied: the original at the source, or the copy."""

    path: str
    written: str = ""
    """Of a copy, when it was last written to as the move ended, in libvirt's words; empty: its
    pool does not tell."""


class ColdMove(Value, frozen=True):
    """The mark in the definition of an instance that was cold-migrated, on either host.

    It is in the metadata of the definition: whatever console looks, with whatever journal, finds
    it there.
    """

    id: str
    """The same on both hosts."""
    role: Literal["source", "destination"]
    other: str
    """The other host, by the name it had on the console that moved it."""
    autostart: bool = False
    """Whether it started with its host before."""
    nvram: bool = False
    """Its UEFI variables were copied: those of this host are its own."""
    volumes: tuple[MovedVolume, ...] = ()
    """This host's own: what goes when the other one is kept."""
