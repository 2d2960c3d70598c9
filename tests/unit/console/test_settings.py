"""The configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cli.live import link_options
from console.glyphs import ASCII
from console.settings import Settings
from core.errors import SettingsError
from core.model.connected_volume import VolumeConnecting

FULL = """
read_only = true
journal = "~/ops.sqlite"

[hosts]
alpha = "qemu+ssh://alpha/system"
beta = "qemu:///session"

[display]
theme = "light"
refresh_rate = 3
glyphs = "ascii"

[link]
stats_interval = 1.5
keepalive_interval = 2
keepalive_count = 4
share_ssh = false

[keymap]
"power.start" = ["O"]
"""


def test_nothing_configured_means_the_defaults(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    settings = Settings.load(environment={})
    assert settings == Settings()
    assert settings.named_hosts == []
    assert settings.link.stats_interval == 2
    assert (settings.link.keepalive_interval, settings.link.keepalive_count) == (5, 3)
    assert settings.journal_path is None


def test_a_full_file(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text(FULL)
    settings = Settings.load(path, {})
    assert settings.read_only
    assert settings.named_hosts == [
        ("alpha", "qemu+ssh://alpha/system"),
        ("beta", "qemu:///session"),
    ]
    assert settings.display.theme == "light"
    assert settings.refresh_rate({}) == 3
    assert settings.glyph_set({}) is ASCII
    assert settings.link.keepalive_count == 4
    assert not settings.link.share_ssh
    assert link_options(Settings()).share_ssh
    assert not link_options(settings).share_ssh
    assert settings.keys == {"power.start": ("O",)}
    assert settings.journal_path == Path.home() / "ops.sqlite"
    assert Settings.load(environment={"VIRTDECK_CONFIG": str(path)}) == settings


def test_hosts_may_be_a_list():
    settings = Settings.parse('hosts = ["test:///default"]', "c")
    assert settings.named_hosts == [("", "test:///default")]


def test_hosts_connect_volumes_as_it_is_set_for_them():
    text = (
        '[hosts]\nalpha = "test:///default"\n[volumes.alpha]\nmultipath = true\n'
        'scan_attempts = 5\n[volumes."*"]\npython = "/opt/python"'
    )
    assert Settings.parse(text, "c").connecting == {
        "alpha": VolumeConnecting(multipath=True, scan_attempts=5),
        "*": VolumeConnecting(python="/opt/python"),
    }
    assert Settings().connecting == {}


def test_groups_are_names_of_hosts():
    text = '[hosts]\nalpha = "test:///default"\n[groups]\nprod = ["alpha"]\nspare = []'
    assert Settings.parse(text, "c").groups == {"prod": ["alpha"], "spare": []}


@pytest.mark.parametrize(
    ("text", "words", "cure"),
    [
        ('[hosts]\nalpha = "test:///default"\n[groups]\nprod = ["alpa"]',
         "key 'groups.prod': there is no host 'alpa' in [hosts].", "Did you mean 'alpha'?"),
        ('[hosts]\nalpha = "test:///default"\n[groups]\nprod = ["zz"]', "'zz'", "Known: alpha."),
        ('hosts = ["test:///default"]\n[groups]\nprod = ["alpha"]', "'alpha'",
         "Name them in [hosts]."),
        ('[hosts]\nalpha = "test:///default"\n[volumes.alpa]', "no host 'alpa' in [hosts].",
         "Did you mean 'alpha'?"),
        ('[volumes."*"]\nenforce_multipath = true', "multipath is off there", "multipath = true"),
        ('[volumes."*"]\npython = "-c"', "that is no program", "/opt/os-brick/bin/python"),
        ('[groups]\n"two words" = []', "'two words' is no name for a group", "without blanks"),
    ],
)  # fmt: skip
def test_a_group_of_a_host_that_is_not_there_is_said(text: str, words: str, cure: str):
    with pytest.raises(SettingsError) as caught:
        Settings.parse(text, "c")
    assert words in caught.value.message
    assert cure in caught.value.hint


def test_refreshes_are_rarer_over_ssh():
    assert Settings().refresh_rate({}) == 5
    assert Settings().refresh_rate({"SSH_CONNECTION": "1 2 3 4"}) == 2


@pytest.mark.parametrize(
    ("text", "words", "cure"),
    [
        ("hosts = [", "not valid TOML", "Mend that line"),
        ("a = 1\nb = = 2", "line 2", ""),
        ('[display]\ntheem = "x"', "line 2 has the unknown key 'display.theem'", "'theme'"),
        ("[displya]", "unknown key 'displya'", "'display'"),
        ("zzz = 1", "unknown key 'zzz'", "Known keys: hosts"),
        ("[link]\n\nstats_interval = 0.01", "line 3, key 'link.stats_interval'", ""),
        ('[link]\nkeepalive_count = "3"', "expected a whole number, got text", ""),
        ('[display]\ncolours = "red"', "'red' is not a choice", "'truecolor'"),
        ("hosts = 3", "key 'hosts': expected a table or a list", ""),
        ('hosts = ["alpha"]', "'alpha' is not a libvirt URI", "qemu+ssh://"),
        ('journal = "a\\u0000b"', "key 'journal': the file's name contains control", "a file"),
        ('[keymap]\n"power.strt" = "x"', "unknown action 'power.strt'", "power.start"),
    ],
)
def test_a_bad_file_gives_one_sentence_and_the_cure(tmp_path: Path, text, words, cure):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        Settings.load(path, {})
    assert str(path) in caught.value.message
    assert words in caught.value.message
    assert cure in caught.value.hint
    assert caught.value.hint
    assert caught.value.exit_status == 2


def test_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(SettingsError, match="does not exist"):
        Settings.load(tmp_path / "nowhere.toml", {})
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.load(tmp_path, {})
    (tmp_path / "latin.toml").write_bytes(b'journal = "\xe9"')
    with pytest.raises(SettingsError, match="not UTF-8"):
        Settings.load(tmp_path / "latin.toml", {})


@given(st.text(max_size=60))
def test_any_text_is_settings_or_a_settings_error(text):
    message = ""
    try:
        Settings.parse(text, "The file")
    except SettingsError as error:
        message = error.message
    assert not message or message.startswith("The file")
    assert "\n" not in message
