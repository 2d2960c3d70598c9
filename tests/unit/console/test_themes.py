"""The themes: complete, legible in true colour and in 16 colours, and safe to write by hand."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import Theme

from console.themes import DEFAULT_THEME, ROLES, Palette, load_themes, parse_theme
from core.errors import SettingsError

THEMES = load_themes(Path("/nonexistent")).by_name
COLOURED = sorted(set(THEMES) - {"virtdeck-monochrome"})
DARK = resources.files("themes").joinpath("dark.toml").read_text("utf-8")


def test_the_five_themes_are_there():
    assert sorted(THEMES) == [
        "virtdeck-colour-blind-safe",
        "virtdeck-dark",
        "virtdeck-high-contrast",
        "virtdeck-light",
        "virtdeck-monochrome",
    ]
    assert DEFAULT_THEME in THEMES


def colours(theme: Theme, role: str) -> tuple[Color, Color]:
    """Foreground and background a role is drawn with."""
    variables = theme.variables
    background = variables[f"role-{role}-background"]
    return (
        Color.parse(variables[f"role-{role}"]),
        Color.parse(str(theme.background) if background == "transparent" else background),
    )


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2."""

    def luminance(color: Color) -> float:
        parts = [
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
            for part in color.normalized
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", COLOURED)
def test_every_role_can_be_read(name, role):
    least = 7.0 if "high-contrast" in name else 4.5
    assert contrast(*colours(THEMES[name], role)) >= least


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", COLOURED)
def test_every_role_can_be_read_in_16_colours(name, role):
    front, back = (
        RichColor.parse(color.hex6).downgrade(ColorSystem.STANDARD)
        for color in colours(THEMES[name], role)
    )
    assert front.number != back.number
    triplets = [Color(*color.get_truecolor()) for color in (front, back)]
    assert contrast(*triplets) >= 2.5


def test_the_cursor_differs_from_the_background_in_16_colours():
    for name in COLOURED:
        for role in ("cursor", "cursor-blur"):
            _, back = colours(THEMES[name], role)
            plain = Color.parse(str(THEMES[name].background))
            numbers = {
                RichColor.parse(color.hex6).downgrade(ColorSystem.STANDARD).number
                for color in (back, plain)
            }
            assert len(numbers) == 2, (name, role)


def test_monochrome_has_no_colour_and_tells_states_apart_by_attributes():
    theme = THEMES["virtdeck-monochrome"]
    assert theme.ansi
    for key, value in theme.to_color_system().generate().items():
        if key.startswith(("role-", "block-", "border", "scrollbar", "primary", "footer", "text")):
            assert "ansi_" not in value or "ansi_default" in value, key
    palette = Palette(theme.variables)
    styles = {role: str(palette.style(role).without_color) for role in ROLES}
    states = [styles[role] for role in ("running", "paused", "off", "crashed", "changing")]
    assert len(set(states)) == len(states)
    assert "reverse" in styles["cursor"]


def test_a_palette_knows_colours_and_attributes():
    style = Palette(THEMES["virtdeck-dark"].variables).style("cursor")
    assert style.bold
    assert style.bgcolor is not None
    assert Palette(THEMES["virtdeck-dark"].variables).style("no such role").color is None
    assert Palette({}).style("running").color is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("title =", "titel =", "unknown key 'titel'"),
        ('running = { color = "#5fd787" }', "", "lacks the role 'running'"),
        ("running =", "runing =", "lacks the role 'running'"),
        ("[roles]", "[roles]\nblinking = {}", "unknown role 'blinking'"),
        ('color = "#5fd787"', 'color = "greenish"', "'greenish' is not a colour"),
        ('style = "bold"', 'style = "blink"', "'blink' is not an attribute"),
        ('primary = "#4fa3e0"', 'primary = "#4fa3e"', "key 'colors.primary'"),
        ("dark = true", "dark = 1", "key 'dark'"),
        ("[colors]", "[colors", "not valid TOML"),
        ("[roles]", '[variables]\nborder = "zzz"\n[roles]', "key 'variables.border'"),
        ("[roles]", '[variables]\nborder = ""\n[roles]', "key 'variables.border'"),
        ("[roles]", '[variables]\nborder = "red; x"\n[roles]', "key 'variables.border'"),
    ],
)
def test_a_broken_theme_is_explained(old, new, words):
    with pytest.raises(SettingsError) as caught:
        parse_theme("mine", DARK.replace(old, new, 1), "/x/mine.toml")
    assert words in caught.value.message
    assert "/x/mine.toml" in caught.value.message
    assert caught.value.hint


def test_a_broken_user_theme_costs_only_itself(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(DARK.replace("Dark", "Mine", 1))
    (tmp_path / "broken.toml").write_text("title = 3")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    themes = load_themes(tmp_path)
    assert "virtdeck-mine" in themes.by_name
    assert len(themes.errors) == 2
    assert all(error.hint and "Errno" not in error.message for error in themes.errors)
    assert themes.choose("mine") == ("virtdeck-mine", None)
    chosen, error = themes.choose("broken")
    assert chosen == DEFAULT_THEME
    assert error is not None
    assert "title" in error.message
    chosen, error = themes.choose("drak")
    assert chosen == DEFAULT_THEME
    assert error is not None
    assert "dark" in error.hint
