"""A text area for XML, in the colours of the theme. UI thread."""

from __future__ import annotations

from rich.style import Style
from textual import events
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from console.themes import Palette

_ROLES = {
    "tag": "chart",
    "property": "key",
    "string": "ok",
    "comment": "muted",
    "constant": "mark",
    "constant.builtin": "mark",
    "error": "error",
    "punctuation.delimiter": "muted",
    "operator": "muted",
    "markup.raw": "strong",
    "keyword": "changing",
}
"""What the grammar of XML calls a piece of it -> the role whose colour it has."""


class XmlArea(TextArea, inherit_bindings=True):
    """Tab indents by two blanks; escape is the screen's."""

    def __init__(self) -> None:
        super().__init__(
            language="xml",
            show_line_numbers=True,
            soft_wrap=False,
            tab_behavior="indent",
            compact=True,
        )
        self.indent_width = 2
        self.cursor_blink = False

    def on_mount(self) -> None:
        """Take the colours of the theme, and each time it is another."""
        self._take_theme()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._take_theme())

    def _on_key(self, event: events.Key) -> None:  # type: ignore[override]
        """Leave escape to the screen: Textual would move the focus."""
        if event.key == "escape":
            event.prevent_default()

    def put(self, text: str) -> None:
        """Have another text, which can be undone."""
        self.replace(text, (0, 0), self.document.end)
        self.move_cursor((0, 0))

    def go_to(self, line: int) -> None:
        """Put the cursor at the first sign of a line, from 1, in the middle of the view."""
        row = min(max(line - 1, 0), self.document.line_count - 1)
        text = self.document.get_line(row)
        self.move_cursor((row, len(text) - len(text.lstrip())), center=True)

    def _take_theme(self) -> None:
        variables = self.app.theme_variables
        palette = Palette(variables)
        styles = {name: _bare(palette.style(role)) for name, role in _ROLES.items()}
        name = f"xml-{self.app.theme}"
        self.register_theme(TextAreaTheme(name, syntax_styles=styles))
        self.theme = name


def _bare(style: Style) -> Style:
    """Return a style without its background: the line of the cursor has its own."""
    return (
        style.without_color
        if style.color is None
        else Style(
            color=style.color, bold=style.bold, italic=style.italic, underline=style.underline
        )
    )
