"""The SAN's guest while it runs: a host reached by ssh, with what it gives out to itself.

Another of its kind may be on a wire with it, which gives out nothing: volumes move between the two.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.lab.account import current_account
from core.lab.image import ensure_image as ensure_guest_image
from core.lab.kvm import choose_accelerator
from core.volumes.brick.place import BrickHost, brick_host
from tests.patience import PATIENCE
from tests.san.image import PYTHON, SanImage
from tests.servers import PrivateServer, free_port

GUEST_FILES = Path(__file__).with_name("guest")
BOOTING = 60.0
"""Seconds until it is ready, emulated on an idle machine: 20 were measured."""
KERNEL_WORDS = "console=ttyS0 quiet net.ifnames=0 mitigations=off panic=-1"
_CONFIG = """
UserKnownHostsFile {directory}/known_hosts
GlobalKnownHostsFile /dev/null
IdentitiesOnly yes
IdentityAgent none
ControlMaster auto
ControlPath {directory}/shared
ControlPersist 600
"""
"""One connection for all commands: emulated, each greeting takes a second."""


class SanHost(PrivateServer):
    """The guest, from its start to the end of the `with`; it leaves nothing behind."""

    machine: tuple[str, ...] = ("-machine", "q35")
    kernel_words = ""
    name = "san"
    number = 1
    """On the wire, of its machine, and of what it is called by others."""
    initiator = "host"
    gives = "yes"
    """Whether it is a target too."""
    memory = 1536
    """MiB."""

    def __init__(self, image: SanImage, say: Callable[[str], None]) -> None:
        super().__init__("vdsan-")
        self.image, self._say = image, say
        self.port, self.wire = free_port(), free_port()

    @property
    def address(self) -> str:
        """Where the other host reaches it."""
        return f"10.9.8.{self.number}"

    @property
    def uri(self) -> str:
        """What libvirt in it is reached by."""
        return (
            f"qemu+ssh://root@127.0.0.1:{self.port}/system?keyfile={self.directory}/key"
            f"&command={self.directory}/ssh"
        )

    @property
    def brick(self) -> BrickHost:
        """Where os-brick runs: in it, as virtdeck starts it behind ssh."""
        return replace(brick_host(self.uri, PYTHON), name=self.name)

    def run(self, line: str) -> str:
        """Run a line of shell in it as root; returns what it printed. Raises AssertionError."""
        words = [f"{self.directory}/ssh", "-p", str(self.port), "-i", f"{self.directory}/key"]
        done = subprocess.run(
            [*words, "root@127.0.0.1", line], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.stderr or done.stdout}"
        return done.stdout.strip()

    def virsh(self, *words: str, deadline: float = 60.0) -> str:
        """Ask its libvirt; `deadline` in seconds of an idle machine. Returns what virsh printed."""
        command = ["virsh", "--quiet", "--connect", self.uri, *words]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=deadline * PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def end(self) -> None:
        """End the shared connection to it, and then the guest."""
        if (self.directory / "shared").exists():
            ended = [f"{self.directory}/ssh", "-O", "exit", "-p", str(self.port), "root@127.0.0.1"]
            subprocess.run(ended, capture_output=True, check=False)
        super().end()

    def _lay_out(self) -> None:
        """Write its keys, and the disk with what it runs: a tar."""
        directory = self.directory
        for name in ("key", "host_key"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name]
            subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
        known = f"[127.0.0.1]:{self.port} {(directory / 'host_key.pub').read_text()}"
        (directory / "known_hosts").write_text(known)
        (directory / "config").write_text(_CONFIG.format(directory=directory))
        (directory / "ssh").write_text(f'#!/bin/sh\nexec ssh -F {directory}/config "$@"\n')
        (directory / "ssh").chmod(0o755)
        with tarfile.open(directory / "brought", "w") as brought:
            _add(brought, "root/.ssh/authorized_keys", (directory / "key.pub").read_bytes(), 0o600)
            public = (directory / "host_key.pub").read_bytes()
            _add(brought, "etc/ssh/ssh_host_ed25519_key.pub", public, 0o644)
            key = (directory / "host_key").read_bytes()
            _add(brought, "etc/ssh/ssh_host_ed25519_key", key, 0o600)
            for path in GUEST_FILES.iterdir():
                _add(brought, f"san/{path.name}", path.read_bytes(), 0o755)
            for name, content in self._identity().items():
                _add(brought, name, content.encode(), 0o644)
            guest = ensure_guest_image(self._say)
            for path in (guest.kernel, guest.initramfs):
                _add(brought, f"san/guest/{path.name}", path.read_bytes(), 0o644)

    def _identity(self) -> dict[str, str]:
        """Return the files that tell it from the other host."""
        machine = self._uuid.replace("-", "")
        nqn = f"nqn.2014-08.org.nvmexpress:uuid:{self._uuid}"
        return {
            "san/host": f"name={self.name} address={self.address} initiator={self.initiator} "
            f"gives={self.gives}\n",
            "etc/hosts": "127.0.0.1 localhost\n10.9.8.1 san\n10.9.8.2 other\n",
            "etc/machine-id": f"{machine}\n",
            "etc/nvme/hostnqn": f"{nqn}\n",
            "etc/nvme/hostid": f"{self._uuid}\n",
        }

    @property
    def _uuid(self) -> str:
        return f"5a5a5a5a-5a5a-4a5a-8a5a-5a5a5a5a5a{self.number:02}"

    def _cards(self) -> list[str]:
        """Return its end of the wire to the other host, and the cards of Fibre Channel."""
        wire = f"socket,id=wire,listen=127.0.0.1:{self.wire}"
        return [*wired(wire, self.number), *_fibre("01", slot=0x10), *_fibre("02", slot=0x11)]

    def start(self) -> None:
        """Start it; returns when it is ready."""
        self._lay_out()
        program = shutil.which("qemu-system-x86_64")
        assert program, "QEMU is not installed: apt-get install qemu-system-x86"
        accelerator = "kvm" if self._has_kvm() else "tcg,thread=multi"
        console = f"file,id=console,path={self.directory}/log,append=on"
        guest = self.launch(
            *(program, "-accel", accelerator, *self.machine, "-cpu", "max", "-smp", "2"),
            *("-m", str(self.memory), "-uuid", self._uuid, "-nodefaults", "-no-user-config"),
            *("-display", "none", "-no-reboot", "-chardev", console, "-serial", "chardev:console"),
            *("-device", "virtio-rng-pci"),
            *("-kernel", str(self.image.kernel), "-initrd", str(self.image.initramfs)),
            *("-append", f"{KERNEL_WORDS} {self.kernel_words}"),
            *("-drive", f"file={self.image.disk},format=raw,if=virtio,snapshot=on"),
            *("-drive", f"file={self.directory}/brought,format=raw,if=virtio,readonly=on"),
            *("-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self.port}-:22"),
            *("-device", "virtio-net-pci,netdev=net"),
            *self._cards(),
            environment={**os.environ, "TMPDIR": str(self.directory)},
        )
        guest.wait_until(lambda: "san: ready" in self._said(), BOOTING)
        said = self._said()
        assert "could not be made" not in said, said
        self._say(said.strip().splitlines()[-1])

    def _has_kvm(self) -> bool:
        """Whether a guest boots on KVM here, as the lab finds it out."""
        guest = ensure_guest_image(self._say)
        with tempfile.TemporaryDirectory(prefix="vdsan-", dir="/tmp") as place:
            trial = Path(place)
            for path in (guest.kernel, guest.initramfs):
                shutil.copyfile(path, trial / path.name)
            trial.chmod(0o755)  # the lab's user reads them
            return choose_accelerator(current_account(), trial, self._say)[0] == "kvm"

    def _said(self) -> str:
        return (self.directory / "log").read_text(errors="replace")


class OtherHost(SanHost):
    """A host on the wire of the SAN's guest: an initiator, with a disk like its and of its own."""

    name = "other"
    number = 2
    initiator = "other"
    gives = "no"
    memory = 1024

    def __init__(self, san: SanHost, say: Callable[[str], None]) -> None:
        super().__init__(san.image, say)
        self.wire = san.wire

    def _cards(self) -> list[str]:
        return wired(f"socket,id=wire,connect=127.0.0.1:{self.wire}", self.number)


def wired(how: str, number: int) -> list[str]:
    """Return a network card on the wire to another host."""
    card = f"virtio-net-pci,netdev=wire,mac=02:00:00:09:08:{number:02},romfile="
    return ["-netdev", how, "-device", card]


def _fibre(end: str, slot: int) -> list[str]:
    """Return a network card for Fibre Channel over Ethernet; all of them are on one wire.

    Two ports without a fabric name themselves 01:01:01 and 01:01:02, and their kernel drops what
    does not come from an address that ends so. os-brick looks for the card's place on PCI.
    """
    card = f"e1000,netdev=fibre{end},mac=02:00:00:01:01:{end},addr={slot:#x},romfile="
    return ["-netdev", f"hubport,id=fibre{end},hubid=0", "-device", card]


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))
