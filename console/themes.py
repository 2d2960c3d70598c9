"""Themes: palettes as TOML data, validated, turned into Textual themes and role styles.

A theme names colours and, for each role (what a piece of text means), a colour, a background
and attributes. State is never told by colour alone: every role has a word or glyph beside it,
and the monochrome theme uses attributes only. UI thread; files are read when loading only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import msgspec
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import Theme

from console.toml import decode_toml
from core import directories
from core.errors import SettingsError

DEFAULT_THEME = "virtdeck-dark"
"""The theme used when none is chosen and when the chosen one is broken."""

ROLES = (
    "running",
    "paused",
    "off",
    "crashed",
    "changing",
    "ok",
    "warning",
    "error",
    "muted",
    "strong",
    "mark",
    "cursor",
    "cursor-blur",
    "chart",
    "header",
    "header-sorted",
    "key",
)
"""What a piece of text may mean. Every theme styles every one of them."""

_ATTRIBUTES = frozenset({"bold", "dim", "italic", "reverse", "underline", "strike"})
_PREFIX = "virtdeck-"
_ANSI_VARIABLES = {"ansi-background": "ansi_default", "ansi-foreground": "ansi_default"}
"""What Textual's own style sheets need of a theme that keeps to the terminal's colours."""


class RoleLook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a role looks: colours as Textual reads them ("" = inherited), attributes as words."""

    color: str = ""
    background: str = ""
    style: str = ""


class ThemeColors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The base colours, with the names Textual gives them."""

    primary: str
    foreground: str
    background: str
    surface: str
    panel: str
    secondary: str | None = None
    accent: str | None = None
    success: str | None = None
    warning: str | None = None
    error: str | None = None
    boost: str | None = None


class ThemeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One theme file. `ansi` themes keep to the terminal's own 16 colours."""

    title: str
    colors: ThemeColors
    roles: dict[str, RoleLook]
    dark: bool = True
    ansi: bool = False
    variables: dict[str, str] = {}


@dataclass(frozen=True)
class Themes:
    """Every theme that loaded, by name, and a clear error for each file that did not."""

    by_name: Mapping[str, Theme]
    errors: tuple[SettingsError, ...]

    def choose(self, name: str) -> tuple[str, SettingsError | None]:
        """Return the theme to use for a wish, and what to tell the operator if it is not that."""
        for known in (name, _PREFIX + name):
            if known in self.by_name:
                return known, None
        broken = next((error for error in self.errors if f"'{name}'" in error.message), None)
        names = ", ".join(short_name(known) for known in self.by_name)
        unknown = SettingsError(f"There is no theme '{name}'.", f"Choose one of: {names}.")
        return DEFAULT_THEME, broken or unknown


def short_name(name: str) -> str:
    """The name an operator types for a theme: without the prefix that keeps it from Textual's."""
    return name.removeprefix(_PREFIX)


def user_theme_folder() -> Path:
    """Where an operator's own themes lie: `themes` in the configuration folder."""
    return directories.config() / "themes"


