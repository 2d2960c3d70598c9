"""What every screen has: the lines around it, how it takes news, and what `esc` does. UI thread."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, cast, runtime_checkable

from textual import events, on
from textual.app import ComposeResult
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from console.actions.registry import action, elsewhere
from console.screens import chrome
from console.screens.parts import Part, PartsLine
from core.model import Delta, ObjectKey

if TYPE_CHECKING:
    from console.shell.app import VirtdeckApp

TABS = (
    ("1", "instances"),
    ("2", "hosts"),
    ("3", "volumes"),
    ("4", "operations"),
    ("5", "events"),
    ("6", "migrations"),
    ("7", "networks"),
)
"""The screens of the number keys."""


@runtime_checkable
class HoldsEdits(Protocol):
    """A screen on which something is edited."""

    def unsaved(self) -> str:
        """What is lost when virtdeck is left now, as a line; empty: nothing."""
        ...


class ConsoleScreen(Screen[None], inherit_bindings=False):
    """Header, tabs, the screen's own body, footer.

    A screen holds its widgets and never looks for them: news, answers, timers and keys also come
    before they are mounted and while they are taken down, and what is then shown is just not drawn.
    The app calls `take_news` while the screen is the visible one (or only a dialog covers it);
    a screen that was away catches up when it comes back.
    """

    registry_layer: ClassVar[str] = ""
    """The screen's name in the action registry."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = -1
        """The revision of the picture it shows; -1: none yet."""
        self.asks_later: Callable[[], None] | None = None
        """A question that took time to find, for when this screen is in view again."""
        self._header = PartsLine(id="header")
        self._tabs = PartsLine(id="tabs")
        self._footer = PartsLine(right_first=True, id="footer")

    @property
    def console(self) -> VirtdeckApp:
        """The app, with its own type."""
        return cast("VirtdeckApp", self.app)

    def compose(self) -> ComposeResult:
        """Lay out the lines around the body."""
        yield self._header
        yield self._tabs
        yield from self.body()
        yield self._footer

    def body(self) -> Iterable[Widget]:
        """The screen's own widgets, from top to bottom."""
        return ()

    def crumbs(self) -> tuple[str, ...]:
        """The names on the way to this screen, when it is no tab itself."""
        return ()

    def summary(self) -> list[Part]:
        """What stands at the right of the tabs: counts, the filter."""
        return []

    def useful_verbs(self) -> Sequence[str]:
        """The power verbs, or the steering commands, that make sense now, the most useful first."""
        return ()

    def _marked_elsewhere(self) -> str:
        """Why what is done to one row is not done now: others than it are marked; empty: go on."""
        return ""

    def show_all(self) -> None:
        """Show the present picture from scratch."""

    def show_change(self, delta: Delta) -> None:  # noqa: ARG002 - for those who can do better
        """Show what changed since the last call."""
        self.show_all()

    def in_view(self) -> Collection[ObjectKey]:
        """The objects of which an event should be seen at once, and which are read first."""
        return ()

    def _marked_keys(self) -> Iterable[ObjectKey]:
        """The marked objects, which are read next after those in view."""
        return ()

    def show_time(self) -> None:
        """Refresh what changes only because time passes; called every few seconds."""

    def _table_of_actions(self) -> DOMNode | None:
        """What the actions of scope "table" are for."""
        return None

    def _idle_scopes(self) -> Collection[str]:
        """The scopes whose actions have nothing to act on now: the footer leaves them out."""
        return ()

    def peel(self) -> bool:
        """Take one layer off (a filter, marks); return whether there was one."""
        return False

    # -- the app's side ------------------------------------------------------------------------

    def take_news(self, delta: Delta) -> None:
        """Show a delta that follows on what is shown."""
        if not self.is_mounted:
            return
        if self.seen <= 0:  # nothing yet, or the empty picture from before the core was open
            self.show_all()
        else:
            self.show_change(delta)
        self.seen = delta.revision
        self._tell_in_view()
        self.show_lines()

    def catch_up(self) -> None:
        """Show everything again if anything happened while the screen was away."""
        revision = self.console.view.state.revision
        if self.seen != revision:
            self.show_all()
            self.seen = revision
        self._tell_in_view()
        self.show_lines()

    def _tell_in_view(self) -> None:
        """Have read first what is in view, unless another screen covers it."""
        if self.console.navigation.shown is self:
            self.console.bridge.look_at(self.in_view(), self._marked_keys())

    def show_lines(self) -> None:
        """Bring header, tabs and footer up to date."""
        console = self.console
        state = console.view.state
        self._header.show(
            chrome.header_left(state, console.view.zone, console.tape.label()),
            chrome.header_right(
                state,
                read_only=console.read_only and console.tape.replay is None,
                error=console.core_error,
            ),
        )
        crumbs = self.crumbs()
        left = (
            chrome.crumb_groups(crumbs) if crumbs else chrome.tab_groups(TABS, self.registry_layer)
        )
        summary = self.summary()
        shorter = [] if crumbs else chrome.shorter_tabs(TABS, self.registry_layer)
        self._tabs.show(left, [[part] for part in summary], shorter)
        footer_left, footer_right = chrome.footer_groups(
            chrome.footer_actions(
                self.registry_layer,
                console.actions,
                read_only=console.read_only,
                verbs=self.useful_verbs(),
                idle=self._idle_scopes(),
            )
        )
        self._footer.show(footer_left, footer_right)

    @on(events.Key)
    def _say_elsewhere(self, event: events.Key) -> None:
        """Say where a key works that does nothing here."""
        if event.key in self.app.active_bindings:
            return
        if words := elsewhere(event.key, self.registry_layer, self.console.actions):
            self.console.notify(words, timeout=4, markup=False)

    @on(events.ScreenResume)
    def _resumed(self) -> None:
        """Come back into view."""
        self.call_after_refresh(self.catch_up)
        if (ask := self.asks_later) is not None:
            self.asks_later = None
            self.call_after_refresh(ask)

    # -- actions -----------------------------------------------------------------------------------

    async def action_run(self, action_id: str) -> None:
        """Run an action of the registry where it belongs: the app, a table, or this screen.

        It is what a click on the footer does.
        """
        entry = action(action_id)
        target: DOMNode = self
        if entry.scope in ("global", "replay"):
            target = self.app
        elif entry.scope == "table":
            target = self._table_of_actions() or self
        await self.app.run_action(entry.call, default_namespace=target)


def may_ask(screen: ConsoleScreen, what: str) -> bool:
    """Whether a screen is still in view, for a question that took time to find; says if not."""
    if screen.console.screen is screen:
        return True
    text = f"{what}: not asked, another question or screen is in view."
    screen.console.notify(text, severity="warning", timeout=4, markup=False)
    return False


def ask_in_view(screen: ConsoleScreen, what: str, ask: Callable[[], None]) -> None:
    """Ask now, or when a screen is in view again: what took long to find is not thrown away.

    `what` is asked, for the words that say so meanwhile. With another question over the screen it
    is not asked, as `may_ask` has it: that may be the same, asked for twice.
    """
    if screen.console.navigation.shown is screen:
        if may_ask(screen, what):
            ask()
        return
    screen.asks_later = ask
    text = f"{what}: looked at. You are asked when you are back where you chose it."
    screen.console.notify(text, timeout=6, markup=False)
