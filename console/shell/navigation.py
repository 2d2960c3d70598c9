"""Which screen is in view, and the ways from one to another. UI thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from console.screens.base import ConsoleScreen, HoldsEdits
from console.screens.dialogs.dialog import Dialog
from core.model import Delta, ObjectKey

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp

FIRST_MODE = "instances"
"""What opens first, over Textual's empty default mode, and what `esc` ends at."""


@runtime_checkable
class ReadingScreen(Protocol):
    """A screen that shows what is read only because somebody looks at it."""

    def read_again(self) -> None:
        """Read it again: the operator wants everything read."""


class Navigation:
    """The screens of an app, as the operator goes through them."""

    def __init__(self, app: VirtdeckApp) -> None:
        self._app = app

    @property
    def shown(self) -> ConsoleScreen | None:
        """The screen in view, or covered by nothing but dialogs."""
        screens = self._app.screen_stack[::-1] if self._app.has_screen else ()
        return next((each for each in screens if isinstance(each, ConsoleScreen)), None)

    def take_news(self, delta: Delta) -> None:
        """Hand what changed to that screen, and to a dialog over it."""
        if (screen := self.shown) is not None:
            screen.take_news(delta)
        if isinstance(self._app.screen, Dialog):
            self._app.screen.take_news(delta)

    def shown_since(self) -> float:
        """Since when a dialog is on top, epoch seconds; 0: none is."""
        top = self._app.screen if self._app.has_screen else None
        return top.opened if isinstance(top, Dialog) else 0.0

    def show_lines(self) -> None:
        """Bring the lines around that screen up to date."""
        if (screen := self.shown) is not None and screen.is_mounted:
            screen.show_lines()

    def read_again(self) -> None:
        """Have that screen read what only it shows."""
        screen: object = self.shown
        if isinstance(screen, ReadingScreen):
            screen.read_again()

    async def show(self, name: str) -> None:
        """Go to one of the screens of the number keys, at its list."""
        app = self._app
        if app.has_screen and app.current_mode != name:
            await app.switch_mode(name)
        while len(app.screen_stack) > 1:
            app.pop_screen()  # not awaited: who asked may be a widget of it, waiting for itself

    def unsaved(self) -> list[str]:
        """What would be lost if virtdeck were left now: a line for each screen that has such."""
        screens = [each for stack in self._app._screen_stacks.values() for each in stack]
        return [
            words for each in screens if isinstance(each, HoldsEdits) and (words := each.unsaved())
        ]

    async def back(self) -> None:
        """Peel one layer off the screen in view, else leave it."""
        app = self._app
        if isinstance(app.screen, ConsoleScreen) and app.screen.peel():
            return
        if len(app.screen_stack) > 1:
            app.pop_screen()
        elif app.current_mode != FIRST_MODE:
            await app.switch_mode(FIRST_MODE)

    async def open_instance(self, key: ObjectKey, tab: str) -> None:
        """Open one instance at one of its tabs."""
        from console.screens.instances.instance import InstanceScreen

        await self._app.push_screen(InstanceScreen(key, tab))

    async def open_snapshots(self, key: ObjectKey) -> None:
        """Open the snapshots of an instance."""
        from console.screens.snapshots.snapshots import SnapshotsScreen

        await self._app.push_screen(SnapshotsScreen(key))

    async def open_images(self) -> None:
        """Open the base images of every host."""
        from console.screens.storage.images import ImagesScreen

        await self._app.push_screen(ImagesScreen())

    async def open_console(self, key: ObjectKey) -> None:
        """Open the console of an instance."""
        from console.screens.consoles.consoles import ConsolesScreen

        await self._app.push_screen(ConsolesScreen(key))

    async def open_picture(self, key: ObjectKey) -> None:
        """Open what an instance shows on its screen."""
        from console.screens.picture.picture import PictureScreen

        await self._app.push_screen(PictureScreen(key))

    async def show_instances(self, filter_text: str) -> None:
        """Go to the instances and show only those a filter leaves."""
        from console.screens.instances.instances import InstancesScreen

        await self.show("instances")
        if isinstance(self._app.screen, InstancesScreen):
            self._app.screen.set_filter(filter_text)

    async def show_faults(self) -> None:
        """Go to what has an alert: instances first; without one, hosts, then pools."""
        from console.screens.instances.instances import FAULTS

        kinds = {key.kind for key in self._app.view.state.alerts}
        if "instance" in kinds:
            await self.show_instances(FAULTS)
        else:
            await self.show("hosts" if "host" in kinds else "volumes")
