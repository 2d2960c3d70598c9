"""What the command line says of odd hosts, names and URIs, on real libvirt."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.driver.command import Virtdeck
from tests.driver.worlds import instance_xml


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_banner_before_libvirts_stream_is_named_with_its_cure(
    virtdeck: Virtdeck, tmp_path: Path
) -> None:
    greeting = script(tmp_path / "greeting", "echo 'Welcome, all of you'; exec cat > /dev/null")
    result = virtdeck("-c", f"odd=qemu+ext:///system?command={greeting}", "hosts")
    assert result.status == 3
    assert "it begins with 'Welc'" in result.err
    assert "command=" in result.err


def test_a_parameter_that_does_nothing_is_said_by_every_command(
    virtdeck: Virtdeck, tmp_path: Path
) -> None:
    ssh = script(tmp_path / "ssh", "echo 'ssh: Could not resolve hostname' >&2; exit 255")
    uri = f"far=qemu+ssh://h/system?command={ssh}&known_hosts=/k"
    result = virtdeck("-c", uri, "hosts")
    assert result.status == 3
    assert "far: The parameter known_hosts= does nothing with the transport ssh" in result.err


def hosts(tmp_path: Path, *names: str) -> str:
    body = "".join(instance_xml(number, name) for number, name in enumerate(names))
    path = tmp_path / "world.xml"
    path.write_text(f"<node>{body}</node>", "utf-8")
    return f"alpha=test://{path}"


@pytest.mark.parametrize("command", ["show", "start", "pause"])
def test_a_name_with_a_leading_dash_goes_after_two(
    command: str, virtdeck: Virtdeck, tmp_path: Path
) -> None:
    uri = hosts(tmp_path, "-x", "--web")
    for name in ("-x", "--web"):
        refused = virtdeck("-c", uri, command, name)
        assert refused.status == 2
        assert f"goes after --: virtdeck {command} -- NAME" in refused.err
        assert virtdeck("-c", uri, command, "--", name).status != 2
        assert "No such option" not in virtdeck("-c", uri, command, "--", name).err


def test_a_name_that_only_looks_like_another_is_never_proposed_as_it_looks(
    virtdeck: Virtdeck, tmp_path: Path
) -> None:
    uri = hosts(tmp_path, "web\u202edb", "\u05d0\u05d1-one")
    for word in ("web\u202ddb", "webdb", "\u05d0\u05d1-on"):
        result = virtdeck("-c", uri, "show", word)
        assert result.status == 1
        sentence, _, cure = result.err.partition("\n")
        proposed = cure.partition("Did you mean ")[2].strip(" ?\n'")
        if proposed:
            assert proposed not in sentence
            assert virtdeck("-c", uri, "show", proposed).status != 1
