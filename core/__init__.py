"""virtdeck's library: live libvirt hosts as one typed, asynchronous source of state and operations.

```
from core import Fleet, Start

async with Fleet.open(["qemu:///system"]) as fleet:
    await fleet.ready(10)
    instance = next(iter(fleet.state.instances.values()))
    outcome = await (await fleet.submit(Start(subject=instance.key)))
```
The names below are loaded when they are first used: `import core` costs nothing, and neither it nor
replaying a tape needs libvirt.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core import errors as errors
    from core import model as model
    from core.fleet import Fleet as Fleet
    from core.fleet import LinkOptions as LinkOptions
    from core.journal.replay import Replay as Replay
    from core.source import Source as Source
    from core.verbs.power.requests import Pause as Pause
    from core.verbs.power.requests import Reboot as Reboot
    from core.verbs.power.requests import Reset as Reset
    from core.verbs.power.requests import Resume as Resume
    from core.verbs.power.requests import Shutdown as Shutdown
    from core.verbs.power.requests import Start as Start
    from core.verbs.power.requests import Stop as Stop
    from core.verbs.registry import VERBS as VERBS

_REQUESTS = ("Pause", "Reboot", "Reset", "Resume", "Shutdown", "Start", "Stop")
_MODULES = ("errors", "model")
_HOMES = {
    "Fleet": "core.fleet",
    "LinkOptions": "core.fleet",
    "Replay": "core.journal.replay",
    "Source": "core.source",
    "VERBS": "core.verbs.registry",
    **dict.fromkeys(_REQUESTS, "core.verbs.power.requests"),
}

__all__ = [*_MODULES, *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"core.{name}")
    raise AttributeError(f"module 'core' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
