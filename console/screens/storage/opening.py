"""The way to the page of a pool or volume, from wherever one is named. UI thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp
    from core.model import ObjectKey


async def open_storage(console: VirtdeckApp, key: ObjectKey) -> None:
    """Open the page of a pool or volume."""
    if key.kind == "pool":
        from console.screens.storage.pool import PoolScreen

        await console.push_screen(PoolScreen(key))
    else:
        from console.screens.storage.volume import VolumeScreen

        await console.push_screen(VolumeScreen(key))
