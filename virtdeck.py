"""The names of virtdeck's library under the program's name: `from virtdeck import Fleet, Start`.

They are those of `core`, loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import core

if TYPE_CHECKING:
    from core import VERBS as VERBS
    from core import Fleet as Fleet
    from core import LinkOptions as LinkOptions
    from core import Pause as Pause
    from core import Reboot as Reboot
    from core import Replay as Replay
    from core import Reset as Reset
    from core import Resume as Resume
    from core import Shutdown as Shutdown
    from core import Source as Source
    from core import Start as Start
    from core import Stop as Stop
    from core import errors as errors
    from core import model as model

__all__ = list(core.__all__)


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(core, name)
    raise AttributeError(f"module 'virtdeck' has no attribute {name!r}")
