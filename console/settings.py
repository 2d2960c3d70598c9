"""The configuration file: TOML, typed, with errors that name the file, the line and the cure.

Read once at start-up, on the thread that starts the console or the command line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from console.glyphs import ASCII, UNICODE, Glyphs, glyphs_for
from console.toml import decode_toml
from core import directories
from core.errors import SettingsError
from core.model.connected_volume import EVERY_HOST, VolumeConnecting
from core.model.text import did_you_mean

if TYPE_CHECKING:
    from console.actions.keymap import Keymap

CONFIG_VARIABLE = "VIRTDECK_CONFIG"
"""The environment variable that names another configuration file."""

LOCAL_RATE = 5.0
REMOTE_RATE = 2.0
"""Screen refreshes a second at most, on a local terminal and over SSH."""


COLOURLESS = "monochrome"
"""The theme without colours: it tells by attributes what the others tell by colour."""


class DisplaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[display]`: how the console looks."""

    theme: str = "dark"
    refresh_rate: Annotated[float, msgspec.Meta(ge=0.2, le=30)] | None = None
    """Refreshes a second at most; unset: 5, over SSH 2."""
    glyphs: Literal["auto", "unicode", "ascii"] = "auto"
    colours: Literal["auto", "truecolor", "256", "16", "none"] = "auto"
    mouse: bool = True


class LinkSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[link]`: how hosts are watched. A hung one is noticed after interval x (count + 1)."""

    stats_interval: Annotated[float, msgspec.Meta(ge=0.5, le=3600)] = 2.0
    """Seconds between two bulk statistics calls to a host."""
    keepalive_interval: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 5
    """Seconds between two keepalive messages."""
    keepalive_count: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    """Unanswered messages after which a link is dead."""
    share_ssh: bool = True
    """Whether all connections to a host share one of ssh, where ~/.ssh/config does not say."""


class VolumeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[volumes.HOST]`: how a host connects the volumes of a SAN; `[volumes."*"]`: every other."""

    multipath: bool = False
    """Over all paths there are."""
    enforce_multipath: bool = False
    """Refuse where the host has no multipath, instead of taking one path."""
    scan_attempts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    """How often its devices are looked through for a volume."""
    python: str = ""
    """What has os-brick there."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything an operator can configure; the defaults are what no file means."""

    hosts: list[str] | dict[str, str] = msgspec.field(default_factory=list)
    """libvirt URIs, or a table of names and URIs."""
    groups: dict[str, list[str]] = msgspec.field(default_factory=dict)
    """Names of hosts by the name of their group, which the filter `group:` understands."""
    volumes: dict[str, VolumeSettings] = msgspec.field(default_factory=dict)
    """By the name of a host; `*` stands for every one that is not named."""
    read_only: bool = False
    journal: str = ""
    """Where operations are kept; "" is the default place."""
    display: DisplaySettings = DisplaySettings()
    link: LinkSettings = LinkSettings()
    keymap: dict[str, str | list[str]] = msgspec.field(default_factory=dict)
    """Action id -> key or keys; `keys` gives it checked."""

    @classmethod
    def load(
        cls, path: Path | None = None, environment: Mapping[str, str] = os.environ
    ) -> Settings:
        """Read the file `path`, else the one VIRTDECK_CONFIG names, else the default one.

        The default file may be missing; a named one may not. Raises SettingsError.
        """
        named = path or (Path(value) if (value := environment.get(CONFIG_VARIABLE)) else None)
        chosen = named or default_path()
        try:
            text = chosen.expanduser().read_text("utf-8")
        except FileNotFoundError:
            if named is None:
                return cls()
            raise SettingsError(
                f"The configuration file {chosen} does not exist.",
                "Create it, or leave out the option (or variable) that names it.",
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SettingsError(
                f"The configuration file {chosen} cannot be read: {reason}.",
                "Make it a readable text file.",
            ) from None
        return cls.parse(text, f"The configuration file {chosen}")

    @classmethod
    def parse(cls, text: str, what: str) -> Settings:
        """Read settings from TOML text; `what` opens error sentences. Raises SettingsError."""
        settings = decode_toml(text, cls, what)
        try:
            _ = settings.keys
        except SettingsError as error:
            raise SettingsError(f"{what}: {error.message}", error.hint) from None
        if not settings.journal.isprintable():
            raise SettingsError(
                f"{what}, key 'journal': the file's name contains control characters.",
                "Write the path of a file.",
            )
        for name, uri in settings.named_hosts:
            if ":" not in uri:
                raise SettingsError(
                    f"{what}, key 'hosts': '{uri or name}' is not a libvirt URI.",
                    "Write one such as qemu:///system or qemu+ssh://user@host/system.",
                )
        settings._check_groups(what)
        settings._check_volumes(what)
        return settings

    def _check_groups(self, what: str) -> None:
        known = [name for name, _ in self.named_hosts if name]
        for group, members in self.groups.items():
            if not group or any(character.isspace() for character in group):
                raise SettingsError(
                    f"{what}, key 'groups': '{group}' is no name for a group.",
                    "Use one without blanks, as the filter takes it: group:NAME.",
                )
            for member in members:
                if member not in known:
                    listed = f"Known: {', '.join(known)}." if known else "Name them in [hosts]."
                    raise SettingsError(
                        f"{what}, key 'groups.{group}': there is no host '{member}' in [hosts].",
                        did_you_mean(member, known) or listed,
                    )

    def _check_volumes(self, what: str) -> None:
        known = [name for name, _ in self.named_hosts if name]
        for host, of_host in self.volumes.items():
            if host not in (*known, EVERY_HOST):
                listed = f"Known: {', '.join(known)}." if known else "Name them in [hosts]."
                raise SettingsError(
                    f"{what}, key 'volumes.{host}': there is no host '{host}' in [hosts].",
                    did_you_mean(host, known) or listed,
                )
            if not of_host.python.isprintable() or of_host.python.startswith("-"):
                raise SettingsError(
                    f"{what}, key 'volumes.{host}.python': that is no program.",
                    "Write the path of a Python, such as /opt/os-brick/bin/python.",
                )
            if of_host.enforce_multipath and not of_host.multipath:
                raise SettingsError(
                    f"{what}, key 'volumes.{host}.enforce_multipath': multipath is off there.",
                    "Set multipath = true beside it, or leave it out.",
                )

    @property
    def connecting(self) -> dict[str, VolumeConnecting]:
        """How hosts connect volumes, for `Fleet.open`."""
        return {
            host: msgspec.convert(msgspec.to_builtins(one), VolumeConnecting)
            for host, one in self.volumes.items()
        }

    @property
    def keys(self) -> Keymap:
        """The keymap, checked when the file was read."""
        if not self.keymap:  # checking keys imports Textual, which most commands never need
            return {}
        from console.actions.keymap import read_keymap

        return read_keymap(self.keymap)

    @property
    def named_hosts(self) -> list[tuple[str, str]]:
        """(name, URI) of every configured host; the name is "" where the file gives none."""
        if isinstance(self.hosts, dict):
            return list(self.hosts.items())
        return [("", uri) for uri in self.hosts]

    @property
    def journal_path(self) -> Path | None:
        """Where the journal is wanted; None: the default place."""
        return Path(self.journal).expanduser() if self.journal else None

    def refresh_rate(self, environment: Mapping[str, str] = os.environ) -> float:
        """Screen refreshes a second at most."""
        if self.display.refresh_rate is not None:
            return self.display.refresh_rate
        return REMOTE_RATE if "SSH_CONNECTION" in environment else LOCAL_RATE

    def glyph_set(self, environment: Mapping[str, str] = os.environ) -> Glyphs:
        """The signs to draw with, for `console.glyphs.use_glyphs`."""
        fixed = {"unicode": UNICODE, "ascii": ASCII}
        return fixed.get(self.display.glyphs) or glyphs_for(environment)


def default_path() -> Path:
    """Where the configuration file is when nothing names another."""
    return directories.config() / "config.toml"
