"""What an instance needs of its host, wherever its XML says it."""

from __future__ import annotations

import pytest

from core.migration.preflight.facts import PathFacts
from core.model import Level
from core.xml.host_paths import PathKind
from core.xml.needs import Needs, read_needs
from tests.places import DATA_DIRECTORY
from tests.unit.preflight_builders import destination, facts, judged, source, xml_of

DATA = DATA_DIRECTORY / "xml"
EVERYTHING = (DATA / "host-paths.xml").read_text()


@pytest.fixture(scope="module")
def needs() -> Needs:
    return read_needs(EVERYTHING)


def test_what_it_boots_with(needs: Needs) -> None:
    assert needs.boot_files == (
        "/boot/kernel", "/boot/initrd", "/boot/dtb", "/boot/shim", "/acpi/1", "/acpi/2",
    )  # fmt: skip
    assert (needs.nvram, needs.nvram_template) == ("/vars/a.fd", "/fw/VARS.fd")


@pytest.mark.parametrize(
    ("nvram", "path"),
    [
        ("<nvram>/vars/b.fd</nvram>", "/vars/b.fd"),
        ("<nvram type='block'><source dev='/dev/vars'/></nvram>", "/dev/vars"),
        ("<varstore template='/fw/vars.json' path='/vars/c.json'/>", "/vars/c.json"),
        ("<nvram type='network'><source protocol='nbd' name='x'/></nvram>", ""),
    ],
)
def test_firmware_variables_wherever_they_are(nvram: str, path: str) -> None:
    assert read_needs(f"<domain><os>{nvram}</os></domain>").nvram == path


def test_numbers_of_its_host(needs: Needs) -> None:
    assert needs.cpus == (1, 2, 61, 62, 63)
    assert needs.cells == (4, 5, 6)
    assert needs.cid == 7
    assert read_needs(EVERYTHING.replace('auto="no"', 'auto="yes"')).cid is None


def test_every_path_of_its_host(needs: Needs) -> None:
    found = {kind: [e.path for e in needs.host_paths if e.kind is kind] for kind in PathKind}
    assert sorted(found[PathKind.FILE]) == sorted(
        [
            *needs.boot_files, "/fw/entry", "/dev/limited", "/ceph/conf", "/keys/id", "/keys/known",
            "/share", "/dev/vhost-vdpa-1", "/dev/net/tun9", "/dev/vhost-net9", "/dev/ttyS9",
            "/pipes/a", "/etc/pki", "/dev/input/event1", "/dev/input/event2",
            "/dev/dri/renderD128", "/dev/dri/renderD129", "/dev/dsp0", "/dev/dsp1", "/dev/sdz",
            "/dev/misc", "/dev/hwrng", "/leases/a", "/roms/nic", "/home/a/.Xauthority",
            "/run/user/9", "/dev/shared", "/etc/pki/three",
        ]
    )  # fmt: skip
    assert sorted(found[PathKind.SOCKET]) == [
        "/s/agent", "/s/blk", "/s/channel", "/s/egd", "/s/pr", "/s/redir", "/s/shmem", "/s/tpm",
        "/s/vhost-client", "/s/virtiofsd",
    ]  # fmt: skip
    assert sorted(found[PathKind.PROGRAM]) == ["/etc/down", "/etc/up", "/opt/virtiofsd"]
    assert sorted(needs.logs) == [
        "/logs/audio/a.wav", "/logs/passt/log", "/logs/pstore/a", "/logs/pty/2", "/logs/serial/1",
    ]  # fmt: skip


def test_every_image_and_data_file_of_its_disks(needs: Needs) -> None:
    images = ("/i/a.qcow2", "/i/a.raw", "/dev/base", "/i/base.qcow2", "/dev/vhost-vdpa-0")
    assert [path for path in needs.paths if path in images] == list(images)
    assert {"/vars/a.fd", "/dev/dax0.0", "/opt/virtiofsd"} < set(needs.paths)
    assert not {"/s/tpm", "/logs/pty/2", "/dev/urandom"} & set(needs.paths)


def test_what_it_names_of_its_host_by_name(needs: Needs) -> None:
    assert needs.networks == ("lan", "management")
    assert needs.filters == ("clean-traffic",)
    assert needs.command_line
    devices = [each.device for each in needs.host_devices]
    assert devices == ["/dev/sdz", "/dev/misc", "pci_0000_01_00_0"]


def test_secrets_outside_of_devices() -> None:
    secret = "<encryption format='luks'><secret type='passphrase' uuid='AA'/></encryption>"
    nvram = f"<nvram type='file'><source file='/v'>{secret}</source></nvram>"
    assert read_needs(f"<domain><os>{nvram}</os></domain>").secrets == ("aa",)


LATER = """<filesystem type='mount'><driver type='virtiofs'/><binary path='/opt/virtiofsd'/>
<source socket='/s/fs'/><target dir='t'/></filesystem>
<interface type='bridge'><mac address='52:54:00:00:00:09'/><source bridge='br0'/>
<filterref filter='mine'/></interface><vsock><cid address='9'/></vsock>
<input type='evdev'><source dev='/dev/input/event7'/></input>"""


def test_the_preflight_looks_for_all_of_it() -> None:
    seen = facts(
        source(xml_of(LATER)),
        destination(filters=("yours",), paths=(PathFacts("/opt/virtiofsd", False),)),
    )
    found = judged(seen=seen)
    assert found["file-virtiofsd"].level is Level.BLOCKER
    assert "/opt/virtiofsd, its virtiofsd" in found["file-virtiofsd"].text
    assert "/dev/input/event7" in found["files"].text
    assert "Whether anybody listens at /s/fs" in found["socket-fs"].text
    assert found["filter-mine"].level is Level.BLOCKER
    assert "vsock address 9" in found["vsock"].text


def test_arguments_of_its_own_are_doubtful() -> None:
    arguments = "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg/>"
    xml = xml_of().replace("</domain>", f"{arguments}</q:commandline></domain>")
    assert judged(seen=facts(source(xml)))["command-line"].level is Level.UNKNOWN
