"""Answers of virDomainGetGuestInfo, as libvirt 9.0 and qemu-ga 7.2 gave them; and nonsense."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.hypervisor.observe.guest_info import guest_info_of
from core.model.guest import GuestFileSystem, GuestInfo, GuestUser

SMALL: dict[str, Any] = {
    "user.count": 0,
    "os.id": "virtdeck",
    "os.name": "virtdeck guest",
    "os.pretty-name": "virtdeck lab guest",
    "os.machine": "x86_64",
    "os.kernel-release": "6.1.0-56-cloud-amd64",
    "timezone.name": "UTC",
    "timezone.offset": 0,
    "hostname": "obedient",
    "if.count": 1,
    "if.0.name": "lo",
}
MORE: dict[str, Any] = {
    "user.count": 2,
    "user.0.name": "op",
    "user.0.login-time": 1_700_000_000_500,
    "user.1.name": "Administrator",
    "user.1.domain": "DECK",
    "fs.count": 2,
    "fs.0.name": "vda1",
    "fs.0.mountpoint": "/",
    "fs.0.fstype": "ext4",
    "fs.0.total-bytes": 1000,
    "fs.0.used-bytes": 250,
    "fs.0.disk.count": 1,
    "fs.0.disk.0.alias": "vda",
    "fs.1.mountpoint": "/srv",
    "fs.1.fstype": "nfs",
    "fs.1.disk.count": 0,
}
KEYS = st.sampled_from([*SMALL, *MORE])


def test_what_an_agent_tells_is_read() -> None:
    assert guest_info_of(SMALL) == GuestInfo(
        system="virtdeck lab guest",
        kernel="6.1.0-56-cloud-amd64",
        host_name="obedient",
        time_zone="UTC",
        time_offset=0,
    )
    told = guest_info_of(MORE)
    assert told.users == (
        GuestUser("op", 1_700_000_000.5),
        GuestUser("Administrator", None, "DECK"),
    )
    assert told.file_systems == (
        GuestFileSystem("/", "ext4", ("vda",), 1000, 250),
        GuestFileSystem("/srv", "nfs"),
    )


def test_a_guest_may_say_anything_and_no_more_than_so_much_is_kept() -> None:
    told = guest_info_of({**MORE, "hostname": "a\x1b[2Jb\nc", "fs.count": 2**40})
    assert "\x1b" not in told.host_name
    assert "\n" not in told.host_name
    assert len(told.file_systems) <= 256


@given(st.dictionaries(KEYS, st.one_of(st.text(), st.integers(), st.none(), st.booleans())))
def test_nothing_it_says_is_an_error(told: dict[str, Any]) -> None:
    assert isinstance(guest_info_of(told), GuestInfo)
