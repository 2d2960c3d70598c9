"""What the lab hands to libvirt: instance and pool XML, and the daemons' configuration. Pure."""

from __future__ import annotations

import shlex
from pathlib import Path
from string import Template
from xml.sax.saxutils import escape

from core.lab.guests import Guest

ROOT_PORTS = 8
"""Free PCIe slots: on q35 every virtio device, hot-plugged ones included, takes a port."""

INSTANCE = Template("""\
<domain type='$accelerator'>
  <name>$name</name>
  <title>$title</title>
  <description>$description</description>
  <memory unit='MiB'>$memory</memory>
  <vcpu current='1'>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$image/kernel</kernel>
    <initrd>$image/initramfs</initrd>
    <cmdline>console=ttyS0 quiet $kernel_words vd.host=$name $switches</cmdline>
  </os>
  <features><acpi/><apic/>$cache</features>
  <on_crash>preserve</on_crash>
  <devices>
    $emulator
    <controller type='pci' index='0' model='pcie-root'/>
    $ports
    <controller type='scsi' model='virtio-scsi'/>
    $disk
    <interface type='user'><model type='virtio'/></interface>
    <serial type='pty'><log file='$logs/$name.log' append='on'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='virtio'><stats period='2'/></memballoon>
    <panic model='isa'/>
  </devices>
  <seclabel type='none'/>
</domain>
""")

DISK = Template("""\
<disk type='file' device='disk'>
      <driver name='qemu' type='$format' discard='unmap'/>
      <source file='$file'/>
      <target dev='vda' bus='virtio'/>
    </disk>""")

KERNEL_WORDS = "panic=-1 mitigations=off no_timer_check nokaslr cryptomgr.notests"
"""Without `no_timer_check`, an emulated guest on a busy machine misses the few ticks its kernel
waits for, takes the timer for broken ("8254 timer not connected": three of five) and may panic.
Without the last two, its kernel's start takes a tenth more."""

TCG_CACHE = "<tcg><tb-cache unit='MiB'>32</tb-cache></tcg>"
"""An eighth of QEMU's default cache of translated code: it costs nothing here and saves memory."""

EMULATOR = Path("image/qemu-system-x86_64")
"""Where the emulated guests' QEMU is, in the lab's folder."""

HELD_STATES = Path("image/states")
"""Where states are kept that guests go on from, in the lab's folder; none are where it is not."""

POOL = Template("""\
<pool type='dir'>
  <name>$name</name>
  <target><path>$path</path></target>
</pool>
""")

DAEMON_CONFIGURATION = Template("""\
# libvirt refuses to migrate to its own host uuid, and both hosts are one machine.
host_uuid = "$uuid"
log_outputs = "3:file:$directory/daemon.log"
""")

QEMU_CONFIGURATION = Template("""\
stdio_handler = "file"
security_driver = "none"
# QEMU keeps CAP_SYS_PTRACE where the daemon has it: it may then receive a post-copy migration.
clear_emulator_capabilities = 0
# libvirt 11 takes this pool for the shared storage it is; older ones want the unsafe flag.
shared_filesystems = [ "$shared" ]
# Daemons that share a machine and a range find the same port free at the same time.
migration_port_min = $first_port
migration_port_max = $last_port
""")


def instance_xml(guest: Guest, root: Path, disk: Path | None, accelerator: str) -> str:
    """The XML of a guest of the lab in `root`; `accelerator` is `kvm` or `qemu` (which is TCG)."""
    emulated = accelerator == "qemu"
    return INSTANCE.substitute(
        accelerator=accelerator,
        kernel_words=KERNEL_WORDS,
        name=escape(guest.name),
        title=escape(guest.title),
        description=escape(guest.description),
        memory=guest.memory,
        image=escape(str(root / "image")),
        logs=escape(str(root / "logs")),
        switches=escape(" ".join(guest.switches)),
        cache=TCG_CACHE if emulated else "",
        emulator=f"<emulator>{escape(str(root / EMULATOR))}</emulator>" if emulated else "",
        ports="\n    ".join(["<controller type='pci' model='pcie-root-port'/>"] * ROOT_PORTS),
        disk="" if disk is None else _disk_xml(disk),
    )


def _disk_xml(disk: Path) -> str:
    """The disk element of a volume file; the suffix says the format."""
    file_format = disk.suffix.lstrip(".")
    return DISK.substitute(format=escape(file_format), file=escape(str(disk)))


def emulator_script(qemu: str, states: Path) -> str:
    """The program that emulated guests run; `qemu` is the path of QEMU's own."""
    places = f"qemu={shlex.quote(qemu)}\nstates={shlex.quote(str(states))}\n"
    return f"#!/bin/sh\n{places}{Path(__file__).with_name('emulator.sh').read_text()}"


def pool_xml(name: str, path: Path) -> str:
    """The XML of a directory pool."""
    return POOL.substitute(name=escape(name), path=escape(str(path)))


def daemon_configuration(uuid: str, directory: Path) -> str:
    """libvirtd.conf of the host that lives in `directory`."""
    return DAEMON_CONFIGURATION.substitute(uuid=uuid, directory=directory)


def qemu_configuration(shared: Path, ports: range) -> str:
    """qemu.conf of a host: `shared` is the directory of the shared pool, `ports` its own."""
    return QEMU_CONFIGURATION.substitute(shared=shared, first_port=ports[0], last_port=ports[-1])
