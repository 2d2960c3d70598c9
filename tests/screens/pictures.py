"""The pictures of the documentation, taken from the tape like the snapshots.

`python -m tests.screens.pictures` writes them anew; a test fails when they no longer show the
screens as they are.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from console.screens.dialogs.confirm import ConfirmDialog
from console.screens.dialogs.verb_form import VerbFormDialog
from console.screens.proposal import Proposal, Target
from console.settings import DisplaySettings, Settings
from console.shell.app import VirtdeckApp
from core.journal.replay import Replay
from core.model import ObjectKey
from core.verbs.danger import danger_of
from core.verbs.power.requests import Stop
from core.verbs.registry import VERBS
from tests.screens.checking_source import Checking
from tests.screens.conftest import MOMENTS, TAPE, ZONE, press, settled, until

FOLDER = Path(__file__).resolve().parents[2] / "docs/screenshots"
SIZE = (110, 28)
MAIL = ("slash", *"mail", "enter", "enter")
WEB = ("slash", *"name:web", "enter")
PICTURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "instances": ("loaded", ()),
    "instance": ("loaded", (*MAIL, "tab")),
    "hosts": ("lost", ("2", "down")),
    "volumes": ("loaded", ("3",)),
    "operations": ("operating", ("4",)),
    "events": ("error", ("5",)),
    "migration": ("migration-not-converging", ("6", "enter")),
    "confirm": ("loaded", ()),
    "menu": ("loaded", (*WEB, "a", "p")),
    "form": ("loaded", (*WEB, "a", "g", "d", *"/var/tmp/web.dump")),
}
"""The moment of the tape, or a tape of its own, and the keys of each picture."""
ACTING = ("menu", "form")
"""Those that show what can be done: a tape refuses everything."""
TAPES = {"migration-not-converging": 37.0}
"""Seconds into tapes other than the usual one."""


async def picture(name: str) -> str:
    """One screen as SVG: the same bytes every time."""
    moment, keys = PICTURES[name]
    if moment in TAPES:
        replay = Replay.at(TAPE.with_name(f"{moment}.jsonl.gz"), TAPES[moment])
    else:
        kind = Checking if name in ACTING else Replay
        replay = kind.at(TAPE, MOMENTS[moment])
    settings = Settings(display=DisplaySettings(theme="dark", glyphs="unicode", refresh_rate=30))
    app = VirtdeckApp(lambda: replay, settings, clock=replay.clock, zone=ZONE)
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *keys)
        if name == "confirm":
            key = ObjectKey("instance", "alpha", "db")
            target = Target(key, "db", "alpha", "running", Stop(subject=key), ())
            danger = danger_of(replay.state, [target.request])
            app.push_screen(ConfirmDialog(Proposal(VERBS["stop"], (target,), 0, danger)))
            await pilot.pause()
        if isinstance(form := app.screen, VerbFormDialog):
            await until(pilot, lambda: form.at_rest)
        await settled(pilot)
        svg = app.export_screenshot(title="virtdeck")
    replay.close()
    return svg


def main() -> int:
    """Write every picture."""
    os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
    FOLDER.mkdir(exist_ok=True)
    for name in PICTURES:
        (FOLDER / f"{name}.svg").write_text(asyncio.run(picture(name)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
