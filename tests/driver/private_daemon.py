"""A private libvirtd for tests that serves libvirt's test driver, and can be killed and stopped.

    with PrivateDaemon(instances=20) as daemon:
        daemon.uri                 # test+unix:///default?socket=...
        daemon.keeper              # a connection of the test's own, to change things from outside
        daemon.kill(); daemon.start()          # SIGKILL; again, with the same instances
        daemon.stop(); daemon.resume()         # SIGSTOP (a hung host); SIGCONT

It needs no root and touches nothing outside its own directory. As root it runs as `nobody`, for a
libvirtd of root takes the system's sockets. Instances are called `test` (the driver's own),
`vm0001`, `vm0002`...; their UUIDs are the same after every start (`uuid_of`).
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

from core.hypervisor.connection import event_loop
from core.hypervisor.connection.binding import libvirt
from tests.driver.worlds import uuid_of
from tests.servers import PrivateServer, free_port

_NOBODY = 65534
_DOMAIN = """<domain type='test'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <source file='/images/{name}.qcow2'/><target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:00:{high:02x}:{low:02x}'/><source network='default'/>
      <target dev='tap{number}'/>
    </interface>
  </devices>
</domain>"""


def domain_xml(number: int) -> str:
    """Return the XML of the instance `vm{number:04}`."""
    high, low = divmod(number, 256)
    return _DOMAIN.format(
        name=f"vm{number:04}", uuid=uuid_of(number), number=number, high=high, low=low
    )


class PrivateDaemon(PrivateServer):
    """One daemon in a directory of its own; a context manager that leaves nothing behind."""

    def __init__(
        self,
        instances: int = 3,
        running: int = 0,
        listen: Path | None = None,
        *,
        log_calls: bool = False,
    ) -> None:
        """`listen`: a directory of certificates; the daemon then also serves TCP and TLS.

        `log_calls`: it logs every call of libvirt's API that it carries out in `calls`.
        """
        super().__init__("vdt-")
        self.instances = instances
        self.running = running
        self.socket = self.directory / "run/libvirt/libvirt-sock"
        self.uri = f"test+unix:///default?socket={self.socket}"
        self.keeper: Any = None
        self.tcp_port = free_port() if listen else 0
        self.tls_port = free_port() if listen else 0
        self.calls = self.directory / "calls"
        self._certificates = listen
        self._log_calls = log_calls

    @property
    def pid(self) -> int:
        """The daemon's process."""
        return self.processes[0].pid

    def start(self) -> None:
        """Start the daemon and define the instances; returns when it answers."""
        self._prepare()
        words = [*_as_nobody(), "libvirtd", *(["--listen"] if self._certificates else [])]
        daemon = self.launch(*words, environment=self._environment(), directory=self.directory)
        daemon.wait_until(self._answers)
        event_loop.ensure_running()
        # The test driver forgets its default host when the last connection to it closes.
        self.keeper = libvirt.open(self.uri)
        for number in range(1, self.instances + 1):
            domain = self.keeper.defineXML(domain_xml(number))
            if number <= self.running:
                domain.create()

    def kill(self) -> None:
        """End the daemon with SIGKILL: a crash."""
        self.end()

    def stop(self) -> None:
        """Freeze the daemon with SIGSTOP: a host that hangs."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen daemon go on."""
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        """End the daemon, and then the connection to it."""
        super().end()
        self._drop_keeper()  # last: to close a connection to a living, but frozen, daemon blocks

    def _answers(self) -> bool:
        try:
            libvirt.open(self.uri).close()
        except libvirt.libvirtError:
            return False
        return True

    def _prepare(self) -> None:
        for name in ("run", "config", "cache", "data"):
            (self.directory / name).mkdir(mode=0o700, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        if self._certificates:
            self._configure_listening(self._certificates)
        if os.geteuid() == 0:
            for path in (self.directory, *self.directory.rglob("*")):
                os.chown(path, _NOBODY, _NOBODY)

    def _configure_listening(self, certificates: Path) -> None:
        pki = self.directory / "pki"
        shutil.copytree(certificates, pki, dirs_exist_ok=True)
        config = self.directory / "config/libvirt/libvirtd.conf"
        config.parent.mkdir(exist_ok=True)
        config.write_text(
            f"""
listen_tcp = 1
listen_tls = 1
listen_addr = "127.0.0.1"
tcp_port = "{self.tcp_port}"
tls_port = "{self.tls_port}"
auth_tcp = "none"
ca_file = "{pki}/cacert.pem"
cert_file = "{pki}/servercert.pem"
key_file = "{pki}/serverkey.pem"
"""
        )

    def _environment(self) -> dict[str, str]:
        home = str(self.directory)
        outputs = f"1:file:{self.calls}"
        logging = {"LIBVIRT_LOG_FILTERS": "1:libvirt.", "LIBVIRT_LOG_OUTPUTS": outputs}
        return {
            **(logging if self._log_calls else {}),
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": home,
            "XDG_RUNTIME_DIR": f"{home}/run",
            "XDG_CONFIG_HOME": f"{home}/config",
            "XDG_CACHE_HOME": f"{home}/cache",
            "XDG_DATA_HOME": f"{home}/data",
        }

    def _drop_keeper(self) -> None:
        if self.keeper is not None:
            self.keeper.close()
            self.keeper = None

    def _signal(self, number: int) -> None:
        for process in self.processes:
            process.send_signal(number)


def _as_nobody() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
