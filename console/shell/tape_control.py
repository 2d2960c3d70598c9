"""Where a tape stands, and what the actions of scope "replay" do to its player."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console import format as fmt
from core.source import Source

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp
    from core.journal.replay import Replay


class TapeControl:
    """The tape of an app, when it shows one. UI thread."""

    def __init__(self, app: VirtdeckApp) -> None:
        self._app = app

    @property
    def replay(self) -> Replay | None:
        """The tape, when one is shown."""
        source = self._app.bridge.source
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

    def change(self, what: str, amount: float) -> None:
        """Play or stand still (`pause`), jump by seconds (`seek`), change the speed (`speed`)."""
        replay = self.replay
        if replay is None:
            self._app.notify("No tape is shown: these are live hosts.", timeout=3)
            return
        player = replay.player

        async def on_core(source: Source) -> None:
            del source
            if what == "pause":
                player.paused = not player.paused
            elif what == "seek":
                player.seek(player.position + amount)
            else:
                player.speed *= amount

        self._app.ask(on_core, lambda _: self._app.navigation.show_lines())
