"""The directories of a user, by the XDG base directory specification."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import directories

CASES = [
    (directories.config, "XDG_CONFIG_HOME", ".config"),
    (directories.state, "XDG_STATE_HOME", ".local/state"),
    (directories.cache, "XDG_CACHE_HOME", ".cache"),
]


@pytest.mark.parametrize(("directory", "variable", "usual"), CASES)
def test_a_directory_is_where_its_variable_says_or_in_the_home(
    directory, variable: str, usual: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv(variable, "/data")
    assert directory() == Path("/data/virtdeck")
    for ignored in ("", "relative/path"):
        monkeypatch.setenv(variable, ignored)
        assert directory() == Path("/home/ann", usual, "virtdeck")
    monkeypatch.delenv(variable)
    assert directory() == Path("/home/ann", usual, "virtdeck")


def test_the_session_s_directory_or_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert directories.runtime() == Path("/run/user/7/virtdeck")
    for ignored in ("", "relative/path"):
        monkeypatch.setenv("XDG_RUNTIME_DIR", ignored)
        assert directories.runtime() == Path("/home/ann/.cache/virtdeck")


def test_a_user_without_a_home_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container runs with a user id that no password database knows."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)

    def unknown(*_: object) -> None:
        raise KeyError("uid not found")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert directories.state() == Path("/.local/state/virtdeck")
