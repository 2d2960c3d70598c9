"""Where a tape stands, and what play, pause, speed and seek do to its player."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console import format as fmt
from console.shell.bridge import Bridge

if TYPE_CHECKING:
    from core.journal.player import Player
    from core.journal.replay import Replay


class TapeControl:
    """Reads at the tape, when one is shown. UI thread."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    @property
    def replay(self) -> Replay | None:
        """The tape, when one is shown."""
        source = self._bridge.source
        if not hasattr(source, "player"):  # live hosts: what plays a tape is not even loaded
            return None
        from core.journal.replay import Replay

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


def toggled(player: Player) -> None:
    """Play, or stand still. On the core's loop."""
    player.paused = not player.paused


def sought(player: Player, seconds: float) -> None:
    """Jump forwards, or back when negative. On the core's loop."""
    player.seek(player.position + seconds)


def hurried(player: Player, factor: float) -> None:
    """Change the speed. On the core's loop."""
    player.speed *= factor
