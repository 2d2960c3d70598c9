"""The console's hand on a tape: where it stands, and play, pause, speed and seek. UI thread.

The player lives on the core's loop; what changes it is sent there.
"""

from __future__ import annotations

from collections.abc import Callable

from console import format as fmt
from console.bridge import Bridge
from core.journal.player import Player
from core.journal.replay import Replay
from core.source import Source


class TapeControl:
    """Does nothing while the source is live."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    @property
    def replay(self) -> Replay | None:
        """The tape, when one is shown."""
        source = self._bridge.source
        return source if isinstance(source, Replay) else None

    def now(self) -> float | None:
        """The tape's time, None when there is no tape."""
        replay = self.replay
        return None if replay is None else replay.clock.now()

    def label(self) -> str:
        """Position, length and speed for the header: `tape 1m05s/4m20s x2`."""
        replay = self.replay
        if replay is None:
            return ""
        player = replay.player
        state = "paused" if player.paused else "ended" if player.ended else f"x{player.speed:g}"
        position, length = fmt.age(0, player.position), fmt.age(0, player.duration)
        return f"tape {position}/{length} {state}"

    def toggle(self) -> None:
        """Play or stand still."""

        def turn(player: Player) -> None:
            player.paused = not player.paused

        self._tell(turn)

    def seek(self, seconds: float) -> None:
        """Jump forwards, or back when negative."""
        self._tell(lambda player: player.seek(player.position + seconds))

    def faster(self, factor: float) -> None:
        """Change the speed."""

        def change(player: Player) -> None:
            player.speed *= factor

        self._tell(change)

    def _tell(self, change: Callable[[Player], None]) -> None:
        replay = self.replay
        if replay is None:
            return

        async def on_core(source: Source) -> None:
            del source
            change(replay.player)

        self._bridge.ask(on_core)
