"""The Textual app: it owns the bridge, the picture, the modes, and nothing else. UI thread.

Everything an operator can do is in the action registry; everything a screen shows is in the
screen's own module.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import events, on
from textual.app import App
from textual.screen import Screen

from console.actions.keymap import textual_keymap
from console.actions.registry import Action, bindings_for, with_keys
from console.glyphs import use_glyphs
from console.screens import MODES, open_page, open_screen
from console.screens.base import ConsoleScreen
from console.screens.view import View
from console.settings import Settings
from console.shell.bridge import Bridge, SourceFactory
from console.shell.core_messages import CoreAnswered, CoreFailed, CoreNews
from console.shell.guest_consoles import GuestConsoles
from console.shell.navigation import FIRST_MODE, Navigation
from console.shell.operations_watch import OperationsWatch
from console.shell.ordered_keys import KeyDone, OrderedKeys
from console.shell.stylesheet import ParsedOnce
from console.shell.tape_control import TapeControl
from console.shell.textual_leaks import let_go
from console.shell.toasts import NewestNotifications, Toasts
from console.themes import load_themes
from console.widgets.narrow_paint import narrowed
from core.clock import Clock, SystemClock
from core.errors import VirtdeckError
from core.source import Source

if TYPE_CHECKING:
    from rich.console import RenderableType

Answer = TypeVar("Answer")

TIME_SECONDS = 10.0
"""How often what depends only on the time of day is drawn anew."""


class VirtdeckApp(App[None], inherit_bindings=False):
    """The console. `clock` and `zone` are for tests: the machine's own by default."""

    TITLE = "virtdeck"
    ENABLE_COMMAND_PALETTE = False
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        name: partial(open_screen, name) for name in MODES
    }
    BINDINGS = bindings_for("global", "replay")
    CSS_PATH = Path("../screens/app.tcss")

    def __init__(
        self,
        source_factory: SourceFactory,
        settings: Settings,
        *,
        clock: Clock | None = None,
        zone: tzinfo | None = None,
    ) -> None:
        use_glyphs(settings.glyph_set())
        super().__init__()
        self.stylesheet = ParsedOnce(variables=self.get_css_variables())
        let_go()
        self.ordered_keys = OrderedKeys(self, super().on_event)
        self.navigation = Navigation(self)
        self.consoles = GuestConsoles(self)
        self._notifications = NewestNotifications(self.navigation.shown_since)
        self.animation_level = "none"
        self.settings = settings
        self.actions: tuple[Action, ...] = with_keys(settings.keys)
        """The registry with the operator's own keys."""
        self.asking = 0
        """Questions the core has not answered yet."""
        self.core_error = ""
        """Why nothing moves any more, when the core's thread ended."""
        self.defect: Exception | None = None
        """The first error that nothing expected, which ends the console."""
        self.bridge = Bridge(
            source_factory,
            wake=lambda: self.post_message(CoreNews()),
            failed=lambda error: self.post_message(CoreFailed(error)),
            rate=settings.refresh_rate(),
        )
        self.tape = TapeControl(self)
        self._clock = clock or SystemClock()
        self.view = View(now=self.now, zone=zone)
        self.watch_list = OperationsWatch()
        self._toasts = Toasts(self)
        self._use_themes()

    # -- life ----------------------------------------------------------------------------------

    @on(events.Mount)
    async def _open(self) -> None:
        """Show the first screen, open the core and begin to listen."""
        await self.switch_mode(FIRST_MODE)
        self.set_keymap(textual_keymap(self.settings.keys))
        self.set_interval(TIME_SECONDS, self._tick)
        self.bridge.start()

    @on(events.Unmount)
    def _close(self) -> None:
        """Close the core; a hung one is left behind."""
        self.bridge.stop()

    def _handle_exception(self, error: Exception) -> None:
        """Keep the defect: whoever runs the console tells of it."""
        self.defect = self.defect or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Leave without Textual's traceback: that has the values of variables, also of secrets."""
        self._close_messages_no_wait()

    async def on_event(self, event: events.Event) -> None:
        """Give keys one after the other."""
        await self.ordered_keys.take(event)

    @on(KeyDone)
    def _key_done(self, message: KeyDone) -> None:
        self.ordered_keys.arrived(message)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        super()._display(screen, narrowed(renderable))

    @property
    def has_screen(self) -> bool:
        """Whether there is a screen; none at the very start, none once the console is left.

        Keys, news, answers and timers come then too, and Textual raises where it finds none.
        """
        return self.is_running and bool(self.screen_stack)

    def now(self) -> float:
        """The time to show ages against: the tape's while one plays."""
        return self.tape.now() or self._clock.now()

    @property
    def read_only(self) -> bool:
        """Whether every write would be refused."""
        source = self.bridge.source
        return self.settings.read_only or (source is not None and source.read_only)

    @on(CoreNews)
    def _take_news(self) -> None:
        """Take what the bridge has and hand it to what is in view."""
        if not self.has_screen:
            return
        news = self.bridge.take()
        self.view.state = news.state
        self.navigation.take_news(news.delta)
        self.consoles.take_news(news.delta)
        self.tell_ended()

    @on(CoreFailed)
    def _core_failed(self, message: CoreFailed) -> None:
        """Leave when the console could not even start; else say that nothing moves any more."""
        from console.shell.crash import keep_crash

        error = message.error
        if self.bridge.source is None and isinstance(error, VirtdeckError):
            self.core_error = error.message
            self.exit(return_code=error.exit_status, message=str(error))
            return
        self.core_error = "the core stopped: start virtdeck again"
        kept = keep_crash(error, self.bridge.state.events) or "the log"
        self.notify(
            f"{type(error).__name__}: {error}.\nPlease report it with {kept}.",
            title="The core stopped", severity="error", timeout=60, markup=False,
        )  # fmt: skip
        self.navigation.show_lines()

    @on(CoreAnswered)
    def _core_answered(self, message: CoreAnswered) -> None:
        """Go on with what waited for the answer, unless the console is being left."""
        if self.has_screen:
            message.then()

    def _tick(self) -> None:
        if (screen := self.navigation.shown) is not None:
            screen.show_time()

    # -- asking the core -------------------------------------------------------------------------

    def ask(
        self,
        question: Callable[[Source], Awaitable[Answer]],
        then: Callable[[Answer], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Put a question to the source; `then` or `failed` runs on the UI thread, later.

        Without `failed` the error is shown as a toast.
        """
        self.asking += 1

        def answered(future: Future[Answer]) -> None:
            if not future.cancelled():
                self.post_message(CoreAnswered(partial(deliver, future)))

        def deliver(future: Future[Answer]) -> None:
            self.asking -= 1
            error = future.exception()
            if error is None:
                then(future.result())
            elif isinstance(error, Exception):
                (failed or self._show_error)(error)

        self.bridge.ask(question).add_done_callback(answered)

    def _show_error(self, error: Exception) -> None:
        """A toast with the sentence and the cure."""
        message = error.message if isinstance(error, VirtdeckError) else f"{error}"
        hint = error.hint if isinstance(error, VirtdeckError) else ""
        self.notify(f"{message}\n{hint}".strip(), severity="error", timeout=10, markup=False)

    def tell_ended(self) -> None:
        """Report the operations of this console that have ended, and what its source notices."""
        operations = self.view.state.operations
        told = self.watch_list.toasts(operations, self.bridge.notices, self.now())
        self._toasts.tell(told, operations)

    # -- actions of the registry, scope "global" ---------------------------------------------------

    async def action_show_screen(self, name: str) -> None:
        """Go to one of the screens of the number keys, at its list."""
        await self.navigation.show(name)

    def action_show_page(self, name: str) -> None:
        """Open the keys of this screen (`help`), or the calls that were made (`calls`)."""
        if isinstance(self.screen, ConsoleScreen):
            open_page(self, self.screen, name)

    def action_command_palette(self) -> None:
        """Open the palette of this screen."""
        from console.screens.dialogs.palette import PaletteDialog

        if isinstance(self.screen, ConsoleScreen):
            self.push_screen(PaletteDialog(self.screen))

    async def action_back(self) -> None:
        """Peel one layer."""
        await self.navigation.back()

    async def action_show_faults(self) -> None:
        """Go to what has an alert."""
        await self.navigation.show_faults()

    def action_leave(self) -> None:
        """Quit; asks when an operation runs, or something would be lost."""
        from console.screens.dialogs.leave import LeaveDialog

        running, unsaved = self.view.running, self.navigation.unsaved()
        if not running and not unsaved:
            self.exit()
        elif not isinstance(self.screen, LeaveDialog):
            self.push_screen(LeaveDialog(running, unsaved), self._leave)

    def _leave(self, sure: bool | None) -> None:
        if sure:
            self.exit()

    def action_resync(self) -> None:
        """Read everything again and draw everything again."""
        self.refresh(layout=True)
        self.navigation.read_again()
        done = "Everything read again."
        self.ask(lambda source: source.links.refresh(), lambda _: self.notify(done))

    def action_next_theme(self) -> None:
        """Change to the next theme."""
        names = [name for name in self.available_themes if name.startswith("virtdeck-")]
        place = names.index(self.theme) + 1 if self.theme in names else 0
        self.theme = names[place % len(names)]
        self.notify(f"Theme: {self.theme.removeprefix('virtdeck-')}", timeout=2)

    def action_tape(self, change: str, amount: float = 0) -> None:
        """Play the tape or have it stand still, move on it, change its speed."""
        self.tape.change(change, amount)

    # -- themes ----------------------------------------------------------------------------------

    def _use_themes(self) -> None:
        themes = load_themes()
        for theme in themes.by_name.values():
            self.register_theme(theme)
        self.theme, error = themes.choose(self.settings.display.theme)
        for problem in filter(None, (error, *themes.errors)):
            self.call_later(self._show_error, problem)
