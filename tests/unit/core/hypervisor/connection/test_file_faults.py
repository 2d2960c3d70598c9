"""What libvirt 9.0 and QEMU 7.2 wrote of files and folders of a host, in an operator's words."""

from __future__ import annotations

import pytest

from core.hypervisor.connection.file_faults import of_file

MAKE = "Make the folder there first, or choose another one."


@pytest.mark.parametrize(
    ("text", "what", "cure"),
    [
        (
            "cannot open directory '/no/where': No such file or directory",
            "There is no folder /no/where on alpha.",
            MAKE,
        ),
        (
            "cannot open directory '/etc/passwd': Not a directory",
            "/etc/passwd on alpha is not a folder.",
            "Choose one that is.",
        ),
        (
            "cannot open directory '/root/x': Permission denied",
            "libvirt on alpha may not read /root/x.",
            "choose another place",
        ),
        (
            "failed to create copy target: No such file or directory",
            "There is no folder on alpha for the file to be written.",
            MAKE,
        ),
        (
            "Failed to create file '/no/x': No such file or directory",
            "There is no folder /no on alpha: /no/x cannot be written.",
            MAKE,
        ),
        (
            "Failed to create file '/root/x': Permission denied",
            "libvirt on alpha may not write /root/x.",
            "choose another place",
        ),
        ("Failed to create file '/tmp': Is a directory", "/tmp on alpha is a folder", "in it"),
        (
            "Failed to create file '/usr/x': Read-only file system",
            "/usr/x cannot be written: its file system on alpha is read-only.",
            "Choose another place.",
        ),
        (
            "Cannot access storage file '/no.qcow2' (as uid:65534, gid:65534): No such file or "
            "directory",
            "There is no file /no.qcow2 on alpha.",
            "Put it there, or name another.",
        ),
        (
            "internal error: qemu unexpectedly closed the monitor: qemu: could not open kernel "
            "file '/no/kernel': No such file or directory",
            "There is no file /no/kernel on alpha.",
            "Put it there, or name another.",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_the_cure(text: str, what: str, cure: str) -> None:
    found = of_file(text, "alpha")
    assert found is not None
    assert found[0].startswith(what)
    assert cure in found[1]


@pytest.mark.parametrize(
    "text",
    [
        "Failed to connect socket to '/run/libvirt/libvirt-sock': No such file or directory",
        "unable to connect to server at 'beta:49152': Connection refused",
        "internal error: Unknown CPU model nothing",
        "guest agent command failed: Failed to execute child process: No such file or directory",
    ],
)
def test_what_tells_of_no_file_stays_as_it_is(text: str) -> None:
    assert of_file(text, "alpha") is None


def test_a_path_is_shown_without_its_controls_and_not_in_full() -> None:
    found = of_file(f"Failed to create file '/{'x' * 4000}\x1b[2J': Is a directory", "alpha")
    assert found is not None
    assert found[0].isprintable()
    assert len(found[0]) < 400