def load_themes(user_folder: Path | None = None) -> Themes:
    """Load the built-in themes and those of `user_folder` (default: `user_theme_folder`).

    Never raises for a user's file: a broken one is left out and reported in `errors`.
    """
    by_name: dict[str, Theme] = {}
    for entry in sorted(resources.files("themes").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            name = entry.name.removesuffix(".toml")
            by_name[_PREFIX + name] = parse_theme(name, entry.read_text("utf-8"), entry.name)
    errors = []
    folder = user_theme_folder() if user_folder is None else user_folder
    for path in sorted(folder.glob("*.toml")):
        try:
            text = path.read_text("utf-8")
            by_name[_PREFIX + path.stem] = parse_theme(path.stem, text, str(path))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            errors.append(
                SettingsError(
                    f"The theme '{path.stem}' ({path}) cannot be read: {reason}.",
                    "Make it a readable text file, or remove it.",
                )
            )
        except SettingsError as error:
            errors.append(error)
    return Themes(by_name, tuple(errors))


def parse_theme(name: str, text: str, source: str) -> Theme:
    """Turn a theme file's text into a Textual theme; `source` names the file in errors.

    Raises SettingsError with the file, the key and the cure.
    """
    what = f"The theme '{name}' ({source})"
    theme = decode_toml(text, ThemeFile, what)
    _check_roles(theme, what)
    for key, value in theme.variables.items():
        _check_variable(value, f"{what}, key 'variables.{key}'")
    variables = {**(_ANSI_VARIABLES if theme.ansi else {}), **theme.variables}
    for role in ROLES:
        look = theme.roles[role]
        variables[f"role-{role}"] = look.color or theme.colors.foreground
        variables[f"role-{role}-background"] = look.background or "transparent"
        variables[f"role-{role}-style"] = look.style or "none"
    colors = {
        field: value for field, value in msgspec.structs.asdict(theme.colors).items() if value
    }
    for key, value in colors.items():
        _check_color(value, f"{what}, key 'colors.{key}'")
    return Theme(
        name=_PREFIX + name, dark=theme.dark, ansi=theme.ansi, variables=variables, **colors
    )


def _check_roles(theme: ThemeFile, what: str) -> None:
    missing = [role for role in ROLES if role not in theme.roles]
    if missing:
        raise SettingsError(
            f"{what} lacks the role '{missing[0]}'.",
            f"Add [roles.{missing[0]}] with color, background or style (copy a built-in theme).",
        )
    unknown = [role for role in theme.roles if role not in ROLES]
    if unknown:
        raise SettingsError(
            f"{what} has the unknown role '{unknown[0]}'.", f"Roles are: {', '.join(ROLES)}."
        )
    for role, look in theme.roles.items():
        for key in ("color", "background"):
            if value := getattr(look, key):
                _check_color(value, f"{what}, key 'roles.{role}.{key}'")
        wrong = [word for word in look.style.split() if word not in _ATTRIBUTES]
        if wrong:
            raise SettingsError(
                f"{what}, key 'roles.{role}.style': '{wrong[0]}' is not an attribute.",
                f"Use any of: {', '.join(sorted(_ATTRIBUTES))}.",
            )


def _check_color(value: str, where: str) -> None:
    try:
        Color.parse(value)
    except ColorParseError:
        raise SettingsError(
            f"{where}: '{value}' is not a colour.", "Write #rrggbb or a name such as ansi_green."
        ) from None


def _check_variable(value: str, where: str) -> None:
    """A variable is a colour, perhaps with an opacity, or attributes."""
    words = value.split()
    if not words or not all(word in _ATTRIBUTES | {"none", "not"} for word in words):
        _check_color(words[0] if words else "", where)
        if len(words) > 2 or not all(re.fullmatch(r"\d{1,3}%", word) for word in words[1:]):
            raise SettingsError(
                f"{where}: '{value}' is not a colour.", "Write a colour, or '#rrggbb 40%'."
            )


class Palette:
    """Role -> rich style, for widgets that draw their own lines. Immutable; UI thread."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._styles = {role: _role_style(variables, role) for role in ROLES}

    def style(self, role: str) -> Style:
        """The style of a role; an unknown or empty role changes nothing (a null style)."""
        return self._styles.get(role, _NULL)


_NULL = Style.null()


def _role_style(variables: Mapping[str, str], role: str) -> Style:
    words = variables.get(f"role-{role}-style", "none").split()
    colors = Style(
        color=_rich_color(variables.get(f"role-{role}", "")),
        bgcolor=_rich_color(variables.get(f"role-{role}-background", "")),
    )
    return colors + Style.parse(" ".join(word for word in words if word in _ATTRIBUTES))


def _rich_color(value: str) -> str | None:
    if not value or value == "transparent":
        return None
    color = Color.parse(value)
    return color.rich_color.name
